"""From the page that a stopped person sees to the operator's answer in the person's mail, by HTTP and in a real browser."""

from __future__ import annotations

import threading

import pytest

from contracts.appeals import queries
from contracts.clock import FixedClock
from contracts.gate.facts import Facts
from contracts.gate.reasons import REASONS
from contracts.store.unit import Store
from portal import cookies
from portal.demo.platform import DemoPlatform
from portal.demo.site import gated, site_app
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.portal.house import browser, mails, post, sign_in
from tests.portal.house import portal as served
from tests.portal.operator.test_gate import Portal

KIM = {"email": "kim@example.org", "text": "I was reading the posts of my town."}


@pytest.fixture
def enforcing(sqlite_store: Store, clock: FixedClock) -> Portal:
    return Portal(sqlite_store, clock, "enforce")


def stopped(portal: Portal, address: str = "192.0.2.7") -> str:
    """The id of the decision that stops a visitor."""
    found = [
        portal.parts.decide(Facts("GET", "127.0.0.1", f"/posts/{number}", address, "Mozilla/5.0 Firefox/140.0")) for number in range(4)
    ]
    assert [each.allow for each in found] == [True, True, True, False]
    return found[-1].id


def test_a_decision_is_explained_to_everyone_with_its_id(enforcing: Portal, clock: FixedClock) -> None:
    stranger, decision = browser(enforcing.house), stopped(enforcing)
    page = stranger.get(f"/decision/{decision}")
    assert (page.status_code, REASONS["budget_exceeded"].told in page.text) == (200, True)
    told = stranger.get(f"/decision/{decision}", headers={"accept": "application/json"})
    assert told.json() == {
        "decision": decision,
        "at": "2026-11-02T09:00:00.000Z",
        "effect": "stopped",
        "reason": "budget_exceeded",
        "status": 403,
        "meaning": REASONS["budget_exceeded"].meaning,
        "what_to_do": REASONS["budget_exceeded"].mend,
        "explained_until": "2026-12-02T09:00:00.000Z",
        "appeal": "none",
        "apply": f"{enforcing.house.settings.base_url}/apply",
        "contact": enforcing.house.settings.platform.contact,
    }
    for other in (decision[:-1] + ("0" if decision[-1] != "0" else "1"), "dec_1", "x"):
        assert stranger.get(f"/decision/{other}").status_code == 404
    clock.advance(days=30, seconds=1)
    assert stranger.get(f"/decision/{decision}").status_code == 404


def test_what_passed_in_shadow_takes_no_objection(sqlite_store: Store, clock: FixedClock) -> None:
    portal = Portal(sqlite_store, clock, "shadow")
    found = [portal.parts.decide(Facts("GET", "127.0.0.1", f"/posts/{number}", "192.0.2.7", "x")) for number in range(4)]
    stranger = browser(portal.house)
    page = stranger.get(f"/decision/{found[-1].id}").text
    assert ("the gate only watched" in page, "<textarea" in page) == (True, False)
    assert post(stranger, f"/decision/{found[-1].id}", page="/sign-in", **KIM).status_code == 409


def test_an_objection_lacks_nothing_and_loses_nothing(enforcing: Portal) -> None:
    stranger, decision = browser(enforcing.house), stopped(enforcing)
    again = post(stranger, f"/decision/{decision}", email="kim", text="I was reading.")
    assert (again.status_code, "Write a mail address like" in again.text, "I was reading." in again.text) == (422, True, True)
    sent = post(stranger, f"/decision/{decision}", **KIM)
    assert (sent.status_code, sent.headers["location"].partition("?")[2]) == (303, "done=objected")
    assert post(stranger, f"/decision/{decision}", page="/sign-in", **KIM).status_code == 409
    told = stranger.get(f"/decision/{decision}", headers={"accept": "application/json"}).json()
    assert told["appeal"] == "waiting"
    assert "kim@example.org" not in stranger.get(f"/decision/{decision}").text


