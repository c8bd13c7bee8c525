"""The operator's pages of bans, and of budgets and routes."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.gate import banning
from contracts.people.actor import SYSTEM
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.portal.house import add_person, post, sign_in
from tests.portal.operator.test_gate import Portal

BANS, RULES = "/operator/bans", "/operator/rules"
WHY = {"length": "a day", "reason": "Goes on with every new hour."}


@pytest.fixture
def portal(sqlite_store: Store, clock: FixedClock) -> Portal:
    return Portal(sqlite_store, clock, "enforce")


def held(portal: Portal) -> list[str]:
    with portal.house.store.read() as session:
        return [each.target for each in banning.listed(session, portal.house.clock.now())]


def test_a_network_is_banned_listed_and_lifted(portal: Portal) -> None:
    assert "Nobody is banned." in portal.text(BANS)
    answer = post(portal.operator, BANS, page=BANS, target="192.0.2.7/24", **WHY)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BANS}?done=gate-banned")
    page = portal.text(BANS)
    assert all(part in page for part in ("One ban holds.", "<code>192.0.2.0/24</code>", WHY["reason"], "by Ola Operator"))
    assert portal.parts.gate.bans.find("", "192.0.2.0/24", portal.house.clock.now().timestamp()) is not None
    answer = post(portal.operator, f"{BANS}/lift", page=BANS, target="192.0.2.0/24")
    assert (answer.status_code, answer.headers["location"], held(portal)) == (303, f"{BANS}?done=gate-ban-lifted", [])


def test_what_cannot_be_banned_comes_back_with_what_was_typed(portal: Portal) -> None:
    answer = post(portal.operator, BANS, page=BANS, target="192.0.2.7", length="for ever", reason="")
    text = " ".join(answer.text.split())
    assert answer.status_code == 422
    assert re.findall(r'<a href="#f-(\w+)">', text) == ["target", "length", "reason"]
    assert 'value="192.0.2.7"' in text and "name the network: 192.0.2.0/24." in text
    assert held(portal) == []


def test_the_list_says_how_many_hold_beyond_those_shown(portal: Portal) -> None:
    with portal.house.store.write() as unit:
        for number in range(101):
            banning.ban(unit, SYSTEM, f"10.0.{number}.0/24", banning.LENGTHS["a day"], "rule")
    assert "101 bans hold. The 100 set last are shown." in portal.text(BANS)


def test_numbers_and_routes_are_changed_while_the_gate_runs(portal: Portal) -> None:
    page = portal.text(RULES)
    assert "As the settings say, until they are changed here." in page
    filled = {
        "anonymous_budget": "1,000",
        "network_factor": "9",
        "classes": "/people/* profile\n\n/static/ static ",
        "open_classes": "page",
    }
    answer = post(portal.operator, RULES, page=RULES, **filled)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{RULES}?done=gate-rules")
    policy = portal.parts.gate.policy
    assert (policy.anonymous_budget, policy.network_budget, policy.open_classes) == (1_000, 9_000, {"page"})
    assert policy.routes.patterns == {"/people/*": "profile", "/static/": "static"}
    page = portal.text(RULES)
    assert "by Ola Operator" in page and "/people/* profile" in page and 'value="1000"' in page
    assert "Budgets and routes of the gate changed" in portal.text("/operator")


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"anonymous_budget": "0"}, "anonymous_budget"),
        ({"anonymous_budget": "many"}, "anonymous_budget"),
        ({"network_factor": ""}, "network_factor"),
        ({"classes": "/people/*"}, "classes"),
        ({"classes": "/people/* people"}, "classes"),
        ({"classes": "/a page\n/a static"}, "classes"),
        ({"open_classes": "people"}, "open_classes"),
    ],
)
def test_numbers_that_cannot_be_come_back(portal: Portal, typed: dict[str, str], wrong: str) -> None:
    before = portal.parts.gate.policy
    answer = post(portal.operator, RULES, page=RULES, **{"anonymous_budget": "10", "network_factor": "5", **typed})
    assert answer.status_code == 422
    assert f'<a href="#f-{wrong}">' in answer.text
    assert portal.parts.gate.policy == before


def test_these_pages_are_for_operators(portal: Portal) -> None:
    add_person(portal.house, "stew@agora.example", "Stew Steward", Role.STEWARD, organisation="org_0", side="platform")
    steward: TestClient = sign_in(portal.house, "stew@agora.example")
    assert [steward.get(path).status_code for path in (BANS, RULES)] == [403, 403]
    assert post(steward, BANS, page="/desk", target="192.0.2.0/24", **WHY).status_code == 403
    assert post(steward, RULES, page="/desk", anonymous_budget="1", network_factor="1").status_code == 403
    assert held(portal) == []
