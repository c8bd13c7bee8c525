"""A platform of one countersigns alone where its settings say so, and the seal says so as well; nothing else ever goes alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.lifecycle import queries
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.seal import check_seal
from contracts.lifecycle.tables import Contract, Signature
from contracts.people.roles import Role
from contracts.people.tables import Membership
from contracts.policies.four_eyes import is_off
from contracts.policies.service import hold
from contracts.store.unit import Store, Unit
from tests.harness.cast import SETTINGS, Cast, events, signed

ALONE = SETTINGS.model_copy(update={"platform": SETTINGS.platform.model_copy(update={"one_person": True})})
KEYS = KeyRing(b"m" * 32)


def do(store: Store, act: Callable[[Unit], Any]) -> Any:
    with store.write() as unit:
        return act(unit)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught:
        do(store, act)
    return caught.value.refusal.code


def countersign(cast: Cast, contract: Contract) -> Callable[[Unit], Contract]:
    return lambda unit: lifecycle.countersign(unit, cast.mara, KEYS, contract.id, contract.revision, name="Mara", capacity="Head")


def alone(store: Store, cast: Cast) -> None:
    """Leave the platform with one steward."""

    def act(unit: Unit) -> None:
        mine = select(Membership).where(Membership.account_id == cast.jon.account_id, Membership.role == Role.STEWARD.value)
        unit.session.exec(mine).one().ended_at = unit.now

    do(store, act)


def test_one_person_countersigns_alone_only_where_switched_and_single(store: Store) -> None:
    cast = Cast(store)
    contract = signed(store, cast)
    hold(store, SETTINGS)
    assert refused(store, countersign(cast, contract)) == "second_person_required"
    hold(store, ALONE)
    assert refused(store, countersign(cast, contract)) == "second_person_required"
    alone(store, cast)
    made = do(store, countersign(cast, contract))
    assert [each for each in events(store) if "four_eyes" in each] == ["policy.four_eyes_off"]
    with store.read() as session:
        version = queries.version_of(session, made)
        assert (is_off(session), check_seal(KEYS, session, made, version)) == (True, None)
        ours = session.exec(select(Signature).where(Signature.side == "platform")).one()
        assert ours.evidence["four_eyes"] == "off"
        # Whoever takes the mark away breaks the seal.
        ours.evidence = {name: value for name, value in ours.evidence.items() if name != "four_eyes"}
        session.flush()
        broken = check_seal(KEYS, session, made, version)
        assert broken is not None and broken.facts["differs"] == "signatures"


def test_lifting_takes_two_even_then_and_switching_back_is_an_entry(store: Store) -> None:
    cast = Cast(store)
    contract = signed(store, cast)
    hold(store, ALONE)
    alone(store, cast)
    made = do(store, countersign(cast, contract))
    held = do(store, lambda unit: lifecycle.suspend(unit, cast.mara, made.id, made.revision, "It has to be looked at."))
    asked = do(store, lambda unit: lifecycle.ask_lift(unit, cast.mara, made.id, held.revision, "It was settled."))
    assert refused(store, lambda unit: lifecycle.lift(unit, cast.mara, made.id, asked.revision)) == "second_person_required"
    hold(store, SETTINGS)
    assert [each for each in events(store) if "four_eyes" in each] == ["policy.four_eyes_off", "policy.four_eyes_on"]
