"""Drafting: from approved applications only, once each, and never wider than asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contracts.applications import service as applications
from contracts.applications.tables import Application
from contracts.errors import Refused
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.lifecycle import service
from contracts.people.actor import Actor
from contracts.signing import facts_of, render
from contracts.store.unit import Store
from contracts.terms.defaults import propose
from tests.harness.cast import POSTS, SETTINGS, Cast, active, approved, drafted


def draft_again(store: Store, actor: Actor, application: Application, **altered: Any) -> str:
    terms = propose(application, POSTS, SETTINGS.platform.site)
    with store.read() as session:
        facts = facts_of(session, application)
    contract_id = new_id("ctr")
    wider = terms.model_copy(update=altered)
    rendered = render(SETTINGS, facts, wider, contract_id)
    with pytest.raises(Refused) as caught, store.write() as unit:
        service.draft(unit, actor, contract_id, application.id, rendered, wider, SETTINGS)
    return caught.value.refusal.code


def test_terms_that_are_wider_than_asked_are_refused(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = approved(sqlite_store, cast)
    assert draft_again(sqlite_store, cast.mara, application, records_per_day=200_001) == "wider_than_asked"


def test_one_application_gives_one_contract(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    contract = drafted(sqlite_store, cast)
    with sqlite_store.read() as session:
        application = session.get_one(Application, contract.application_id)
    assert draft_again(sqlite_store, cast.mara, application) == "command_not_possible"
    with sqlite_store.write() as unit:
        service.terminate(unit, cast.mara, contract.id, 1, "Wrong terms.")
    assert drafted_from(sqlite_store, cast, application) == "draft"


def test_a_contract_that_was_in_force_leaves_no_second_one(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    with sqlite_store.write() as unit:
        service.terminate(unit, cast.mara, contract.id, 4, "Breach.")
    with sqlite_store.read() as session:
        application = session.get_one(Application, contract.application_id)
    assert draft_again(sqlite_store, cast.mara, application) == "command_not_possible"


def test_only_stewards_draft_and_only_what_was_approved(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = approved(sqlite_store, cast)
    assert draft_again(sqlite_store, cast.tove, application) == "role_required"
    with sqlite_store.write() as unit:
        begun = applications.begin(unit, cast.tove, "posts")
        begun.state, begun.fields, begun.purpose = "draft", application.fields, "research"
        begun.starts, begun.ends = application.starts, application.ends
    assert draft_again(sqlite_store, cast.mara, begun) == "command_not_possible"


def test_a_document_of_other_terms_is_a_mistake(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = approved(sqlite_store, cast)
    terms = propose(application, POSTS, SETTINGS.platform.site)
    with sqlite_store.read() as session:
        facts = facts_of(session, application)
    rendered = render(SETTINGS, facts, terms, "ctr_1")
    for wrong in (replace(rendered, text=rendered.text + " "), replace(rendered, terms_json="{}"), replace(rendered, pdf=b"")):
        with pytest.raises(ValueError, match="is not the contract"), sqlite_store.write() as unit:
            service.draft(unit, cast.mara, "ctr_1", application.id, wrong, terms, SETTINGS)
    with pytest.raises(ValueError, match="is not the contract"), sqlite_store.write() as unit:
        service.draft(unit, cast.mara, "ctr_2", application.id, rendered, terms, SETTINGS)


def drafted_from(store: Store, cast: Cast, application: Application) -> str:
    terms = propose(application, POSTS, SETTINGS.platform.site)
    with store.read() as session:
        facts = facts_of(session, application)
    contract_id = new_id("ctr")
    rendered = render(SETTINGS, facts, terms, contract_id)
    with store.write() as unit:
        return service.draft(unit, cast.mara, contract_id, application.id, rendered, terms, SETTINGS).state
