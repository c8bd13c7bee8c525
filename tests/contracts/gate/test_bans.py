"""Bans: what is one, whom it covers, until when, and that each process knows them; a look-up does not grow with their number."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.gate import banning
from contracts.gate.bans import Ban, Bans, target_of
from contracts.gate.facts import Facts, identity_of
from contracts.ledger.tables import LedgerEntry
from contracts.people.actor import SYSTEM
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.store.unit import Store
from tests.contracts.gate.test_service import OPERATOR, ask, entries, told
from tests.harness.gates import GateParts, gate_over, gate_settings

WHO = "0123456789abcdef0123"
WHY = "Went on after every hour."


def held(*bans: tuple[str, float]) -> Bans:
    made = Bans()
    for target, ends in bans:
        made.put(Ban(target, ends))
    return made


@pytest.mark.parametrize(
    ("network", "found"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.3.0/24", None),
        ("198.51.100.0/24", "198.51.96.0/19"),
        ("198.51.128.0/24", None),
        ("2001:db8:7::/48", "2001:db8::/32"),
        ("2001:db9:7::/48", None),
        ("", None),
    ],
)
def test_a_network_is_banned_by_any_ban_that_covers_it(network: str, found: str | None) -> None:
    bans = held(("192.0.2.0/24", 10), ("198.51.96.0/19", 10), ("2001:db8::/32", 10))
    for _again in range(2):
        ban = bans.find("", network, 5)
        assert (ban and ban.target) == found


def test_a_ban_ends_by_itself_and_the_wider_one_goes_on() -> None:
    bans = held((WHO, 10), ("192.0.2.0/24", 20), ("192.0.0.0/16", 30))
    found = [bans.find(WHO, "192.0.2.0/24", now) for now in (9, 10, 20, 29, 30)]
    assert [ban and ban.target for ban in found] == [WHO, "192.0.0.0/16", "192.0.0.0/16", "192.0.0.0/16", None]
    bans.forget(25)
    assert bans.size == 1


def test_what_was_remembered_of_a_network_goes_with_every_change() -> None:
    bans = held(("192.0.2.0/24", 10))
    assert bans.find("", "192.0.2.0/24", 5) is not None
    bans.remove("192.0.2.0/24")
    bans.remove("192.0.2.0/24")
    assert bans.find("", "192.0.2.0/24", 5) is None
    bans.put(Ban("192.0.0.0/16", 10))
    assert bans.find("", "192.0.2.0/24", 5) == Ban("192.0.0.0/16", 10)


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        (" 192.0.2.0/24 ", "192.0.2.0/24"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:DB8::/48", "2001:db8::/48"),
        ("2001::/16", "2001::/16"),
        (WHO.upper(), WHO),
    ],
)
def test_a_target_has_one_spelling(typed: str, target: str) -> None:
    assert target_of(typed) == target


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "Name a network"),
        ("example.org", "Name a network"),
        (WHO + "0", "Name a network"),
        ("192.0.2.7", r"name the network: 192\.0\.2\.0/24\."),
        ("192.0.2.0/25", "Whole addresses are not kept"),
        ("2001:db8::1", r"name the network: 2001:db8::/48\."),
        ("11.0.0.0/7", "too wide"),
        ("0.0.0.0/0", "too wide"),
        ("::/15", "too wide"),
    ],
)
def test_what_is_no_target_is_told_why(typed: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        target_of(typed)


def test_a_look_up_costs_the_same_for_a_hundred_and_a_hundred_thousand() -> None:
    def seconds(count: int) -> float:
        bans = held(*[(f"10.{n >> 8 & 255}.{n & 255}.0/24", 10.0) for n in range(min(count, 65_536))])
        for n in range(count - bans.size):
            bans.put(Ban(f"{n:020x}", 10.0))
        assert bans.size == count
        looked = [(f"{n:020x}", f"172.16.{n % 256}.0/24") for n in range(2_000)]
        best = float("inf")
        for _again in range(5):
            started = time.thread_time()
            for who, network in looked:
                bans.find(who[::-1], network, 5)
            best = min(best, time.thread_time() - started)
        return best

    assert seconds(100_000) < 10 * seconds(100), "a list that is walked through would take a thousand times as long"


@pytest.fixture
def parts(store: Store, clock: FixedClock, tmp_path: Path) -> GateParts:
    with store.write() as unit:
        unit.session.add(Account(id="acc_1", email="ola@agora.example", name="Ola Operator", password_hash="", created_at=unit.now))
    return gate_over(store, clock, gate_settings(tmp_path))


def set_ban(parts: GateParts, target: str, length: timedelta = timedelta(days=1), **changes: Any) -> None:
    with parts.store.write() as unit:
        banning.ban(unit, changes.get("actor", OPERATOR), target, length, changes.get("reason", WHY))


def test_a_ban_holds_at_once_here_and_elsewhere_by_the_epoch_and_ends(parts: GateParts, clock: FixedClock) -> None:
    other = gate_over(Store(parts.store.engine, clock, "elsewhere"), clock, parts.settings)
    set_ban(parts, "192.0.2.0/24", timedelta(hours=1))
    assert (ask(parts, "/posts/1"), ask(other, "/posts/1"), ask(parts, "/posts/1", address="192.0.3.7")) == (
        "banned",
        "within_budget",
        "within_budget",
    )
    other.watch.poll()
    decision = other.decide(Facts("GET", "127.0.0.1", "/posts/1", "192.0.2.7", "any"))
    assert (decision.reason, decision.status, decision.retry_after) == ("banned", 403, 3600)
    clock.advance(hours=1)
    assert (ask(parts, "/posts/1"), ask(other, "/posts/1")) == ("within_budget", "within_budget")


def test_a_lifted_ban_is_over_everywhere_and_can_be_set_anew(parts: GateParts, clock: FixedClock) -> None:
    late = gate_over(Store(parts.store.engine, clock, "elsewhere"), clock, parts.settings)
    set_ban(parts, "192.0.2.0/24")
    late.watch.poll()
    with parts.store.write() as unit:
        banning.lift(unit, OPERATOR, "192.0.2.0/24")
    late.watch.poll()
    assert (ask(parts, "/posts/1"), ask(late, "/posts/1")) == ("within_budget", "within_budget")
    with pytest.raises(Refused, match="No such ban holds"), parts.store.write() as unit:
        banning.lift(unit, OPERATOR, "192.0.2.0/24")
    set_ban(parts, "192.0.2.0/24")
    late.watch.poll()
    assert (ask(parts, "/posts/1"), ask(late, "/posts/1")) == ("banned", "banned")


def test_a_visitor_is_banned_and_its_neighbours_are_not(parts: GateParts) -> None:
    set_ban(parts, identity_of("192.0.2.7", "scraper/1.0"))
    assert ask(parts, "/posts/1", agent="scraper/1.0") == "banned"
    assert ask(parts, "/posts/1", agent="Mozilla/5.0 Firefox/140.0") == "within_budget"
    assert ask(parts, "/robots.txt", agent="scraper/1.0") == "open_path"


def test_a_licence_passes_in_a_banned_network(parts: GateParts) -> None:
    set_ban(parts, "192.0.2.0/24")
    assert ask(parts, "/posts/1", token=parts.token()) == "licensed"


def test_invented_user_agents_in_a_banned_network_write_one_row(parts: GateParts) -> None:
    set_ban(parts, "192.0.2.0/24")
    for n in range(20):
        ask(parts, f"/posts/{n}", agent=f"agent-{n}")
    assert len(parts.gate._tally.take_sums().stops) == 1


def test_what_was_banned_and_why_is_told_to_the_ledger_alone(parts: GateParts, clock: FixedClock) -> None:
    set_ban(parts, "192.0.2.0/24", actor=SYSTEM)
    with parts.store.write() as unit:
        ban_id = banning.lift(unit, OPERATOR, "192.0.2.0/24").id
    assert [told(entry) for entry in entries(parts.store) if entry["event"].startswith("gate.")] == [
        {"event": "gate.banned", "decision": "done", "subject": ban_id, "facts": {"until": "2026-11-03T09:00:00.000Z"}},
        {"event": "gate.ban_lifted", "decision": "done", "subject": ban_id, "organisation": "org_0"},
    ]
    with parts.store.read() as session:
        leaves = session.execute(select(col(LedgerEntry.leaf))).scalars().all()
    assert not any("192.0.2" in str(leaf) or "every hour" in str(leaf) for leaf in leaves)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"target": "192.0.2.7"}, {"target"}),
        ({"reason": "  "}, {"reason"}),
        ({"reason": "x" * 501}, {"reason"}),
        ({"length": timedelta()}, {"length"}),
        ({"length": timedelta(days=90, seconds=1)}, {"length"}),
        ({"target": "", "reason": "", "length": timedelta()}, {"target", "reason", "length"}),
    ],
)
def test_what_cannot_be_banned_is_named_by_field(parts: GateParts, changes: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(Refused) as refused:
        set_ban(parts, **{"target": "192.0.2.0/24", **changes})
    assert set(refused.value.refusal.facts["fields"]) == fields


def test_a_ban_is_lifted_however_its_network_is_spelled(parts: GateParts) -> None:
    with parts.store.write() as unit:
        banning.ban(unit, OPERATOR, "2001:db8:0ab1::/48", timedelta(hours=1), "Went on.")
    with parts.store.write() as unit:
        lifted = banning.lift(unit, OPERATOR, " 2001:DB8:0ab1:0::/48 ")
        assert (lifted.target, lifted.lifted_at) == ("2001:db8:ab1::/48", unit.now)
    with parts.store.write() as unit, pytest.raises(Refused) as refused:
        banning.lift(unit, OPERATOR, "neither")
    assert refused.value.refusal.code == "not_found"


def test_only_operators_ban_and_lift(parts: GateParts) -> None:
    steward = replace(OPERATOR, roles=frozenset({Role.STEWARD}))
    with pytest.raises(Refused) as refused:
        set_ban(parts, "192.0.2.0/24", actor=steward)
    assert refused.value.refusal.code == "role_required"
    set_ban(parts, "192.0.2.0/24")
    with pytest.raises(Refused) as refused, parts.store.write() as unit:
        banning.lift(unit, steward, "192.0.2.0/24")
    assert refused.value.refusal.code == "role_required"


def test_a_new_process_knows_what_holds_and_ended_ones_are_deleted(parts: GateParts, clock: FixedClock) -> None:
    set_ban(parts, "192.0.2.0/24", timedelta(hours=1))
    set_ban(parts, "198.51.100.0/24", timedelta(days=90))
    clock.advance(hours=2)
    assert gate_over(parts.store, clock, parts.settings).gate.bans.size == 1
    with parts.store.read() as session:
        now = clock.now()
        assert ([each.target for each in banning.listed(session, now)], banning.count(session, now)) == (["198.51.100.0/24"], 1)
    clock.advance(days=31)
    parts.gate.prune()
    with parts.store.read() as session:
        assert banning.count(session, datetime(2000, 1, 1, tzinfo=UTC)) == 1
