"""Applications through the store: what each command stores, mails and records, and whom it refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from contracts.applications import queries, service
from contracts.applications.form import ApplicationForm, read_form
from contracts.applications.tables import Application
from contracts.errors import Refused
from contracts.forms.files import current
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import values_of
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.store.unit import Store, Unit
from tests.harness.cast import ENDS, FORM, POSTS, SETTINGS, STARTS, Cast, events, mails

# What of the answers an application for posts is asked: its fields stand for people, and none is personal or special.
OF_ARTICLE_40_12 = ("researchers", "risk", "contribution", "independence", "measures", "proportion")
NOT_ASKED = ("mandate", "models", "memorising", "special_condition", "necessity", *OF_ARTICLE_40_12)
ASKED = {name: answer for name, answer in FORM["answers"].items() if name not in NOT_ASKED}


def submitted(store: Store, actor: Actor, **changed: Any) -> Application:
    with store.write() as unit:
        application = service.begin(unit, actor, "posts")
        service.save(unit, actor, application.id, application.revision, read_form({**FORM, **changed}))
        return service.submit(unit, actor, application.id, application.revision, SETTINGS)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code


def test_words_of_a_draft_never_enter_a_leaf(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    with sqlite_store.write() as unit:
        draft = service.begin(unit, cast.tove, "posts")
        service.save(unit, cast.tove, draft.id, draft.revision, read_form({**FORM, "purpose": "watch-jane-doe-of-elm-street"}))
        service.withdraw(unit, cast.tove, draft.id, draft.revision)
    with sqlite_store.read() as session:
        leaves = b"".join(row.leaf for row in session.exec(select(LedgerEntry)).all())
    assert b"application.withdrawn" in leaves and b"jane" not in leaves


def test_from_draft_to_approval(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast.tove)
    with store.read() as session:
        assert queries.waiting(session) == [application]
    with store.write() as unit:
        service.check(unit, cast.mara, application.id, 3)
        service.confirm_basis(unit, cast.cora, application.id, 4, "public-task", "University law names research.")
        service.approve(unit, cast.mara, application.id, 5, " Sound method. ")
        now = unit.now
    with store.read() as session:
        stored = session.get(Application, application.id)
        assert stored is not None
        assert stored.model_dump() == {
            **{name: FORM[name] for name in ("project", "kind", "purpose", "purpose_text", "fields", "rows", "crawl")},
            "id": application.id,
            "organisation_id": cast.lab,
            "created_by": cast.tove.account_id,
            "state": "approved",
            "revision": 6,
            "dataset": "posts",
            "evidence": [],
            "form": current(SETTINGS, "research", "posts").sha256,
            "answers": ASKED,
            "starts": STARTS,
            "ends": ENDS,
            "created_at": now,
            "submitted_at": now,
            "decide_by": application.decide_by,
            "decided_at": now,
            "decided_by": cast.mara.account_id,
            "decision_code": "as-asked",
            "decision_reason": "Sound method.",
            "changed_at": now,
            "answer_by": None,
            "days_left": 0,
            "reminded": "",
            "handler": cast.mara.account_id,
            "checked_at": now,
            "checked_by": cast.mara.account_id,
            "basis": "public-task",
            "basis_content": service.content_hash(stored),
            "basis_by": cast.cora.account_id,
            "appealed_at": None,
            "declined_by": None,
        }
        assert queries.waiting(session) == []
    assert str(application.decide_by) == "2026-11-16"
    assert mails(store) == [
        ("cora", 'Confirm the lawful basis for "Political ads and regional reach" before 16 November 2026'),
        ("jon", 'Application "Political ads and regional reach" waits for a decision by 16 November 2026'),
        ("mara", 'Application "Political ads and regional reach" waits for a decision by 16 November 2026'),
        ("mara", 'The lawful basis for "Political ads and regional reach" is confirmed; decide by 16 November 2026'),
        ("tove", 'We received your application "Political ads and regional reach" and decide by 16 November 2026'),
        ("tove", 'Your application "Political ads and regional reach" was approved; the contract comes next'),
    ]
    assert events(store) == [
        "application.drafted",
        "application.submitted",
        "application.checked",
        "application.basis_confirmed",
        "application.approved",
    ]


def test_the_decision_stands_in_the_ledger_with_its_reason_as_a_commitment(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast.tove)
    with store.write() as unit:
        service.decline(unit, cast.mara, application.id, application.revision, "Too broad.", "not-proportionate")
    with store.read() as session:
        staged = session.exec(select(LedgerEntry).order_by(LedgerEntry.index)).all()[-1]  # type: ignore[arg-type]  # a column
        values = values_of(session, [staged.id])[staged.id].values
    leaf = json.loads(staged.leaf)
    assert {name: leaf[name] for name in ("event", "subject", "organisation", "dataset", "purpose", "decision", "facts")} == {
        "event": "application.declined",
        "subject": application.id,
        "organisation": cast.lab,
        "dataset": "posts",
        "purpose": "research",
        "decision": "done",
        "facts": {
            "revision": 4,
            "code": "not-proportionate",
            "asked": service.content_hash(application),
            "content": service.content_hash(application),
        },
    }
    assert b"Too broad" not in staged.leaf
    assert {name: kept.value for name, kept in values.items()} == {
        "account": cast.mara.account_id,
        "network": "192.0.2.0/24",
        "reason": "Too broad.",
    }


def test_a_refused_command_leaves_nothing(store: Store) -> None:
    cast = Cast(store)
    with store.write() as unit:
        application = service.begin(unit, cast.tove, "posts")
    with pytest.raises(Refused) as caught, store.write() as unit:
        service.submit(unit, cast.tove, application.id, 1, SETTINGS)
    assert caught.value.refusal.facts == {
        "fields": {
            "project": "Name the project, in at least 3 characters.",
            "purpose": "Choose one of the purposes that this dataset allows.",
            "purpose_text": "Say in at least 20 characters what you want to find out or do.",
            "fields": "Choose at least one field.",
            "starts": "Give the first day.",
            "ends": "Give the last day.",
            "answers.funding": "Answer in a sentence or more: Who pays for the project.",
            "answers.conflicts": "Answer in a sentence or more: Interests that could bear on the results.",
            "answers.retention_days": "Write a number of days, such as 90: For how many days after the contract’s end you need to keep records.",
        }
    }
    with store.read() as session:
        assert session.get(Application, application.id) == application
    assert (mails(store), events(store)) == ([], ["application.drafted"])


def test_nothing_is_handed_in_without_a_document_that_the_form_needs(store: Store) -> None:
    cast, special = Cast(store), {"text": POSTS.fields["text"].model_copy(update={"field_class": "special"})}
    asked = SETTINGS.model_copy(update={"datasets": {"posts": POSTS.model_copy(update={"fields": {**POSTS.fields, **special}})}})
    with store.write() as unit:
        key = service.begin(unit, cast.tove, "posts").id
        service.save(unit, cast.tove, key, 1, read_form(FORM))
    with pytest.raises(Refused) as caught, store.write() as unit:
        service.submit(unit, cast.tove, key, 2, asked)
    message = "Add this document: Data protection impact assessment."
    assert caught.value.refusal.facts == {"fields": {"document.dpia": message}}
    with store.write() as unit:
        row = unit.lock(Application, key)
        assert row.state == "draft"
        row.evidence = [{"id": "evd_1", "kind": "dpia", "sha256": "ab" * 32}]
        unit.session.add(row)
        assert service.submit(unit, cast.tove, key, 2, asked).state == "submitted"


def test_beginning_twice_is_one_draft(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    with sqlite_store.write() as unit:
        first = service.begin(unit, cast.tove, "posts")
        assert service.begin(unit, cast.tove, "posts") is first
        service.save(unit, cast.tove, first.id, 1, ApplicationForm(project="Begun"))
        assert service.begin(unit, cast.tove, "posts").id != first.id


def test_only_the_first_of_two_racing_decisions_counts(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast.tove)
    with store.write() as unit:
        service.decline(unit, cast.mara, application.id, application.revision, "Too broad.", "not-proportionate")
    stale = application.revision
    assert refused(store, lambda unit: service.approve(unit, cast.jon, application.id, stale, "Fine.")) == "command_not_possible"


def test_a_withdrawal_and_an_approval_at_once_are_one_of_them(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast.tove)
    with store.write() as unit:
        service.check(unit, cast.mara, application.id, 3)
    outcomes: list[str] = []

    def attempt(act: Callable[[Unit], Application]) -> None:
        try:
            with store.write() as unit:
                outcomes.append(act(unit).state)
        except Refused as error:
            outcomes.append(error.refusal.code)

    acts: list[Callable[[Unit], Application]] = [
        lambda unit: service.approve(unit, cast.mara, application.id, 4, "Fine."),
        lambda unit: service.withdraw(unit, cast.tove, application.id, 4),
    ]
    threads = [threading.Thread(target=attempt, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as session:
        final = session.get_one(Application, application.id).state
    assert sorted(outcomes) == sorted(["command_not_possible", final])
    assert final in ("approved", "withdrawn")


def test_a_page_that_is_out_of_date_decides_nothing(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = submitted(sqlite_store, cast.tove)
    stale = application.revision - 1
    assert refused(sqlite_store, lambda unit: service.check(unit, cast.mara, application.id, stale)) == "changed_meanwhile"


def test_a_dataset_that_is_gone_cannot_be_applied_for(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    with sqlite_store.write() as unit:
        application = service.begin(unit, cast.tove, "posts")
    assert refused(sqlite_store, lambda unit: service.submit(unit, cast.tove, application.id, 1, Settings())) == "not_found"
    assert refused(sqlite_store, lambda unit: service.begin(unit, cast.tove, "../etc")) == "not_found"


def test_each_command_needs_its_role(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = submitted(sqlite_store, cast.tove)
    acts: list[Callable[[Unit], Any]] = [
        lambda unit: service.begin(unit, cast.dev, "posts"),
        lambda unit: service.save(unit, cast.dev, application.id, 3, ApplicationForm()),
        lambda unit: service.submit(unit, cast.mara, application.id, 3, SETTINGS),
        lambda unit: service.withdraw(unit, cast.mara, application.id, 3),
        lambda unit: service.approve(unit, cast.tove, application.id, 3, "I like it."),
        lambda unit: service.decline(unit, cast.admin, application.id, 3, "No.", "other"),
    ]
    assert [refused(sqlite_store, act) for act in acts] == ["role_required"] * len(acts)


def test_another_organisation_finds_nothing(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = submitted(sqlite_store, cast.tove)
    acts: list[Callable[[Unit], Any]] = [
        lambda unit: service.save(unit, cast.eve, application.id, 3, ApplicationForm()),
        lambda unit: service.submit(unit, cast.eve, application.id, 3, SETTINGS),
        lambda unit: service.withdraw(unit, cast.eve, application.id, 3),
        lambda unit: queries.get_for(unit.session, cast.eve, application.id),
        lambda unit: queries.get_for(unit.session, cast.eve, "app_nothing"),
    ]
    assert [refused(sqlite_store, act) for act in acts] == ["not_found"] * len(acts)


def test_staff_see_an_application_once_it_is_handed_in(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    with sqlite_store.write() as unit:
        draft = service.begin(unit, cast.tove, "posts")
    assert refused(sqlite_store, lambda unit: queries.get_for(unit.session, cast.mara, draft.id)) == "not_found"
    assert refused(sqlite_store, lambda unit: service.approve(unit, cast.mara, draft.id, 1, "Fine.")) == "not_found"
    application = submitted(sqlite_store, cast.tove)
    with sqlite_store.read() as session:
        assert queries.get_for(session, cast.mara, application.id) == application
        assert queries.submitted(session) == [application]


def test_a_withdrawal_tells_stewards_only_of_what_waited(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    with sqlite_store.write() as unit:
        service.withdraw(unit, cast.tove, service.begin(unit, cast.tove, "posts").id, 1)
    assert mails(sqlite_store) == []
    application = submitted(sqlite_store, cast.tove)
    with sqlite_store.write() as unit:
        service.withdraw(unit, cast.tove, application.id, application.revision)
    assert [mail for mail in mails(sqlite_store) if "was withdrawn" in mail[1]] == [
        ("jon", 'Application "Political ads and regional reach" was withdrawn; nothing is left to decide'),
        ("mara", 'Application "Political ads and regional reach" was withdrawn; nothing is left to decide'),
    ]


def test_a_re_request_is_seen_as_one(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    first = submitted(sqlite_store, cast.tove)
    second = submitted(sqlite_store, cast.tove, project="Political ads again")
    with sqlite_store.read() as session:
        assert queries.earlier(session, second) == [first]
