"""What the gate does when it cannot tell in time who asks: the class of the path decides, budgets hold, and open time is an incident."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.errors import StoreUnavailable
from contracts.gate import openings
from contracts.gate.decide import Decision
from contracts.gate.facts import Facts
from contracts.gate.identity import NOBODY, Identities, Identity, TokenVerifier
from contracts.gate.policy import Numbers
from contracts.incidents.tables import Incident
from contracts.store.unit import Store
from tests.harness.gates import GateParts, gate_over, gate_settings

CLASSES = {"/posts/": "profile", "/search": "search"}


class Slow:
    """A verifier that never comes to an end with those who name themselves slow, and knows nothing of anybody else."""

    def known(self, facts: Facts, now: datetime) -> Identity | None:
        return None if facts.user_agent == "slow" else NOBODY

    async def verify(self, facts: Facts, now: datetime) -> Identity:
        await asyncio.Event().wait()
        return NOBODY


@pytest.fixture
def parts(store: Store, clock: FixedClock, tmp_path: Path) -> GateParts:
    made = gate_over(store, clock, gate_settings(tmp_path, budget=3))
    made.gate.policy = Numbers(3, 5, CLASSES, ("static", "page", "api", "sync")).policy(())
    made.gate.identities = Identities([TokenVerifier(made.tokens), Slow()])
    made.gate.deadline_seconds = 0.001
    return made


def asked(parts: GateParts, target: str, agent: str = "slow", token: str = "") -> Decision:
    return parts.decide(Facts("GET", "127.0.0.1", target, "192.0.2.7", agent, f"Bearer {token}" if token else ""))


def incidents(store: Store) -> list[dict[str, object]]:
    with store.read() as session:
        return [dict(each.facts) for each in session.exec(select(Incident).where(Incident.kind == openings.KIND)).all()]


@pytest.mark.parametrize(
    ("target", "reason", "status"),
    [
        ("/about", "undecided_open", 200),
        ("/posts/1", "undecided", 503),
        ("/search?q=a", "undecided", 503),
        ("/about/../posts/1", "undecided", 503),
        ("/robots.txt", "open_path", 200),
    ],
)
def test_the_class_of_the_path_decides(parts: GateParts, target: str, reason: str, status: int) -> None:
    decision = asked(parts, target)
    assert (decision.reason, decision.status, decision.effect) == (reason, status, "allow" if status == 200 else "deny")
    assert decision.retry_after == (2 if status == 503 else 0)


def test_an_open_class_is_open_within_the_budgets_only(parts: GateParts) -> None:
    assert [asked(parts, f"/about/{n}").reason for n in range(5)] == ["undecided_open"] * 3 + ["budget_exceeded"] * 2


def test_others_are_not_held_up(parts: GateParts) -> None:
    assert asked(parts, "/posts/1", agent="quick").reason == "within_budget"


def test_a_credential_of_ours_is_asked_to_come_again_whatever_the_class(parts: GateParts) -> None:
    token = parts.token()
    parts.tokens.verify(token, parts.tokens.audiences["site"])
    parts.grants.hanging = True
    decision = asked(parts, "/about", agent="crawler", token=token)
    assert (decision.reason, decision.status, decision.licensed, decision.contract_id) == ("undecided", 503, True, "")
    parts.gate.flush_counts()
    assert incidents(parts.store) == []


def test_open_time_is_one_incident_that_says_how_long_and_how_many(parts: GateParts, clock: FixedClock) -> None:
    asked(parts, "/about")
    clock.advance(seconds=5)
    asked(parts, "/about")
    asked(parts, "/posts/1")
    parts.gate.flush_counts()
    first = {"from": "2026-11-02T09:00:00.000Z", "until": "2026-11-02T09:00:05.000Z", "requests": 2}
    assert incidents(parts.store) == [first]
    clock.advance(seconds=60)
    asked(parts, "/about")
    parts.gate.flush_counts()
    parts.gate.flush_counts()
    assert incidents(parts.store) == [{**first, "until": "2026-11-02T09:01:05.000Z", "requests": 3}]


def test_an_incident_that_could_not_be_written_comes_again(parts: GateParts) -> None:
    asked(parts, "/about")
    with parts.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE incident RENAME TO lost")
    with pytest.raises((SQLAlchemyError, StoreUnavailable)):
        parts.gate.flush_counts()
    with parts.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE lost RENAME TO incident")
    asked(parts, "/about")
    parts.gate.flush_counts()
    assert [each["requests"] for each in incidents(parts.store)] == [2]


def test_memory_decides_at_once_what_it_knows_and_counts_nothing_otherwise(parts: GateParts) -> None:
    token = parts.token()
    fetch = Facts("GET", "127.0.0.1", "/posts/1", "192.0.2.7", "crawler", f"Bearer {token}")
    assert parts.gate.decide_now(fetch) is None, "the first sight of a token asks whether it was ever issued"
    parts.gate.deadline_seconds = 60
    assert parts.decide(fetch).reason == "licensed"
    again = parts.gate.decide_now(fetch)
    assert again is not None and again.reason == "licensed"
    assert parts.gate.decide_now(replace(fetch, user_agent="slow", authorization="")) is None
    parts.gate.flush_counts()
    assert len(parts.gate._tally.take_fetches()) == 2
