"""The numbers and routes that an operator sets: they hold at once here, elsewhere by the epoch, and enter the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.gate import rules
from contracts.gate.policy import Numbers, numbers_of
from contracts.gate.routes import MAX_PATTERNS
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.store.unit import Store
from tests.contracts.gate.test_service import OPERATOR, ask, entries, told
from tests.harness.gates import GateParts, gate_over, gate_settings

WANTED = Numbers(2, 7, {"/people/*": "profile"}, ("page", "static"))


@pytest.fixture
def parts(store: Store, clock: FixedClock, tmp_path: Path) -> GateParts:
    with store.write() as unit:
        unit.session.add(Account(id="acc_1", email="ola@agora.example", name="Ola Operator", password_hash="", created_at=unit.now))
    return gate_over(store, clock, gate_settings(tmp_path))


def change(parts: GateParts, wanted: Numbers = WANTED, **actor: Any) -> None:
    with parts.store.write() as unit:
        parts.gate.set_numbers(unit, replace(OPERATOR, **actor), wanted)


def test_the_settings_hold_until_numbers_are_set(parts: GateParts) -> None:
    with parts.store.read() as session:
        assert rules.current(session, parts.settings) == rules.Rules(numbers_of(parts.settings))
    assert (parts.gate.policy.anonymous_budget, parts.gate.policy.network_budget) == (5, 25)


def test_numbers_hold_here_at_once_elsewhere_by_the_epoch_and_after_a_restart(parts: GateParts, clock: FixedClock) -> None:
    other = gate_over(Store(parts.store.engine, clock, "elsewhere"), clock, parts.settings)
    change(parts)
    assert [ask(parts, f"/posts/{n}") for n in range(3)] == ["within_budget"] * 2 + ["budget_exceeded"]
    assert [ask(other, f"/posts/{n}") for n in range(3)] == ["within_budget"] * 3
    other.watch.poll()
    assert ask(other, "/posts/4") == "budget_exceeded"
    for gate in (other.gate, gate_over(parts.store, clock, parts.settings).gate):
        assert (gate.policy.network_budget, gate.policy.routes.patterns, gate.policy.open_classes) == (
            14,
            {"/people/*": "profile"},
            {"page", "static"},
        )
        assert gate.policy.free_paths == tuple(parts.settings.gate.free_paths)
    with parts.store.read() as session:
        assert rules.current(session, parts.settings) == rules.Rules(WANTED, "Ola Operator", clock.now())


def test_a_change_is_an_entry_and_none_is_none(parts: GateParts) -> None:
    change(parts)
    change(parts, replace(WANTED, open_classes=("static", "page")))
    assert [told(entry) for entry in entries(parts.store) if entry["event"].startswith("gate.")] == [
        {
            "event": "gate.rules_changed",
            "decision": "done",
            "subject": "gate",
            "organisation": "org_0",
            "facts": {
                "anonymous_budget": {"before": 5, "after": 2},
                "network_factor": {"before": 5, "after": 7},
                "open_classes": {"before": ["api", "page", "static", "sync"], "after": ["page", "static"]},
                "classes": {"before": 2, "after": 1},
            },
        }
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"anonymous_budget": 0}, "anonymous_budget"),
        ({"anonymous_budget": rules.MOST_PAGES + 1}, "anonymous_budget"),
        ({"network_factor": 0}, "network_factor"),
        ({"network_factor": rules.MOST_NETWORK_FACTOR + 1}, "network_factor"),
        ({"classes": {"posts": "profile"}}, "classes"),
        ({"classes": {"/posts": "profiles"}}, "classes"),
        ({"classes": {f"/{n}": "page" for n in range(MAX_PATTERNS + 1)}}, "classes"),
        ({"open_classes": ("pages",)}, "open_classes"),
    ],
)
def test_what_cannot_be_is_named_by_field(parts: GateParts, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        change(parts, replace(WANTED, **changes))
    assert set(refused.value.refusal.facts["fields"]) == {field}


def test_only_operators_change_numbers(parts: GateParts) -> None:
    with pytest.raises(Refused) as refused:
        change(parts, roles=frozenset({Role.STEWARD}))
    assert (refused.value.refusal.code, parts.gate.policy.anonymous_budget) == ("role_required", 5)
