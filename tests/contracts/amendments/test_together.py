"""Countersigning several new versions at once: one proof for all, two people under each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from contracts.amendments import rounds, service
from contracts.amendments.tables import Amendment
from contracts.amendments.together import countersign_chosen
from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.lifecycle.told import AMENDED
from contracts.people.actor import Actor
from contracts.store.unit import Store
from tests.harness.amending import JON, TOVE, signed
from tests.harness.cast import SETTINGS, STARTS, Cast, active, events


def opened(store: Store, cast: Cast, keys: KeyRing, clock: FixedClock, *projects: str) -> tuple[str, dict[str, int]]:
    """A round of `mara`'s with a new version for each of `tove`'s contracts, all signed; its id, and the boxes of its page."""
    for project in projects:
        active(store, cast, keys, project=project)
    clock.advance(seconds=1)
    with store.write() as unit:
        by = STARTS + timedelta(days=30)
        found = rounds.open_round(unit, cast.mara, SETTINGS, kind="research", reason="The law changed.", accept_by=by).id
    assert rounds.advance(store, SETTINGS) == len(projects)
    with store.write() as unit:
        for row in unit.session.exec(select(Amendment)).all():
            service.sign(unit, cast.tove, row.id, row.revision, SETTINGS, **TOVE)
    with store.read() as session:
        return found, {row.id: row.revision for row in session.exec(select(Amendment).order_by(Amendment.id)).all()}


def states(store: Store) -> dict[str, str]:
    with store.read() as session:
        return {row.id: row.state for row in session.exec(select(Amendment)).all()}


def test_each_contract_is_decided_by_itself(store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(store)
    found, chosen = opened(store, cast, keys, clock, "Project A", "Project B", "Project C")
    first, second, third = chosen
    other = signed(store, cast, active(store, cast, keys, project="Project D").id, records_per_day=1)

    def by(actor: Actor, **pairs: int) -> dict[str, str]:
        refused = countersign_chosen(store, actor, keys, SETTINGS, found, pairs, **JON)
        return {name: refusal.code for name, refusal in refused.items()}

    assert by(cast.mara, **chosen) == dict.fromkeys(chosen, "second_person_required")
    with store.write() as unit:
        service.withdraw(unit, cast.mara, second, chosen[second], SETTINGS, "A slip in the terms.")
    wrong = {second: "command_not_possible", third: "changed_meanwhile", other.id: "not_found", "amd_0": "not_found"}
    asked = {first: chosen[first], second: chosen[second] + 1, third: chosen[third] - 1, other.id: other.revision, "amd_0": 1}
    assert by(cast.jon, **asked) == wrong
    assert states(store) == {first: "in_force", second: "withdrawn", third: "signed", other.id: "signed"}
    assert by(cast.jon, **{third: chosen[third]}) == {}
    assert events(store).count(AMENDED) == 2


def test_it_asks_for_the_role_a_fresh_proof_and_a_choice(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    found, chosen = opened(sqlite_store, cast, keys, clock, "Project A")
    clock.advance(minutes=11)
    stale = cast.jon
    many = {f"amd_{number}": 1 for number in range(101)}
    fresh = replace(stale, reauthenticated_at=clock.now())
    for actor, pairs, code in (
        (cast.tove, chosen, "role_required"),
        (stale, chosen, "reauthentication_required"),
        (fresh, {}, "invalid_input"),
        (fresh, many, "invalid_input"),
    ):
        with pytest.raises(Refused, match=code):
            countersign_chosen(sqlite_store, actor, keys, SETTINGS, found, pairs, **JON)
    assert set(states(sqlite_store).values()) == {"signed"}
    assert len(countersign_chosen(sqlite_store, fresh, keys, SETTINGS, found, dict(list(many.items())[:100]), **JON)) == 100
