"""The small site, and the gate before it in one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from contracts.clock import FixedClock
from contracts.store.unit import Store
from portal.demo.platform import DemoPlatform
from portal.demo.scrape import Result, scrape
from portal.demo.site import gated, site_app
from tests.harness.asgi import serving
from tests.harness.bots import Bot
from tests.harness.gates import GateParts, gate_over, gate_settings

PLATFORM = DemoPlatform(posts=300, authors=20)
SHOWN = [post for post in PLATFORM.all_posts() if post.is_shown]


@pytest.fixture
def site() -> TestClient:
    return TestClient(site_app(PLATFORM), follow_redirects=False)


@pytest.fixture
def parts(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> GateParts:
    return gate_over(sqlite_store, clock, gate_settings(tmp_path, budget=12))


def test_the_list_shows_the_newest_posts_and_leads_to_older_ones(site: TestClient) -> None:
    assert (site.get("/").status_code, site.get("/").headers["location"]) == (303, "/posts/")
    first = site.get("/posts/").text
    assert [f'href="/posts/{post.id}"' in first for post in SHOWN[-26:]] == [False] + [True] * 25
    older = SHOWN[-25].number
    assert f'href="/posts/?before={older}"' in first
    assert f'href="/posts/{SHOWN[-26].id}"' in site.get(f"/posts/?before={older}").text


def test_a_post_is_shown_with_its_author_and_neighbours(site: TestClient) -> None:
    post = SHOWN[100]
    page = site.get(f"/posts/{post.id}").text
    assert all(part in page for part in (f"@{post.author.handle}", f"/posts/{SHOWN[99].id}", f"/posts/{SHOWN[101].id}"))
    author = site.get(f"/authors/{post.author.handle}")
    assert (author.status_code, f"@{post.author.handle}" in author.text) == (200, True)


@pytest.mark.parametrize(
    "path", ["/posts/0", "/posts/301", "/posts/x", "/authors/nobody", "/authors/nobody_1", "/authors/x_99999999999", "/else"]
)
def test_what_is_not_there_is_said_plainly(site: TestClient, path: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, "There is no such page" in answer.text) == (404, True)


def test_deleted_posts_are_gone(site: TestClient) -> None:
    gone = next(post for post in PLATFORM.all_posts() if post.is_deleted)
    assert site.get(f"/posts/{gone.id}").status_code == 404


@pytest.mark.parametrize("before", ["x", "-1", "99999999999999999999", "²", "1"])
def test_an_odd_page_number_is_no_error(site: TestClient, before: str) -> None:
    assert site.get("/posts/", params={"before": before}).status_code == 200


@pytest.fixture
def served(parts: GateParts) -> Iterator[str]:
    parts.watch.start()
    with serving(gated(site_app(PLATFORM), parts.gate)) as port:
        yield f"http://127.0.0.1:{port}"
    parts.watch.stop()


def test_a_crawler_without_a_licence_is_stopped_and_told_where_to_apply(served: str) -> None:
    result = scrape(served, "http://127.0.0.1:8400", None, 50)
    assert result == Result(
        fetched=12,
        stopped_at=result.stopped_at,
        status=403,
        reason="budget_exceeded",
        decision=result.decision,
        links={"license": "http://127.0.0.1:8400/license.xml", "register": "http://127.0.0.1:8400/apply"},
    )
    assert (result.stopped_at.startswith("/posts/"), result.decision.startswith("dec_")) == (True, True)


def test_with_its_licence_it_finishes_at_the_contracts_pace(served: str, parts: GateParts, clock: FixedClock) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        clock.advance(seconds=seconds)

    pages: list[int] = []
    result = scrape(served, "http://127.0.0.1:8400", parts.token(), 50, pages.append, wait)
    assert (result, pages[-1]) == (Result(50), 50)
    assert waited == [1.0] * 9


def test_the_signals_stand_on_the_site_itself(served: str, parts: GateParts) -> None:
    client = TestClient(gated(site_app(PLATFORM), parts.gate))
    assert client.get("/robots.txt").text.splitlines()[3] == "License: http://127.0.0.1:8400/license.xml"
    assert client.get("/license.xml").headers["content-type"] == "application/rsl+xml"


def test_the_site_sees_neither_our_token_nor_forged_headers(parts: GateParts) -> None:
    seen: list[dict[str, str]] = []

    async def site(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client = TestClient(gated(site, parts.gate), base_url="http://127.0.0.1:8401")
    forged = {"x-licet-contract": "ctr_forged", "X-Gate-Status": "200"}
    client.get("/posts/1", headers={**forged, "authorization": f"Bearer {parts.token()}"})
    client.get("/posts/1", headers={**forged, "authorization": "Bearer of-the-site"})
    told = [{name: value for name, value in each.items() if name.startswith(("x-", "auth"))} for each in seen]
    decisions = [each.pop("x-licet-decision") for each in told]
    assert told == [{"x-licet-contract": "ctr_1"}, {"authorization": "Bearer of-the-site"}]
    assert all(decision.startswith("dec_") for decision in decisions)


def test_a_crawler_that_signs_is_told_how_it_was_judged(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    parts = gate_over(sqlite_store, clock, gate_settings(tmp_path, budget=1), recognising=True)
    with TestClient(gated(site_app(PLATFORM), parts.gate)) as client:
        client.get("/posts/")
        for covered, told in ((("@authority", "agent"), (403, "key_unknown")), (("@path", "agent"), (401, "target_not_covered"))):
            answer = client.get(f"/posts/{SHOWN[0].id}", headers=Bot().headers(clock.now(), host="testserver", covered=covered))
            assert (answer.status_code, answer.headers["x-gate-signature"]) == told
    parts.gate.close()
