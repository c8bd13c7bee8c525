"""The guarded client: where it goes, and everywhere that it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path

import pytest

from contracts.errors import Refusal, Refused
from contracts.guarded import GuardedClient, Reply, checked, is_public
from tests.harness.tls import HOST, TlsServer, tls_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with tls_server(tmp_path) as served:
        yield served


def _refusal(client: GuardedClient, url: str) -> Refusal:
    with pytest.raises(Refused) as refused:
        client.get(url, "application/json")
    return refused.value.refusal


def test_an_answer_comes_whole_and_the_name_is_kept(server: TlsServer) -> None:
    server.give("/jwks?x=1", b'{"keys":[]}')
    reply = server.client().get(server.url("/jwks?x=1"), "application/json")
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, b'{"keys":[]}', "application/json")
    assert server.asked == [("/jwks?x=1", f"{HOST}:{server.port}")]


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
    "240.0.0.1", "192.88.99.1", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::ffff:10.0.0.1",
    "::8.8.8.8", "fec0::1", "4000::1",
]  # fmt: skip


def test_an_address_that_is_not_public_is_never_connected_to(server: TlsServer) -> None:
    assert [each for each in PRIVATE if is_public(ip_address(each))] == []
    for address in (*PRIVATE, "::ffff:10.0.0.1"):
        for found in ([address], ["93.184.216.34", address]):
            client = replace(server.client(is_public), resolve=lambda _host, _port, found=found: found)
            refusal = _refusal(client, server.url("/"))
            assert (refusal.code, refusal.reason) == (
                "address_refused",
                "The address does not lead to public addresses only. Give a public https address.",
            )
    assert server.asked == []


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"])
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(ip_address(address))


def test_the_connection_goes_to_the_address_that_was_checked(server: TlsServer) -> None:
    server.give("/", b"{}")
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    client = replace(server.client(), resolve=lambda _host, _port: next(answers))
    assert client.get(server.url("/"), "*/*").body == b"{}"
    # A second look at the name would have been the second answer.
    assert next(answers) == ["10.0.0.1"]


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.partner.example/", "ftp://keys.partner.example/", "file:///etc/passwd", "https:///x", "https://", "keys.partner.example",
        "https://a:b@keys.partner.example/", "https://a@keys.partner.example/", "https://keys.partner.example/#x", "https://ex ample/",
        "https://keys.partner.example/a b", "https://keys.partner.example/\r\nx: y", "https://keys.partner.example:99999/", "https://[::1/",
        "https://ключ.example/", "https://keys.partner.example/" + "a" * 2100, "https://keys_partner.example/", "https://[fe80::1%25eth0]/",
    ],
)  # fmt: skip
def test_what_is_no_plain_https_address_is_refused_before_its_name_is_asked(url: str) -> None:
    def never(_host: str, _port: int) -> list[str]:
        raise AssertionError("asked")

    assert _refusal(GuardedClient(resolve=never, ports=None), url).code == "address_refused"


@pytest.mark.parametrize(
    ("url", "fine"), [("https://a.example/", True), ("https://a.example:443/", True), ("https://a.example:8443/", False)]
)
def test_only_the_port_of_https_is_asked(url: str, fine: bool) -> None:
    if fine:
        assert checked(url).hostname == "a.example"
    else:
        assert _refusal(GuardedClient(), url).code == "address_refused"


def test_a_redirect_is_not_followed(server: TlsServer) -> None:
    def away(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("location", "/elsewhere")
        handler.end_headers()

    server.answers["/"] = away
    refusal = _refusal(server.client(), server.url("/"))
    assert (refusal.code, refusal.reason) == ("fetch_failed", "The address redirects; give the address itself.")
    assert [path for path, _ in server.asked] == ["/"]


@pytest.mark.parametrize("status", [201, 204, 404, 500])
def test_another_answer_than_200_is_none(server: TlsServer, status: int) -> None:
    server.give("/", b"", status=status)
    assert _refusal(server.client(), server.url("/")).reason == f"The address answered {status}."


@pytest.mark.parametrize("told", [True, False])
def test_an_answer_above_the_cap_is_refused(server: TlsServer, told: bool) -> None:
    def much(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if told:
            handler.send_header("content-length", str(10**9))
        handler.end_headers()
        handler.wfile.write(b"x" * 2_000)

    server.answers["/"] = much
    assert _refusal(server.client(most_bytes=1_000), server.url("/")).reason == "The address answers more than 1000 bytes."


def test_an_answer_that_breaks_off_is_none(server: TlsServer) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "100")
        handler.end_headers()
        handler.wfile.write(b"{}")

    server.answers["/"] = half
    assert _refusal(server.client(), server.url("/")).code == "fetch_failed"


def test_a_compressed_answer_is_refused(server: TlsServer) -> None:
    def packed(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-encoding", "gzip")
        handler.end_headers()

    server.answers["/"] = packed
    assert _refusal(server.client(), server.url("/")).code == "fetch_failed"


def test_a_server_that_drips_is_left_when_the_time_is_up(server: TlsServer) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1_000):
                handler.wfile.write(b"x")
                time.sleep(0.02)
        except OSError:
            ended.set()

    server.answers["/"] = drip
    started = time.monotonic()
    refusal = _refusal(server.client(seconds=0.4), server.url("/"))
    assert (refusal.code, refusal.reason) == ("fetch_failed", "The address did not answer whole within 0.4 seconds.")
    assert time.monotonic() - started < 10, "the whole answer would take twenty seconds"
    assert ended.wait(30)


def test_a_name_that_is_not_answered_costs_no_more_than_the_cap(server: TlsServer) -> None:
    released = threading.Event()

    def slow(_host: str, _port: int) -> list[str]:
        released.wait(5)
        return ["127.0.0.1"]

    assert _refusal(replace(server.client(seconds=0.2), resolve=slow), server.url("/")).code == "fetch_failed"
    released.set()
    assert server.asked == []


def test_a_certificate_for_another_name_or_of_an_unknown_authority_is_refused(server: TlsServer) -> None:
    server.give("/", b"{}")
    other_name = _refusal(server.client(), server.url("/", host="other.example"))
    strange = _refusal(replace(server.client(), trust=GuardedClient().trust), server.url("/"))
    assert [other_name.code, strange.code] == ["fetch_failed", "fetch_failed"]
    assert server.asked == []


def test_a_name_without_an_address_and_a_closed_port_are_failures(server: TlsServer) -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    assert _refusal(replace(server.client(), resolve=unknown), server.url("/")).code == "fetch_failed"
    assert _refusal(server.client(), f"https://{HOST}:1/").code == "fetch_failed"


def test_a_body_may_be_sent(server: TlsServer) -> None:
    received: list[bytes] = []

    def take(handler: BaseHTTPRequestHandler) -> None:
        received.append(handler.rfile.read(int(handler.headers["content-length"])))
        handler.send_response(204)
        handler.end_headers()

    server.answers["/hook"] = take
    reply = server.client().request("POST", server.url("/hook"), headers={"content-type": "application/json"}, body=b"{}")
    assert (reply.status, reply.body, received) == (204, b"", [b"{}"])
