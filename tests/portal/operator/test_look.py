"""How the operator's page looks and reads, in a real browser, empty and full, wide and narrow."""

from __future__ import annotations

import threading

import pytest

from contracts.clock import FixedClock
from contracts.store.unit import Store
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.portal.house import portal as served
from tests.portal.house import sign_in
from tests.portal.operator.test_gate import Portal


def _visits(portal: Portal) -> None:
    portal.visit(40)
    portal.visit(12, agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    for number in range(8):
        portal.visit(3, agent=f"agent{number}/1")


@pytest.mark.browser
def test_an_operator_reads_the_effect_and_enforces(sqlite_store: Store, clock: FixedClock) -> None:
    portal = Portal(sqlite_store, clock, "shadow")
    session = sign_in(portal.house, "ola@agora.example").cookies[cookies.SESSION]
    with serving(served(portal.house)) as port, chromium() as browser:
        context = visitor(browser, f"http://127.0.0.1:{port}")
        context.add_cookies([{"name": cookies.SESSION, "value": session, "url": f"http://127.0.0.1:{port}"}])
        page = context.new_page()
        page.goto("/operator")
        look(page, "operator untouched")
        # Playwright's own event loop runs in this thread.
        busy_hour = threading.Thread(target=_visits, args=(portal,))
        busy_hour.start()
        busy_hour.join()
        page.reload()
        look(page, "operator in shadow")
        page.get_by_role("link", name="Start enforcing").click()
        page.get_by_role("button", name="Enforce within 2 seconds").click()
        page.wait_for_url("**/operator?done=gate-enforce")
        assert page.get_by_role("status").inner_text().strip() == "The gate enforces. Every process follows within 2 seconds."
        look(page, "operator enforcing")
    assert portal.parts.gate.mode == "enforce"


@pytest.mark.browser
def test_an_operator_bans_a_network_and_changes_budgets(sqlite_store: Store, clock: FixedClock) -> None:
    portal = Portal(sqlite_store, clock, "enforce")
    session = sign_in(portal.house, "ola@agora.example").cookies[cookies.SESSION]
    with serving(served(portal.house)) as port, chromium() as browser:
        context = visitor(browser, f"http://127.0.0.1:{port}")
        context.add_cookies([{"name": cookies.SESSION, "value": session, "url": f"http://127.0.0.1:{port}"}])
        page = context.new_page()
        page.goto("/operator")
        page.get_by_role("link", name="Bans").click()
        look(page, "bans none")
        page.get_by_label("Network or visitor").fill("192.0.2.7")
        page.get_by_role("button", name="Ban", exact=True).click()
        look(page, "bans wrong")
        page.get_by_label("Network or visitor").fill("192.0.2.0/24")
        page.get_by_label("Why").fill("Goes on with every new hour.")
        page.get_by_role("button", name="Ban", exact=True).click()
        page.get_by_role("button", name="Lift the ban of 192.0.2.0/24").wait_for()
        look(page, "bans one")
        page.goto("/operator/rules")
        look(page, "rules")
        page.get_by_label("Different pages that one visitor may open in an hour").fill("50")
        page.get_by_role("button", name="Change within 2 seconds").click()
        page.wait_for_url("**/operator/rules?done=gate-rules")
    assert portal.parts.gate.policy.anonymous_budget == 50
