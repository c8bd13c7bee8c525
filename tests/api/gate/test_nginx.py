"""The documented nginx configuration, run by the real nginx before the tiny site, asking the real gate."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api.front import Front, HotRoute
from api.gate.nginx import NginxGate
from api.signals.router import signals_of
from contracts.clock import FixedClock
from contracts.gate import queries
from contracts.people.actor import SYSTEM
from contracts.store.unit import Store
from portal.demo.platform import DemoPlatform
from portal.demo.scrape import scrape
from portal.demo.site import site_app
from tests.harness import nginx
from tests.harness.asgi import serving
from tests.harness.gates import GateParts, gate_over, gate_settings
from tests.harness.server import free_port

DOCUMENTED = (Path(__file__).parents[3] / "docs/gate/nginx.conf").read_text(encoding="utf-8")
BUDGET = 12
LINKS = [
    '<http://127.0.0.1:8400/license.xml>; rel="license"; type="application/rsl+xml"',
    '<http://127.0.0.1:8400/apply>; rel="register"',
]


class Recorder:
    """The site, noting which requests reached it."""

    def __init__(self) -> None:
        self.site = site_app(DemoPlatform(posts=400, authors=20))
        self.seen: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.seen.append((scope["path"], {name.decode(): value.decode() for name, value in scope["headers"]}))
        await self.site(scope, receive, send)


@dataclass
class House:
    """nginx before a site, and the gate that it asks."""

    url: str
    parts: GateParts
    site: Recorder
    asked: list[int]  # the port of nginx's connection, for each question to the gate

    def client(self, address: str, **headers: str) -> httpx.Client:
        """A visitor from an address of its own (all of 127/8 is loopback)."""
        transport = httpx.HTTPTransport(local_address=address)
        return httpx.Client(base_url=self.url, transport=transport, headers=headers, timeout=60)


@contextlib.contextmanager
def house(store: Store, clock: FixedClock, folder: Path, mode: str, conf: str = DOCUMENTED, gate_up: bool = True) -> Iterator[House]:
    site = Recorder()
    parts = gate_over(store, clock, gate_settings(folder, mode=mode, budget=BUDGET))
    parts.crawl(requests_per_second=1000)
    rest = FastAPI()
    rest.include_router(signals_of(parts.settings))
    front = Front([HotRoute(("GET",), "/gate/nginx", NginxGate(parts.gate, parts.settings), "")], rest)
    asked: list[int] = []

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/gate/nginx":
            asked.append(scope["client"][1])
        await front(scope, receive, send)

    with serving(noted) as gate_port, serving(site) as site_port:
        ports = {"127.0.0.1:8400": f"127.0.0.1:{gate_port if gate_up else free_port()}", "127.0.0.1:8080": f"127.0.0.1:{site_port}"}
        parts.watch.start()
        try:
            with nginx.running(folder / "nginx", conf, ports) as port:
                yield House(f"http://127.0.0.1:{port}", parts, site, asked)
        finally:
            parts.watch.stop()


@pytest.fixture
def enforced(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[House]:
    with house(sqlite_store, clock, tmp_path, "enforce") as made:
        yield made


def test_people_and_a_licensed_crawler_pass_and_the_same_without_its_token_does_not(enforced: House) -> None:
    for person in range(1, 6):
        with enforced.client(f"127.0.{person}.1", **{"user-agent": "Mozilla/5.0 Firefox/140.0"}) as browser:
            paths = ["/posts/", *(f"/posts/{10 * person + n}" for n in range(6)), "/static/site.css"]
            assert {browser.get(path).status_code for path in paths} <= {200, 404}
    licensed = scrape(enforced.url, "http://127.0.0.1:8400", enforced.parts.token(), 100)
    assert (licensed.fetched, licensed.finished) == (100, True)
    bare = scrape(enforced.url, "http://127.0.0.1:8400", None, 100)
    assert (bare.fetched, bare.status, bare.reason) == (BUDGET, 403, "budget_exceeded")
    assert bare.links == {"license": "http://127.0.0.1:8400/license.xml", "register": "http://127.0.0.1:8400/apply"}


def test_a_refusal_is_empty_and_tells_the_way_in(enforced: House) -> None:
    with enforced.client("127.1.0.1") as visitor:
        for number in range(BUDGET):
            visitor.get(f"/posts/{number}")
        for answer in (visitor.get("/posts/300"), visitor.head("/posts/301"), visitor.post("/posts/302", content=b"x" * 20_000)):
            assert (answer.status_code, answer.content) == (403, b"")
            assert answer.headers.get_list("link") == LINKS
            assert answer.headers["x-gate-reason"] == "budget_exceeded"
            assert answer.headers["x-gate-decision"].startswith("dec_")
            assert answer.headers["retry-after"] == "3660"
            assert answer.headers["cache-control"] == "private, no-store"
            assert answer.headers["content-length"] == "0"
        assert visitor.get("/posts/3").status_code in (200, 404)
        assert visitor.get("/robots.txt").text.splitlines()[3] == "License: http://127.0.0.1:8400/license.xml"
        assert visitor.get("/license.xml").headers["content-type"] == "application/rsl+xml"


def test_in_shadow_all_pass_and_are_listed(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    with house(sqlite_store, clock, tmp_path, "shadow") as shadow:
        assert scrape(shadow.url, "http://127.0.0.1:8400", None, 40).fetched == 40
        shadow.parts.gate.flush_counts()
    with sqlite_store.read() as session:
        [stop] = queries.stops(session, clock.now())
    assert (stop.network, stop.agent, stop.reason, stop.effect, stop.requests) == (
        "127.0.0.0/24",
        "licet-demo-crawler",
        "budget_exceeded",
        "would_stop",
        40 - BUDGET,
    )


def test_gate_off_lets_a_stopped_visitor_pass(enforced: House) -> None:
    with enforced.client("127.2.0.1") as visitor:
        assert [visitor.get(f"/posts/?before={n}").status_code for n in range(2, BUDGET + 3)] == [200] * BUDGET + [403]
        with enforced.parts.store.write() as unit:
            enforced.parts.gate.set_mode(unit, SYSTEM, "shadow")
        assert visitor.get("/posts/?before=200").status_code == 200


def test_spoofed_headers_count_for_nothing(enforced: House) -> None:
    with enforced.client("127.3.0.1") as visitor:
        for number in range(2, BUDGET + 2):
            visitor.get(f"/posts/?before={number}")
        for name, value in (
            ("x-forwarded-for", "198.51.100.1"),
            ("forwarded", "for=198.51.100.1"),
            ("x-real-ip", "198.51.100.1"),
            ("x-original-uri", "/robots.txt"),
            ("x-original-method", "OPTIONS"),
            ("x-gate-status", "200"),
            ("x-gate-credential", "licence"),
            ("x-licet-contract", "ctr_1"),
            ("sec-purpose", "prefetch"),
            ("x-forwarded-host", "other.example"),
            ("authorization", "Bearer ctr_1"),
        ):
            assert visitor.get("/posts/?before=300", headers={name: value}).status_code == 403, name
        for path in (
            "/static/../posts/?before=301",
            "/static/..%2fposts/302",
            "/robots.txt/../posts/?before=303",
            "/.well-known/%2e%2e/posts/304",
        ):
            request = visitor.build_request("GET", "/")
            request.url = request.url.copy_with(raw_path=path.encode())
            assert visitor.send(request).status_code == 403, path


def test_the_site_sees_no_licet_token_and_no_forged_header(enforced: House) -> None:
    token = enforced.parts.token()
    forged = {"x-licet-contract": "ctr_forged", "x-licet-decision": "dec_forged", "x-forwarded-for": "198.51.100.1"}
    with enforced.client("127.4.0.1") as visitor:
        visitor.get("/posts/1", headers={**forged, "authorization": f"Bearer {token}"})
        visitor.get("/posts/2", headers={**forged, "authorization": "Basic dXNlcjpwYXNz", "cookie": "session=1"})
    (_path, licensed), (_same, person) = enforced.site.seen
    assert ("authorization" in licensed, licensed["x-licet-contract"], licensed["x-forwarded-for"]) == (False, "ctr_1", "127.4.0.1")
    assert licensed["x-licet-decision"].startswith("dec_")
    assert licensed["x-licet-decision"] != "dec_forged"
    assert (person["authorization"], person["cookie"], "x-licet-contract" in person) == ("Basic dXNlcjpwYXNz", "session=1", False)


def test_a_licence_has_its_own_statuses(enforced: House) -> None:
    with enforced.client("127.5.0.1", authorization=f"Bearer {enforced.parts.token()}") as crawler:
        assert crawler.get("/authors/anyone").headers["x-gate-reason"] == "path_not_in_contract"
        enforced.parts.crawl(requests_per_second=1)
        assert [crawler.get(f"/posts/?before={n}").status_code for n in (5, 6)] == [200, 429]
        assert crawler.get("/posts/?before=7").headers["retry-after"] == "1"
    with enforced.client("127.5.0.1", authorization=f"Bearer {enforced.parts.token()[:-6]}AAAAAA") as crawler:
        stopped = crawler.get("/posts/?before=8")
        assert (stopped.status_code, stopped.content) == (401, b"")
        assert stopped.headers.get_list("www-authenticate", split_commas=False) == [
            'Bearer resource_metadata="http://127.0.0.1:8400/.well-known/oauth-protected-resource", error="invalid_token"'
        ]


@pytest.mark.parametrize(("open_line", "status"), [(False, 500), (True, 200)])
def test_while_the_gate_is_down_the_operator_has_chosen(
    sqlite_store: Store, clock: FixedClock, tmp_path: Path, open_line: bool, status: int
) -> None:
    conf = DOCUMENTED.replace("# error_page 500 = @site;", "error_page 500 = @site;") if open_line else DOCUMENTED
    with house(sqlite_store, clock, tmp_path, "enforce", conf, gate_up=False) as down, down.client("127.6.0.1") as visitor:
        assert visitor.get("/posts/").status_code == status


def test_few_connections_carry_many_decisions(enforced: House) -> None:
    """A body on the gate's answer would make nginx close the connection after each one."""
    with enforced.client("127.7.0.1", authorization=f"Bearer {enforced.parts.token()}") as crawler:
        for number in range(2, 60):
            crawler.get(f"/posts/?before={number}")
    assert (len(enforced.asked), len(set(enforced.asked))) == (58, 1)


def test_only_proxies_may_ask(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    settings = gate_settings(tmp_path, budget=BUDGET)
    settings = settings.model_copy(update={"gate": settings.gate.model_copy(update={"proxies": ["192.0.2.0/24"]})})
    parts = gate_over(sqlite_store, clock, settings)
    front = Front([HotRoute(("GET",), "/gate/nginx", NginxGate(parts.gate, parts.settings), "")], FastAPI())
    with serving(front) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/gate/nginx", headers={"x-original-uri": "/posts/1"}, trust_env=False)
    assert (answer.status_code, answer.content, answer.headers["x-gate-reason"]) == (403, b"", "not_a_proxy")
    parts.gate.flush_counts()
    with sqlite_store.read() as session:
        assert sum(hour.total for hour in queries.hours(session, clock.now())) == 0
