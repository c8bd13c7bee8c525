"""A visitor who is remembered is decided as one who is looked for: whoever shows a credential of the site's own always is."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from contracts.clock import FixedClock
from contracts.gate.bans import Ban
from contracts.gate.budgets import PageBudget, Standing
from contracts.gate.facts import Facts, identity_of
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.harness.gates import gate_over, gate_settings

AGENTS = ("Reader/1.0", "Mozilla/5.0 Firefox/130.0", "x" * 600, "")
ADDRESSES = ("192.0.2.1", "192.0.2.77", "198.51.100.7", "2001:db8:7::1", "")
BANNED = ("192.0.2.0/24", "198.51.0.0/16", identity_of("192.0.2.1", "Reader/1.0"))


def narrow(settings: Settings) -> Settings:
    """A network may read as much as one of its visitors."""
    return settings.model_copy(update={"gate": settings.gate.model_copy(update={"network_factor": 1})})


@pytest.mark.parametrize("seed", range(4))
def test_memory_changes_no_decision(seed: int, sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    drawn, settings = Random(seed), narrow(gate_settings(tmp_path, budget=4))
    remembering, looking = (gate_over(sqlite_store, clock, settings, recognising=True).gate for _ in range(2))
    met = set()
    for _ in range(1_500):
        if drawn.random() < 0.05:
            ban = Ban(drawn.choice(BANNED), clock.now().timestamp() + drawn.choice((30, 3_000)))
            lifted = drawn.choice(BANNED)
            for each in (remembering, looking):
                each.bans.put(ban)
                each.bans.remove(lifted)
        if drawn.random() < 0.05:
            clock.advance(seconds=drawn.choice((20, 600, 3_700)))
        target = drawn.choice(("/robots.txt", "no path", "//x", *(f"/posts/{drawn.randrange(9)}" for _ in range(9))))
        facts = ["GET", "127.0.0.1", target, drawn.choice(ADDRESSES), drawn.choice(AGENTS)]
        quick, plain = remembering.decide_now(Facts(*facts)), looking.decide_now(Facts(*facts, "Basic eA=="))
        assert quick is not None
        assert plain is not None
        assert (quick.reason, quick.retry_after, quick.limit) == (plain.reason, plain.retry_after, plain.limit)
        met.add(quick.reason)
    assert met >= {"open_path", "malformed", "within_budget", "budget_exceeded", "network_budget_exceeded", "banned"}


def test_who_is_no_longer_kept_is_looked_for_again() -> None:
    budget = PageBudget(most_identities=2)
    held = budget.of("a")
    budget.add(held, "/1", 0)
    for who in ("b", "c"):
        budget.add(budget.of(who), "/1", 0)
    assert (held.kept, budget.has(held, hash("/1"), 0), budget.look(held, "/1", 0)) == (False, False, Standing(0, False, 0))
    assert (budget.of("a") is held, budget.of("b") is budget.of("b"), budget.size) == (False, True, (2, 2))


def test_two_visitors_of_a_network_share_its_pages_from_the_first_on(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    gate = gate_over(sqlite_store, clock, narrow(gate_settings(tmp_path, budget=3))).gate
    told = []
    for page in range(2):
        for address in ("192.0.2.1", "192.0.2.2"):
            decision = gate.decide_now(
                Facts("GET", "127.0.0.1", f"/posts/{page} of {address}".replace(" ", "-"), address, f"Reader of {address}")
            )
            told.append(decision.reason if decision else "")
    assert told == ["within_budget"] * 3 + ["network_budget_exceeded"]
    clock.advance(hours=1, minutes=1)
    again = gate.decide_now(Facts("GET", "127.0.0.1", "/posts/7", "192.0.2.1", "Reader of 192.0.2.1"))
    assert again is not None
    assert again.reason == "within_budget"
