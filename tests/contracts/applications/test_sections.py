"""A section that a colleague fills in: nobody else writes it, and that colleague writes nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from contracts.applications import sections, service
from contracts.applications.form import ApplicationForm, read_form
from contracts.applications.tables import Application
from contracts.errors import Refused
from contracts.forms.files import current
from contracts.forms.service import frozen, keep, number_of
from contracts.forms.tables import FormVersion
from contracts.store.unit import Store, Unit
from tests.harness.cast import FORM, POSTS, SETTINGS, Cast, events, mails

ASKED = current(SETTINGS, "research", "posts")
PAPERS = {"storage": "One encrypted server, three people.", "retention_days": "30", "destruction": "Deleted, and signed for."}


def begun(store: Store, cast: Cast) -> Application:
    with store.write() as unit:
        draft = service.begin(unit, cast.tove, "posts", ASKED)
        return service.save(unit, cast.tove, draft.id, 1, read_form(FORM))


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code


def answers_of(store: Store, application_id: str) -> dict[str, Any]:
    with store.read() as session:
        return session.get_one(Application, application_id).answers


def test_a_colleague_fills_in_the_section_and_the_lead_hands_it_in(store: Store) -> None:
    cast = Cast(store)
    draft = begun(store, cast)
    with store.write() as unit:
        sections.ask(unit, cast.tove, draft.id, "keeping", cast.dev.account_id)
    with store.write() as unit:
        # What the lead types meanwhile leaves the section alone, though the page still held it.
        changed = FORM["answers"] | {"storage": "Somewhere, somehow, by somebody.", "funding": "A new grant, number 7."}
        saved = service.save(unit, cast.tove, draft.id, 2, read_form({**FORM, "answers": changed}))
        sections.answer(unit, cast.dev, draft.id, "keeping", {**PAPERS, "funding": "Ours alone."}, POSTS, done=False)
    kept = answers_of(store, draft.id)
    assert {name: kept[name] for name in (*PAPERS, "funding")} == {**PAPERS, "funding": "A new grant, number 7."}
    with pytest.raises(Refused) as caught, store.write() as unit:
        sections.answer(unit, cast.dev, draft.id, "keeping", {"storage": ""}, POSTS, done=False)
        service.submit(unit, cast.tove, draft.id, saved.revision, SETTINGS)
    message = "A colleague still has the section “How records are kept”. Wait for it, or take it back."
    assert caught.value.refusal.facts == {"fields": {"section.keeping": message}}
    with store.write() as unit:
        given = sections.answer(unit, cast.dev, draft.id, "keeping", PAPERS, POSTS, done=True)
    with store.write() as unit:
        service.submit(unit, cast.tove, draft.id, given.revision, SETTINGS)
    assert [each for each in events(store) if "section" in each] == ["application.section_asked", "application.section_answered"]
    assert mails(store)[0] == ("dev", 'Tove Okafor asks you to fill in "How records are kept" for "Political ads and regional reach"')
    assert ("tove", 'Dev Eloper filled in "How records are kept" for "Political ads and regional reach"') in mails(store)


def test_who_may_do_what_with_a_section(sqlite_store: Store) -> None:
    cast, store = Cast(sqlite_store), sqlite_store
    draft = begun(store, cast)
    with store.write() as unit:
        sections.ask(unit, cast.tove, draft.id, "keeping", cast.dev.account_id)
    dev, eve = cast.dev.account_id, cast.eve.account_id
    acts: dict[str, Callable[[Unit], Any]] = {
        "role_required by another": lambda unit: sections.answer(unit, cast.tove, draft.id, "keeping", PAPERS, POSTS, done=True),
        "role_required elsewhere": lambda unit: sections.answer(unit, cast.dev, draft.id, "law", {}, POSTS, done=False),
        "role_required to ask": lambda unit: sections.ask(unit, cast.dev, draft.id, "law", dev),
        "role_required to take": lambda unit: sections.take_back(unit, cast.dev, draft.id, "keeping"),
        "command_not_possible twice": lambda unit: sections.ask(unit, cast.tove, draft.id, "keeping", dev),
        "command_not_possible the request": lambda unit: sections.ask(unit, cast.tove, draft.id, "request", dev),
        "invalid_input oneself": lambda unit: sections.ask(unit, cast.tove, draft.id, "law", cast.tove.account_id),
        "invalid_input a stranger": lambda unit: sections.ask(unit, cast.tove, draft.id, "law", eve),
        "invalid_input unfinished": lambda unit: sections.answer(unit, cast.dev, draft.id, "keeping", {"storage": "?"}, POSTS, done=True),
        "not_found section": lambda unit: sections.ask(unit, cast.tove, draft.id, "nothing", dev),
        "not_found foreign": lambda unit: sections.answer(unit, cast.eve, draft.id, "keeping", PAPERS, POSTS, done=True),
        "not_found nobody's": lambda unit: sections.take_back(unit, cast.tove, draft.id, "law"),
    }
    assert {name: refused(store, act) for name, act in acts.items()} == {name: name.split()[0] for name in acts}


def test_a_section_that_is_taken_back_is_the_leads_again(sqlite_store: Store) -> None:
    cast, store = Cast(sqlite_store), sqlite_store
    draft = begun(store, cast)
    with store.write() as unit:
        row = sections.ask(unit, cast.tove, draft.id, "keeping", cast.dev.account_id)
    with store.read() as session:
        assert sections.asked_of(session, cast.dev.account_id) == [(row, session.get_one(Application, draft.id))]
    with store.write() as unit:
        sections.take_back(unit, cast.tove, draft.id, "keeping")
    assert refused(store, lambda unit: sections.answer(unit, cast.dev, draft.id, "keeping", PAPERS, POSTS, done=True)) == "role_required"
    with store.write() as unit:
        service.submit(unit, cast.tove, draft.id, 2, SETTINGS)
    assert refused(store, lambda unit: sections.ask(unit, cast.tove, draft.id, "law", cast.dev.account_id)) == "command_not_possible"
    with store.read() as session:
        assert sections.asked_of(session, cast.dev.account_id) == []


def test_an_application_is_judged_by_the_version_that_it_began_with(store: Store) -> None:
    cast = Cast(store)
    draft = begun(store, cast)
    newer = ASKED.model_copy(update={"title": "Research, second edition"})
    with store.write() as unit:
        # A new version does not reach a draft, nor does the page of one that was opened before.
        service.save(unit, cast.tove, draft.id, 2, read_form(FORM), newer)
        keep(unit, newer)
        keep(unit, newer)
        service.submit(unit, cast.tove, draft.id, 3, SETTINGS)
    with store.read() as session:
        kept = session.get_one(Application, draft.id)
        assert (kept.form, frozen(session, kept.form), frozen(session, None)) == (ASKED.sha256, ASKED, None)
        assert sorted((number_of(session, ASKED.sha256), number_of(session, newer.sha256))) == [1, 2]
        content = service.content_hash(kept)
        assert content != service.content_hash(kept.model_copy(update={"answers": {**kept.answers, "funding": "Somebody else pays."}}))
        assert content != service.content_hash(kept.model_copy(update={"form": newer.sha256}))


def test_an_application_from_before_forms_keeps_its_hash(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    draft = begun(sqlite_store, cast).model_copy(update={"form": None})
    before = service.content_hash(draft)
    assert before == service.content_hash(draft.model_copy(update={"answers": {}}))
    # As the release before forms computed it.
    assert before == "d891e9abe36da9ccf06866d82f6094a97dc9973340a76f39af71a7f33a15cb7a"


def test_another_kind_begins_with_its_own_form(sqlite_store: Store) -> None:
    cast, store = Cast(sqlite_store), sqlite_store
    draft, other = begun(store, cast), current(SETTINGS, "commercial", "posts")
    with store.write() as unit:
        saved = service.save(unit, cast.tove, draft.id, 2, read_form({**FORM, "kind": "commercial", "purpose": "market-analysis"}), other)
    assert saved.form == other.sha256
    assert "funding" in FORM["answers"] and "funding" not in answers_of(store, draft.id)
    with store.write() as unit:
        bare = service.save(unit, cast.tove, draft.id, 3, ApplicationForm(kind="research"))
    assert bare.form is None


def test_a_frozen_form_that_was_edited_asks_and_judges_nothing(sqlite_store: Store) -> None:
    cast, store = Cast(sqlite_store), sqlite_store
    draft = begun(store, cast)
    with store.write() as unit:
        row = unit.session.exec(select(FormVersion)).one()
        row.content = ASKED.model_copy(update={"title": "Softer"}).text
        unit.session.add(row)
    assert refused(store, lambda unit: service.submit(unit, cast.tove, draft.id, 2, SETTINGS)) == "form_unusable"
