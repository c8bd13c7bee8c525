"""New versions of contracts for tests: rendered and offered as the desk does it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contracts.amendments import service
from contracts.amendments.decide import Kind
from contracts.amendments.queries import latest_number
from contracts.amendments.service import Offer
from contracts.amendments.tables import Amendment
from contracts.applications.tables import Application
from contracts.keys import KeyRing
from contracts.lifecycle import queries
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.signing import facts_of, render
from contracts.store.unit import Store
from contracts.terms.model import from_json
from tests.harness.cast import SETTINGS, Cast

JON = {"name": "Jon Steward", "capacity": "Head of data access"}
TOVE = {"name": "Tove Okafor", "capacity": "Head of laboratory"}


def prepared(store: Store, contract_id: str, *, settings: Settings = SETTINGS, application_id: str = "", **changed: Any) -> Offer:
    """A new version of the contract as the page would offer it now: its terms with some of them changed."""
    kind, reason = changed.pop("kind", Kind.CHANGE), changed.pop("reason", "Fewer records are enough.")
    with store.read() as session:
        contract = session.get_one(Contract, contract_id)
        application = session.get_one(Application, application_id or contract.application_id)
        current = queries.version_of(session, contract)
        terms = from_json(current.terms_json).model_copy(update=changed)
        facts = replace(facts_of(session, application), version=latest_number(session, contract_id) + 1)
    return Offer(
        contract_id=contract_id,
        revision=contract.revision,
        kind=kind,
        application_id=application.id,
        terms=terms,
        rendered=render(settings, facts, terms, contract_id, current.passages),
        reason=reason,
    )


def offered(store: Store, actor: Actor, contract_id: str, **changed: Any) -> Amendment:
    """It, offered."""
    wanted = prepared(store, contract_id, **changed)
    with store.write() as unit:
        return service.offer(unit, actor, wanted, SETTINGS)


def signed(store: Store, cast: Cast, contract_id: str, **changed: Any) -> Amendment:
    """It, offered by `mara` and signed by `tove`."""
    made = offered(store, cast.mara, contract_id, **changed)
    with store.write() as unit:
        return service.sign(unit, cast.tove, made.id, made.revision, SETTINGS, **TOVE)


def in_force(store: Store, cast: Cast, keys: KeyRing, contract_id: str, **changed: Any) -> Amendment:
    """It, countersigned by `jon`: the version that rules."""
    made = signed(store, cast, contract_id, **changed)
    with store.write() as unit:
        return service.countersign(unit, cast.jon, keys, made.id, made.revision, SETTINGS, **JON)
