"""The public register: at once, whole, and nobody's name; confidential parts are counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.lifecycle import register, service
from contracts.lifecycle.register import RegisterRow
from contracts.store.unit import Store
from tests.harness.cast import ENDS, STARTS, Cast, active, events, signed

FIELDS = ("id", "author_id", "created_at", "lang", "text")


def test_the_register_names_no_person(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    signed(sqlite_store, cast)
    contract = active(sqlite_store, cast, keys, project="Second project")
    row = RegisterRow(
        contract_id=contract.id,
        organisation="Northfield University, Media Lab",
        title="Second project",
        kind="research",
        purposes=("research",),
        datasets=("posts",),
        fields=FIELDS,
        field_count=5,
        withheld=(),
        starts=STARTS,
        ends=ENDS,
        state="active",
    )
    with sqlite_store.read() as session:
        assert register.public_register(session) == [row]
    with sqlite_store.write() as unit:
        service.suspend(unit, cast.mara, contract.id, 4, "Pace.")
        service.ask_lift(unit, cast.mara, contract.id, 5, "Mended.")
        assert register.public_register(unit.session) == [replace(row, state="suspended")]
        service.terminate(unit, cast.mara, contract.id, 6, "Agreed.")
        assert register.public_register(unit.session) == [replace(row, state="ended")]


def test_confidential_parts_are_counted_and_never_what_data_is_used_for(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    with store.write() as unit:
        register.withhold(unit, cast.mara, contract.id, contract.revision, ["fields", "organisation", "title"], "A merger is under way.")
    with store.read() as session:
        (row,) = register.public_register(session)
    assert row == RegisterRow(
        contract_id=contract.id,
        organisation="",
        title="",
        kind="research",
        purposes=("research",),
        datasets=("posts",),
        fields=(),
        field_count=5,
        withheld=("organisation", "title", "fields"),
        starts=STARTS,
        ends=ENDS,
        state="active",
    )
    assert events(store)[-1] == "register.changed"


def test_only_a_steward_with_a_reason_withholds_and_only_what_may_be(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    for actor, revision, parts, reason, code in (
        (cast.cora, contract.revision, ["title"], "R", "role_required"),
        (cast.mara, contract.revision - 1, ["title"], "R", "changed_meanwhile"),
        (cast.mara, contract.revision, ["purposes"], "R", "invalid_input"),
        (cast.mara, contract.revision, ["title"], " ", "reason_required"),
    ):
        with pytest.raises(Refused, match=code), sqlite_store.write() as unit:
            register.withhold(unit, actor, contract.id, revision, parts, reason)
