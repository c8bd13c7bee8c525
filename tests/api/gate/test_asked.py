"""A proxy's question is read from what that proxy sets, and from nothing else that a visitor may write."""

from __future__ import annotations

import pytest

from api.gate.asked import FORWARDED, ORIGINAL, OWN, Asked, Names, Reader
from contracts.gate.facts import Facts, Signed

PROXIES = ("127.0.0.1/32", "192.0.2.10/32")
SEEN = Facts("POST", "site.example", "/posts/1?x=%2F", "198.51.100.7", "curl/8", "Basic eA==", "https", None, "", "")

BY_ORIGINAL = [
    (b"x-original-method", b"POST"),
    (b"x-original-uri", b"/posts/1?x=%2F"),
    (b"x-forwarded-host", b"site.example"),
    (b"host", b"licet_gate"),
]
BY_FORWARDED = [
    (b"x-forwarded-method", b"POST"),
    (b"x-forwarded-uri", b"/posts/1?x=%2F"),
    (b"x-forwarded-host", b"site.example"),
    (b"host", b"127.0.0.1:8400"),
]
VISITORS = [
    (b"x-forwarded-for", b"198.51.100.7"),
    (b"x-forwarded-proto", b"https"),
    (b"user-agent", b"curl/8"),
    (b"authorization", b"Basic eA=="),
    (b"accept", b"text/html"),
]


@pytest.mark.parametrize(
    ("names", "method", "target", "headers"),
    [
        (ORIGINAL, "GET", "/gate/nginx", BY_ORIGINAL),
        (FORWARDED, "GET", "/gate/traefik", BY_FORWARDED),
        (OWN, "POST", "/posts/1?x=%2F", [(b"host", b"site.example")]),
        # Names that belong to another proxy, or to none, may hold anything.
        (ORIGINAL, "GET", "/gate/nginx", [*BY_ORIGINAL, (b"x-forwarded-uri", b"/robots.txt"), (b"forwarded", b"for=1.2.3.4")]),
        (FORWARDED, "GET", "/gate/caddy", [*BY_FORWARDED, (b"x-original-uri", b"/robots.txt"), (b"x-real-ip", b"1.2.3.4")]),
        (OWN, "POST", "/posts/1?x=%2F", [(b"host", b"site.example"), (b"x-original-method", b"GET"), (b"x-forwarded-host", b"other")]),
    ],
)
def test_each_proxy_tells_the_same_request_in_its_own_way(
    names: Names, method: str, target: str, headers: list[tuple[bytes, bytes]]
) -> None:
    assert Reader(names).read(method, target, [*headers, *VISITORS], "192.0.2.10", PROXIES) == Asked(SEEN, "text/html")


def test_what_stands_there_twice_is_absent() -> None:
    twice = [*BY_ORIGINAL, *VISITORS, (b"authorization", b"Bearer x"), (b"x-original-uri", b"/robots.txt"), (b"x-forwarded-proto", b"http")]
    asked = Reader(ORIGINAL).read("GET", "/gate/nginx", twice, "192.0.2.10", PROXIES)
    assert (asked.facts.authorization, asked.facts.target, asked.facts.scheme, asked.doubtful) == ("", "", "", True)


@pytest.mark.parametrize(
    ("sent", "doubtful"),
    [
        (b"Basic eA==, Bearer eyJ", True),
        (b"Bearer eyJ,License x", True),
        (b"Digest username=Mufasa, realm=a, nonce=b", False),
        (b"Bearer eyJ,", False),
    ],
)
def test_an_authorization_that_was_joined_from_two_is_absent(sent: bytes, doubtful: bool) -> None:
    asked = Reader(OWN).read("GET", "/", [(b"authorization", sent)], "127.0.0.1", PROXIES)
    assert (asked.facts.authorization, asked.doubtful) == ("" if doubtful else sent.decode(), doubtful)


def test_an_address_is_believed_from_proxies_alone() -> None:
    def address(forwarded: bytes, peer: str) -> str:
        return Reader(OWN).read("GET", "/", [(b"x-forwarded-for", forwarded)], peer, PROXIES).facts.address

    assert address(b"203.0.113.9, 198.51.100.7", "127.0.0.1") == "198.51.100.7"
    assert address(b"203.0.113.9, 198.51.100.7, 192.0.2.10", "127.0.0.1") == "198.51.100.7"
    assert address(b"203.0.113.9", "198.51.100.1") == "198.51.100.1"


def test_a_signature_and_the_sites_identity_cookie_are_read_and_no_other_cookie() -> None:
    signed = [
        (b"signature-input", b'sig1=("@authority")'),
        (b"signature", b"sig1=:AA==:"),
        (b"signature-agent", b'"https://bot.example"'),
        (b"cookie", b"session=1; who=abc; whoever=2"),
        (b"sec-purpose", b"prefetch"),
    ]
    read = Reader(OWN, "who").read("GET", "/", signed, "127.0.0.1", PROXIES).facts
    assert (read.signature, read.cookie, read.purpose) == (
        Signed('sig1=("@authority")', "sig1=:AA==:", '"https://bot.example"'),
        "abc",
        "prefetch",
    )
    for cookies in (b"who=abc; who=def", b"session=1"):
        assert Reader(OWN, "who").read("GET", "/", [(b"cookie", cookies)], "127.0.0.1", PROXIES).facts.cookie == ""
    assert Reader(OWN).read("GET", "/", signed, "127.0.0.1", PROXIES).facts.cookie == ""