def test_the_operator_sees_it_first_with_the_decisions_facts(enforcing: Portal, sqlite_store: Store) -> None:
    decision = stopped(enforcing)
    enforcing.parts.gate.flush_counts()
    link = post(browser(enforcing.house), f"/decision/{decision}", **KIM).headers["location"]
    assert "1 objection waits for your answer" in enforcing.text()
    with sqlite_store.read() as session:
        [appeal] = queries.waiting(session)
    page = enforcing.text(f"/operator/appeals/{appeal.id}")
    for fact in (
        "Firefox, from <code>192.0.2.0/24</code>",
        "1 request for this reason",
        "3 different ones when it was stopped",
        KIM["text"],
    ):
        assert fact in page, fact
    path = f"/operator/appeals/{appeal.id}"
    assert post(enforcing.operator, path, act="let_through", revision="1", words="").status_code == 422
    assert post(enforcing.operator, path, act="let_through", revision="1", words="Our mistake.").status_code == 303
    assert "objection waits" not in enforcing.text()
    assert "Our mistake." in browser(enforcing.house).get(link).text
    assert [("Our mistake." in each) for each in mails(enforcing.house, "kim@example.org")] == [True, False]


def test_a_ban_is_lifted_beside_the_objection(enforcing: Portal, sqlite_store: Store) -> None:
    banned = {"target": "192.0.0.0/16", "length": "a week", "reason": "One of it read every profile."}
    assert post(enforcing.operator, "/operator/bans", **banned).status_code == 303
    visit = Facts("GET", "127.0.0.1", "/posts/1", "192.0.2.7", "Mozilla/5.0 Firefox/140.0")
    stopped = enforcing.parts.decide(visit)
    enforcing.parts.gate.flush_counts()
    post(browser(enforcing.house), f"/decision/{stopped.id}", **KIM)
    with sqlite_store.read() as session:
        [appeal] = queries.waiting(session)
    path = f"/operator/appeals/{appeal.id}"
    page = enforcing.text(path)
    assert (stopped.reason, "One of it read every profile." in page, "Lift the ban" in page) == ("banned", True, True)
    assert post(enforcing.operator, "/operator/bans/lift", page=path, target="192.0.0.0/16").status_code == 303
    assert (enforcing.parts.decide(visit).allow, "Lift the ban" in enforcing.text(path)) == (True, False)


@pytest.mark.browser
def test_a_stopped_person_objects_and_reads_the_answer(enforcing: Portal, sqlite_store: Store, clock: FixedClock) -> None:
    site = gated(site_app(DemoPlatform(posts=60, authors=10)), enforcing.parts.gate)
    session = sign_in(enforcing.house, "ola@agora.example").cookies[cookies.SESSION]
    with serving(site) as site_port, serving(served(enforcing.house)) as port, chromium() as chrome:
        base = f"http://127.0.0.1:{port}"
        kim = visitor(chrome, base).new_page()
        for number in range(1, 5):
            answer = kim.goto(f"http://127.0.0.1:{site_port}/posts/?before={number + 20}")
        assert answer is not None and answer.status == 403
        look(kim, "page of a stopped person")
        address = kim.get_by_role("link", name="See the decision or object to it").get_attribute("href") or ""
        assert address.startswith(f"{enforcing.house.settings.base_url}/decision/dec_")
        flushed = threading.Thread(target=enforcing.parts.gate.flush_counts)
        flushed.start()
        flushed.join()
        kim.goto(address.removeprefix(enforcing.house.settings.base_url))
        look(kim, "decision")
        kim.get_by_label("Your mail address").fill(KIM["email"])
        kim.get_by_label("What were you doing?").fill(KIM["text"])
        kim.get_by_role("button", name="Send the objection").click()
        kim.wait_for_url("**/appeal/*")
        look(kim, "objection that waits")
        context = visitor(chrome, base)
        context.add_cookies([{"name": cookies.SESSION, "value": session, "url": base}])
        ola = context.new_page()
        ola.goto("/operator")
        look(ola, "operator with an objection")
        ola.get_by_role("link", name="Read the objection of kim@example.org").click()
        look(ola, "objection for the operator")
        ola.get_by_label("Your answer").fill("You share your network with a program. We have raised its budget.")
        ola.get_by_role("button", name="It was a mistake").click()
        ola.wait_for_url("**/operator/appeals/*?done=objection-answered")
        ola.get_by_role("link", name="Objections").click()
        look(ola, "objections")
        kim.reload()
        assert "We have raised its budget." in kim.get_by_role("main").inner_text()
        look(kim, "objection answered")
