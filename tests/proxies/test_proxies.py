"""The gate behind each of the five proxies, each running what `licet gate config` wrote: who passes, what the stopped are told, what
counts for nothing, what the site sees, and what happens while the gate is down or slow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import httpx
import pytest

from contracts.errors import StoreUnavailable
from contracts.gate.facts import Facts, Signed
from portal.commands.gate_config import FAST
from tests.harness.gates import GRANT
from tests.proxies.conftest import BUDGET, Place

LINKS = ['</license.xml>; rel="license"; type="application/rsl+xml"', '</apply>; rel="register"']
FORGED = {
    "x-licet-contract": "ctr_forged",
    "x-licet-decision": "dec_forged",
    "x-forwarded-for": "198.51.100.1",
    "x-forwarded-host": "other.example",
    "x-forwarded-method": "OPTIONS",
    "x-forwarded-uri": "/robots.txt",
    "x-original-method": "OPTIONS",
    "x-original-uri": "/robots.txt",
    "x-original-url": "/robots.txt",
    "forwarded": "for=198.51.100.1",
    "x-real-ip": "198.51.100.1",
    "client-cert": ":MIIB:",
    # Many sites read an underscore as a hyphen.
    "x_licet_contract": "ctr_forged",
    "x-licet_contract": "ctr_forged",
    "x_forwarded_for": "198.51.100.1",
    "x-forwarded_for": "198.51.100.1",
    "client_cert": ":MIIB:",
    "x-gate-status": "200",
    "x-gate-credential": "licence",
    "x-gate-replay": "eyJ9",
}


def used_up(visitor: httpx.Client) -> None:
    """Read as many pages as anyone may."""
    assert [visitor.get(f"/posts/{number}").status_code for number in range(BUDGET)] == [200] * BUDGET


@contextmanager
def down(place: Place) -> Iterator[None]:
    """While the gate refuses connections."""
    place.ground.gate.stop()
    try:
        yield
    finally:
        place.ground.gate.start()


@contextmanager
def slow(place: Place) -> Iterator[None]:
    """While the gate takes questions and does not answer."""
    place.ground.gate.slow.set()
    try:
        yield
    finally:
        place.ground.gate.slow.clear()


@contextmanager
def broken(place: Place) -> Iterator[None]:
    """While the gate answers every question with a fault of its own."""
    place.ground.gate.broken.set()
    try:
        yield
    finally:
        place.ground.gate.broken.clear()


def test_a_visitor_passes_until_the_budget_and_is_then_told_why(place: Place) -> None:
    base = place.ground.parts.settings.base_url
    with place.client(1) as visitor:
        used_up(visitor)
        for answer in (visitor.get("/posts/90"), visitor.head("/posts/91"), visitor.post("/posts/92", content=b"x" * 20_000)):
            assert (answer.status_code, answer.headers["x-gate-reason"]) == (403, "budget_exceeded"), answer.request.method
            assert answer.headers.get_list("link", split_commas=False) == [each.replace("<", f"<{base}") for each in LINKS]
            assert answer.headers["x-gate-decision"].startswith("dec_")
            assert (answer.headers["retry-after"], answer.headers["cache-control"]) == ("3660", "private, no-store")
            lines = [] if answer.request.method == "HEAD" else [f"Decision: {base}/decision/{answer.headers['x-gate-decision']}"]
            assert answer.text.splitlines()[1:] == lines, answer.request.method
        page = visitor.get("/posts/93", headers={"accept": "text/html,*/*;q=0.8"})
        assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert (page.headers["x-gate-decision"] in page.text, "default-src 'none'" in page.headers["content-security-policy"]) == (
            True,
            True,
        )
        assert (visitor.get("/posts/3").status_code, visitor.get("/static/site.css").status_code) == (200, 200)
        assert visitor.get("/robots.txt").text.splitlines()[3] == f"License: {base}/license.xml"
        assert visitor.get("/license.xml").headers["content-type"] == "application/rsl+xml"


def test_a_licence_has_its_own_statuses(place: Place) -> None:
    grants = place.ground.parts.grants
    with place.crawler(2) as crawler:
        place.ground.parts.crawl(requests_per_second=1000)
        assert [crawler.get(f"/posts/{number}").status_code for number in range(2 * BUDGET)] == [200] * 2 * BUDGET
        told = {"/people/1": (402, "path_not_in_contract"), "/posts/": (200, None)}
        assert {path: _told(crawler.get(path)) for path in told} == told
        grants.known["ctr_1"] = replace(GRANT, clients={"cli_1": frozenset()})
        assert _told(crawler.get("/posts/20")) == (451, "scope_not_granted")
        del grants.known["ctr_1"]
        assert _told(crawler.get("/posts/21")) == (403, "contract_not_active")
        # Whatever the class of the path: without its entry a licensed fetch does not go through.
        grants.known["ctr_1"] = StoreUnavailable("down")
        later = crawler.get("/posts/22")
        assert (_told(later), later.headers["retry-after"]) == ((503, "grant_unverified"), "2")
        place.ground.parts.crawl(requests_per_second=1)
        fast = [crawler.get(f"/posts/{number}") for number in range(30, 34)][-1]
        assert (_told(fast), fast.headers["retry-after"]) == ((429, "rate_exceeded"), "1")
    with place.client(2, authorization=f"Bearer {place.ground.parts.token()[:-6]}AAAAAA") as crawler:
        wrong = crawler.get("/posts/23")
        metadata = f"{place.ground.parts.settings.base_url}/.well-known/oauth-protected-resource"
        assert (_told(wrong), wrong.headers.get_list("www-authenticate", split_commas=False)) == (
            (401, "token_invalid"),
            [f'Bearer resource_metadata="{metadata}", error="invalid_token"'],
        )


def test_what_a_visitor_claims_counts_for_nothing(place: Place) -> None:
    with place.client(3) as visitor:
        used_up(visitor)
        for name, value in {**FORGED, "sec-purpose": "prefetch", "authorization": "Bearer ctr_1", "cookie": "site_account=forged"}.items():
            answer = visitor.get("/posts/90", headers={name: value})
            assert _told(answer) == (403, "budget_exceeded"), name
        for path in ("/static/../posts/90", "/static/..%2fposts/90", "/robots.txt/../posts/91", "/.well-known/%2e%2e/posts/92"):
            request = visitor.build_request("GET", "/")
            request.url = request.url.copy_with(raw_path=path.encode())
            assert visitor.send(request).status_code in (400, 403), path


def test_the_gate_is_asked_about_the_request_as_it_came(place: Place) -> None:
    signed = {
        "signature-input": 'sig1=("@authority" "signature-agent";key="sig1");created=1;expires=2;keyid="a";tag="web-bot-auth"',
        "signature": "sig1=:AAAA:",
        "signature-agent": 'sig1="https://bot.example"',
        "content-digest": "sha-256=:AAAA:",
        "sec-purpose": "prefetch",
    }
    with place.client(11, authorization="Basic eA==", cookie="session=1; site_account=abc.def; other=2") as visitor:
        request = visitor.build_request("PUT", "/posts/%C3%B8?x=%2F&y=%20", headers=signed, content=b"x")
        assert visitor.send(request).status_code == 200
    assert place.ground.noted[-1] == Facts(
        method="PUT",
        host=place.url.removeprefix("http://"),
        target="/posts/%C3%B8?x=%2F&y=%20",
        address=f"127.{place.number}.11.1",
        user_agent="curl/8.5",
        authorization="Basic eA==",
        scheme="http",
        signature=Signed(*(signed[name] for name in ("signature-input", "signature", "signature-agent", "content-digest"))),
        cookie="abc.def",
        purpose="prefetch",
    )
    with place.client(11, cookie="session=1") as visitor:
        assert (visitor.get("/posts/1").status_code, place.ground.noted[-1].cookie) == (200, "")


def test_the_site_sees_what_the_gate_says_and_nothing_that_a_visitor_forged(place: Place) -> None:
    place.ground.parts.crawl(requests_per_second=1000)
    with place.crawler(4) as crawler:
        assert crawler.get("/posts/1?x=%2F&y", headers=FORGED).status_code == 200
    method, target, licensed, _body = place.last()
    assert (method, target) == ("GET", "/posts/1?x=%2F&y")
    assert ("authorization" in licensed, licensed["x-licet-contract"]) == (False, "ctr_1")
    assert licensed["x-licet-decision"].startswith("dec_") and licensed["x-licet-decision"] != "dec_forged"
    assert _forged_in(licensed) == {}
    assert licensed["x-forwarded-for"] == f"127.{place.number}.4.1"
    with place.client(5, authorization="Basic dXNlcjpwYXNz", cookie="session=1") as person:
        assert person.post("/posts/2", headers=FORGED, content=b"y" * 20_000).status_code == 200
        method, _target, own, body = place.last()
        assert (method, own["authorization"], own["cookie"], body) == ("POST", "Basic dXNlcjpwYXNz", "session=1", b"y" * 20_000)
        assert ("x-licet-contract" in own, _forged_in(own)) == (False, {})
        assert person.get("/posts/2", headers={"authorization": "License of-somebody"}).status_code == 200
        assert "authorization" not in place.last()[2]


def test_a_credential_beside_another_one_never_reaches_the_site(place: Place) -> None:
    both = [("authorization", "Basic dXNlcjpwYXNz"), ("authorization", f"Bearer {place.ground.parts.token()}")]
    before = len(place.ground.site.seen)
    with place.client(13) as visitor:
        assert {visitor.get("/posts/1", headers=each).status_code for each in (both, both[::-1])} <= {200, 400, 401}
    assert [headers for _, _, headers, _ in place.ground.site.seen[before:] if "Bearer" in headers.get("authorization", "")] == []


def test_what_goes_wrong_at_the_site_is_the_sites_own(place: Place) -> None:
    with place.client(6) as visitor:
        assert {path: visitor.get(path).text for path in ("/broken", "/forbidden")} == {
            "/broken": "the site's /broken",
            "/forbidden": "the site's /forbidden",
        }


@pytest.mark.parametrize("fails", [down, slow, broken])
def test_without_the_gate_the_class_of_the_path_decides(place: Place, fails: Callable[[Place], AbstractContextManager[None]]) -> None:
    asked = {
        ("GET", "/posts/1"): 200,
        ("GET", "/static/site.css"): 200,
        ("GET", "/.well-known/security.txt"): 200,
        ("POST", "/posts/2"): 200,
        ("GET", "/people/1"): 503,
        ("GET", "/people/"): 503,
        ("GET", "/posts/.hidden"): 503,
        ("GET", "/posts/a;b"): 503,
    }
    seen = place.ground.site.seen
    before = len(seen)
    with place.client(20 + (down, slow, broken).index(fails)) as visitor, fails(place), ThreadPoolExecutor(len(asked)) as visitors:

        def answer(each: tuple[str, str]) -> int:
            return visitor.request(*each, headers=FORGED, content=b"z" * 20_000 if each[0] == "POST" else None).status_code

        # Together, because each waits as long as the proxy waits for a gate that is slow.
        assert dict(zip(asked, visitors.map(answer, asked), strict=True)) == asked
    assert sorted((method, target, len(body)) for method, target, _headers, body in seen[before:]) == [
        ("GET", "/.well-known/security.txt", 0),
        ("GET", "/posts/1", 0),
        ("GET", "/static/site.css", 0),
        ("POST", "/posts/2", 20_000),
    ]
    assert [_forged_in(headers) for _method, _target, headers, _body in seen[before:]] == [{}] * 4
    with place.client(9) as visitor:
        assert [visitor.get(path).status_code for path in ("/people/1", "/posts/1")] == [200, 200]


def test_how_fast_anyone_goes_while_the_gate_is_down(place: Place) -> None:
    with place.client(12) as visitor, down(place):
        if place.name in ("nginx", "haproxy"):
            answers = (visitor.get(f"/posts/{number}") for number in range(2_000))
            stopped = next(each for each in answers if each.status_code != 200)
            assert (stopped.status_code, stopped.headers["retry-after"], stopped.text) == (429, "10", f"{FAST}\n")
        else:  # these know no bound for that time alone
            assert {visitor.get(f"/posts/{number}").status_code for number in range(80)} == {200}


def test_few_connections_carry_many_questions(place: Place) -> None:
    place.ground.parts.crawl(requests_per_second=1000)
    place.ground.gate.connections.clear()
    with place.crawler(10) as crawler:
        for number in range(40):
            crawler.get(f"/posts/{number}")
    assert (len(place.ground.gate.connections), len(set(place.ground.gate.connections)) <= 4) == (40, True)


def _told(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("x-gate-reason")


def _forged_in(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if FORGED.get(name) == value}
