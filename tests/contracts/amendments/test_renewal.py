"""Renewal: vetted like any application, and then a new version of the same contract."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.amendments import renewal
from contracts.amendments.decide import Kind
from contracts.applications import service as applications
from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.lifecycle import service
from contracts.signing import facts_of, render
from contracts.store.unit import Store
from contracts.terms.defaults import propose
from contracts.terms.grant import Grant, compile_grant
from tests.harness.amending import in_force
from tests.harness.cast import ENDS, POSTS, SETTINGS, STARTS, Cast, active, vetted


def test_a_renewal_goes_through_vetting_and_both_signatures(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    with store.write() as unit:
        begun = renewal.ask(unit, cast.tove, contract.id, STARTS)
        again = renewal.ask(unit, cast.tove, contract.id, STARTS)
        assert (begun.id, begun.state, begun.project, begun.starts) == (again.id, "draft", contract.title, ENDS + timedelta(days=1))
        assert begun.fields == ["id", "author_id", "created_at", "lang", "text"]
        assert renewal.continued_by(unit.session, begun.id) == contract.id
    with store.write() as unit:
        handed_in = applications.submit(unit, cast.tove, begun.id, begun.revision, SETTINGS)
    with store.write() as unit:
        agreed = vetted(unit, cast, unit.lock(Application, handed_in.id))
    assert agreed.ends is not None
    in_force(store, cast, keys, contract.id, kind=Kind.RENEWAL, application_id=agreed.id, ends=agreed.ends)
    with store.read() as session:
        grant = compile_grant(keys, session, contract.id)
        assert renewal.under_way(session, contract.id) is None
    assert isinstance(grant, Grant)
    assert (grant.version, grant.terms.starts, grant.terms.ends) == (2, STARTS, agreed.ends)


def test_a_renewal_gives_no_second_contract(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    with sqlite_store.write() as unit:
        begun = renewal.ask(unit, cast.tove, contract.id, STARTS)
        agreed = vetted(unit, cast, applications.submit(unit, cast.tove, begun.id, begun.revision, SETTINGS))
    terms, contract_id = propose(agreed, POSTS, SETTINGS.platform.site), new_id("ctr")
    with sqlite_store.read() as session:
        rendered = render(SETTINGS, facts_of(session, agreed), terms, contract_id)
    with pytest.raises(Refused, match="command_not_possible"), sqlite_store.write() as unit:
        service.draft(unit, cast.mara, contract_id, agreed.id, rendered, terms, SETTINGS)


def test_only_a_lead_renews_and_only_what_is_in_force(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    for actor, today, code in (
        (cast.dev, STARTS, "role_required"),
        (cast.eve, STARTS, "not_found"),
        (cast.tove, ENDS + timedelta(days=1), "command_not_possible"),
    ):
        with pytest.raises(Refused, match=code), sqlite_store.write() as unit:
            renewal.ask(unit, actor, contract.id, today)
