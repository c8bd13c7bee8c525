"""A reasoned request through the store: entered, amended, taken over, and nothing on the desk that grants, declines or changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.applications import service as applications
from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.coordinator import service
from contracts.coordinator.decide import Received, Wanted
from contracts.coordinator.states import Command, Ground, State
from contracts.coordinator.tables import ReasonedRequest
from contracts.coordinator.terms import proposed, refusal
from contracts.errors import Refused
from contracts.store.unit import Store, Unit
from contracts.terms.model import Terms
from tests.harness.cast import ENDS, POSTS, SETTINGS, STARTS, Cast, events, mails

RECEIVED = Received(
    coordinator="Coimisiún na Meán",
    reference="DSA-40-4/2026/17",
    received_on=STARTS,
    project="Reach of political posts",
    text="Access is requested to the posts named below, to measure how far they reach beyond their region.",
    fields=("id", "created_at", "lang"),
    rows={"lang": ["de"]},
    starts=STARTS,
    ends=ENDS,
)
AMEND = Wanted(Command.ASK_AMENDMENT, 1, Ground.NO_ACCESS, "We hold no such data; counts by region would do.")


def do(store: Store, act: Callable[[Unit], Any]) -> Any:
    with store.write() as unit:
        return act(unit)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught:
        do(store, act)
    return caught.value.refusal.code


def entered(store: Store, cast: Cast, received: Received = RECEIVED) -> ReasonedRequest:
    made: ReasonedRequest = do(store, lambda unit: service.enter(unit, cast.mara, cast.lab, "posts", received, SETTINGS))
    return made


def terms_of(store: Store, request: ReasonedRequest) -> Terms:
    with store.read() as session:
        return proposed(session, session.get_one(Application, request.application_id), POSTS, SETTINGS.platform.site)


def test_a_request_is_entered_and_becomes_the_terms(store: Store) -> None:
    cast = Cast(store)
    request = entered(store, cast)
    with store.read() as session:
        application = session.get_one(Application, request.application_id)
    assert (application.kind, application.state, application.created_by, application.decide_by) == (
        "dsa-40-4",
        "submitted",
        cast.tove.account_id,
        STARTS + timedelta(days=15),
    )
    adopted = do(store, lambda unit: service.adopt(unit, cast.mara, request.id, 1, SETTINGS))
    terms = terms_of(store, request)
    assert (adopted.state, terms.retention_days, terms.erasure_hours, terms.price) == (State.ADOPTED, None, None, None)
    assert terms.datasets[0].fields == ("id", "created_at", "lang")
    assert events(store) == ["coordinator.entered", "application.adopted", "coordinator.adopted"]
    assert sorted(name for name, _ in mails(store)) == ["jon", "mara", "tove"]


def test_the_desk_neither_grants_declines_nor_changes_it(store: Store) -> None:
    cast = Cast(store)
    request = entered(store, cast, replace(RECEIVED, retention_days=90))
    application_id = request.application_id
    declined = lambda unit: applications.decline(unit, cast.mara, application_id, 1, "It is too much work.", "purpose")  # noqa: E731 - said once
    approved = lambda unit: applications.approve(unit, cast.mara, application_id, 1, "It is fine.")  # noqa: E731 - as above
    assert (refused(store, declined), refused(store, approved)) == ("command_not_possible", "command_not_possible")
    do(store, lambda unit: service.adopt(unit, cast.mara, request.id, 1, SETTINGS))
    terms = terms_of(store, request)
    assert terms.retention_days == 90
    with store.read() as session:
        application = session.get_one(Application, application_id)
        assert refusal(session, application, terms, SETTINGS) is None
        for change in ({"records_per_day": 10}, {"erasure_hours": 24}, {"ends": ENDS - timedelta(days=1)}, {"networks": ("192.0.2.0/24",)}):
            found = refusal(session, application, terms.model_copy(update=change), SETTINGS)
            assert found is not None and (found.code, list(found.facts["fields"])) == ("not_as_requested", list(change))


def test_an_amendment_is_asked_for_once_and_the_answer_stands(store: Store) -> None:
    cast = Cast(store)
    request = entered(store, cast)
    do(store, lambda unit: service.ask_amendment(unit, cast.mara, request.id, AMEND, SETTINGS))
    assert refused(store, lambda unit: service.adopt(unit, cast.mara, request.id, 2, SETTINGS)) == "command_not_possible"
    answer = Wanted(Command.ANSWER, 2, words="Counts will not do, but the field of the day may be left out.")
    less = replace(RECEIVED, fields=("id", "lang"))
    do(store, lambda unit: service.answer(unit, cast.mara, request.id, answer, less, SETTINGS))
    assert refused(store, lambda unit: service.ask_amendment(unit, cast.mara, request.id, replace(AMEND, revision=3), SETTINGS)) == (
        "command_not_possible"
    )
    do(store, lambda unit: service.adopt(unit, cast.mara, request.id, 3, SETTINGS))
    assert terms_of(store, request).datasets[0].fields == ("id", "lang")
    assert events(store)[1:] == ["coordinator.amendment_asked", "coordinator.answered", "application.adopted", "coordinator.adopted"]


def test_the_15_days_end(store: Store, clock: FixedClock) -> None:
    cast = Cast(store)
    request = entered(store, cast)
    clock.advance(days=16)
    assert refused(store, lambda unit: service.ask_amendment(unit, cast.mara, request.id, AMEND, SETTINGS)) == "command_not_possible"
    assert do(store, lambda unit: service.adopt(unit, cast.mara, request.id, 1, SETTINGS)).state == State.ADOPTED


def test_a_withdrawn_request_ends_its_application(store: Store) -> None:
    cast = Cast(store)
    request = entered(store, cast)
    do(store, lambda unit: service.withdraw(unit, cast.mara, request.id, 1, SETTINGS))
    with store.read() as session:
        assert session.get_one(Application, request.application_id).state == "stopped"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"coordinator": "", "reference": "", "project": "", "text": "Access."}, {"coordinator", "project", "reference", "text"}),
        ({"received_on": STARTS + timedelta(days=1)}, {"received_on"}),
        ({"fields": ("id", "mail")}, {"fields"}),
        ({"fields": ()}, {"fields"}),
        ({"ends": None}, {"ends"}),
        ({"starts": ENDS, "ends": STARTS}, {"ends"}),
    ],
)
def test_what_every_request_says_has_to_be_there(sqlite_store: Store, change: dict[str, Any], wrong: set[str]) -> None:
    cast = Cast(sqlite_store)
    with pytest.raises(Refused) as caught:
        entered(sqlite_store, cast, replace(RECEIVED, **change))
    assert set(caught.value.refusal.facts["fields"]) == wrong


def test_only_stewards_enter_one_and_only_for_researchers_who_are_here(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    for who, where, code in (
        (cast.cora, cast.lab, "role_required"),
        (cast.tove, cast.lab, "role_required"),
        (cast.mara, cast.platform, "invalid_input"),
        (cast.mara, "org_nothing", "invalid_input"),
    ):
        assert refused(sqlite_store, lambda unit, w=who, o=where: service.enter(unit, w, o, "posts", RECEIVED, SETTINGS)) == code
