"""The operator's page: the mode and its switch, the effect in numbers, and who was stopped."""

from __future__ import annotations

import csv
import io
import re
from types import SimpleNamespace
from typing import cast

import pytest
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.gate.facts import Facts
from contracts.gate.settings import Gate as GateSettings
from contracts.house import House
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.harness.gates import GateParts, gate_over
from tests.portal.house import add_person, post, settings, sign_in, small_house


class Portal:
    """A house with a gate, and its operator's browser."""

    def __init__(self, store: Store, clock: FixedClock, mode: str) -> None:
        chosen = settings(gate=GateSettings.model_validate({"mode": mode, "anonymous_budget": 3}))
        self.parts: GateParts = gate_over(store, clock, chosen)
        self.house = cast(House, SimpleNamespace(**vars(small_house(store, clock, chosen)), gate=self.parts.gate))
        add_person(self.house, "ola@agora.example", "Ola Operator", Role.OPERATOR, organisation="org_0", side="platform")
        self.operator: TestClient = sign_in(self.house, "ola@agora.example")

    def visit(self, pages: int, agent: str = "scraper/1.0") -> None:
        for number in range(pages):
            self.parts.decide(Facts("GET", "127.0.0.1", f"/posts/{number}", "192.0.2.7", agent))
        self.parts.gate.flush_counts()

    def text(self, path: str = "/operator") -> str:
        answer = self.operator.get(path)
        assert answer.status_code == 200, answer.text
        return " ".join(answer.text.split())


def effect(page: str) -> dict[str, str]:
    """What the page says that the switch does, in numbers."""
    said = page.partition('<div class="effect">')[2].partition("</dl>")[0]
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", said))


@pytest.fixture
def shadow(sqlite_store: Store, clock: FixedClock) -> Portal:
    return Portal(sqlite_store, clock, "shadow")


def test_an_untouched_gate_says_what_will_appear(shadow: Portal) -> None:
    page = shadow.text()
    assert "In shadow" in page
    assert "as this installation started" in page
    assert "Nobody in the last 24 hours" in page
    assert "No request reached the gate in the last 24 hours." in page


def test_shadow_shows_whom_enforcement_would_stop_in_numbers(shadow: Portal) -> None:
    shadow.visit(10)
    page = shadow.text()
    assert effect(page) == {
        "Requests stopped": "7",
        "Visitors and crawlers": "1",
        "Contracts among them": "0",
        "Requests that pass as before": "3",
    }
    assert all(part in page for part in ("<b>scraper</b>", "<code>192.0.2.0/24</code>", "Passed in shadow", "<code>budget_exceeded</code>"))
    assert "192.0.2.7" not in page


def test_the_switch_enforces_and_returns(shadow: Portal) -> None:
    answer = post(shadow.operator, "/operator/mode", page="/operator", mode="enforce")
    assert (answer.status_code, answer.headers["location"], shadow.parts.gate.mode) == (303, "/operator?done=gate-enforce", "enforce")
    shadow.visit(10)
    page = shadow.text("/operator?done=gate-enforce")
    assert "The gate enforces. Every process follows within 2 seconds." in page
    assert "by Ola Operator" in page
    assert effect(page) == {
        "Requests stopped": "7",
        "Visitors and crawlers": "1",
        "Contracts among them": "0",
        "Requests that pass as before": "3",
    }
    post(shadow.operator, "/operator/mode", page="/operator", mode="shadow")
    assert shadow.parts.gate.mode == "shadow"


def test_lists_narrow_by_effect_and_reason_and_download(shadow: Portal) -> None:
    shadow.visit(10)
    for number in range(20):
        shadow.visit(3, agent=f"agent{number}/1")
    rows = list(csv.reader(io.StringIO(shadow.operator.get("/operator/stops.csv").text)))
    assert rows[0][:8] == ["day", "identity", "network", "agent", "contract", "reason", "effect", "requests"]
    assert [row[2:3] + row[4:9] for row in rows[1:] if row[3] == "scraper"] == [
        ["192.0.2.0/24", "", "budget_exceeded", "would_stop", "7", "3"]
    ]
    assert "Nobody in the last 24 hours" in shadow.text("/operator?effect=stopped")
    assert "<b>scraper</b>" not in shadow.text("/operator?reason=network_budget_exceeded")


@pytest.mark.parametrize("wanted", ["", "off", "ENFORCE"])
def test_an_unknown_mode_is_refused_plainly(shadow: Portal, wanted: str) -> None:
    assert post(shadow.operator, "/operator/mode", page="/operator", mode=wanted).status_code == 422
    assert shadow.parts.gate.mode == "shadow"


def test_only_operators_come_here(shadow: Portal) -> None:
    add_person(shadow.house, "stew@agora.example", "Stew Steward", Role.STEWARD, organisation="org_0", side="platform")
    steward = sign_in(shadow.house, "stew@agora.example")
    assert (steward.get("/operator").status_code, steward.get("/operator/stops.csv").status_code) == (403, 403)
    assert post(steward, "/operator/mode", page="/desk", mode="enforce").status_code == 403
    assert shadow.parts.gate.mode == "shadow"
