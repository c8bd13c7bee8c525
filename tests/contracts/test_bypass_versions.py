"""Approval cannot be gone around by another version of the form or of the contract's template, whenever that comes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdf
import pytest
from sqlmodel import select

from contracts.applications import service as applications
from contracts.applications.form import read_form
from contracts.applications.states import State
from contracts.applications.tables import Application
from contracts.errors import Refused
from contracts.forms.files import current
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.lifecycle import offers, queries
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.settings import Settings
from contracts.signing import confirmations, facts_of, render
from contracts.signing.clauses import clause_of
from contracts.signing.document import signed_pdf
from contracts.store.unit import Store, Unit
from contracts.terms.defaults import propose
from contracts.terms.model import from_json
from tests.harness.cast import FORM, POSTS, SETTINGS, Cast, active, drafted, signed, vetted

KEYS = KeyRing(b"m" * 32)
LAW = 'title = "Law"\nbinds = "general"\ntext = "Only the platform is ever right."\n'
PACE = 'title = "Pace"\nbinds = "pace"\ntext = "$pace As we see fit."\nmonitored = "It is counted."\nbreach = "It is refused."\n'
SOFT = 'title = "Research"\nsections = ["request"]\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation whose operator may put own files beside the bundled ones."""
    for folder in ("clauses", "forms"):
        (tmp_path / folder).mkdir()
    return Settings(profile="test", home=tmp_path, datasets=SETTINGS.datasets)


def put(settings: Settings, name: str, text: str) -> None:
    (settings.home / name).write_text(text, encoding="utf-8")


def do(store: Store, act: Callable[[Unit], Any]) -> Any:
    with store.write() as unit:
        return act(unit)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught:
        do(store, act)
    return caught.value.refusal.code


def draft_from(store: Store, cast: Cast, application: Application, settings: Settings) -> Callable[[Unit], Contract]:
    terms, contract_id = propose(application, POSTS, settings.platform.site), new_id("ctr")
    with store.read() as session:
        rendered = render(settings, facts_of(session, application), terms, contract_id)
    return lambda unit: lifecycle.draft(unit, cast.mara, contract_id, application.id, rendered, terms, settings)


def stored(store: Store, contract: Contract) -> dict[str, Any]:
    """The first version as it is kept, but for its times and seal."""
    with store.read() as session:
        version = session.exec(select(ContractVersion).where(ContractVersion.contract_id == contract.id, ContractVersion.number == 1)).one()
        return version.model_dump(exclude={"offered_at", "sealed_at", "seal"})


def test_a_softer_form_judges_neither_a_draft_nor_what_comes_back(store: Store, settings: Settings) -> None:
    cast, strict = Cast(store), current(settings, "research", "posts")
    bare = read_form({**FORM, "answers": {}})
    draft = do(store, lambda unit: applications.begin(unit, cast.tove, "posts", strict))
    put(settings, "forms/research.toml", SOFT)
    soft = current(settings, "research", "posts")
    assert soft.sha256 != strict.sha256
    saved = do(store, lambda unit: applications.save(unit, cast.tove, draft.id, 1, bare, soft))
    assert refused(store, lambda unit: applications.submit(unit, cast.tove, draft.id, saved.revision, settings)) == "invalid_input"
    saved = do(store, lambda unit: applications.save(unit, cast.tove, draft.id, saved.revision, read_form(FORM), soft))
    sent = do(store, lambda unit: applications.submit(unit, cast.tove, draft.id, saved.revision, settings))
    do(store, lambda unit: applications.check(unit, cast.mara, sent.id, sent.revision))
    back = do(store, lambda unit: applications.return_for_changes(unit, cast.mara, sent.id, 5, "unclear", "Which countries?", settings))
    bare_again = do(store, lambda unit: applications.save(unit, cast.tove, back.id, back.revision, bare, soft))
    assert refused(store, lambda unit: applications.submit(unit, cast.tove, back.id, bare_again.revision, settings)) == "invalid_input"
    whole = do(store, lambda unit: applications.save(unit, cast.tove, back.id, bare_again.revision, read_form(FORM), soft))
    again = do(store, lambda unit: applications.submit(unit, cast.tove, back.id, whole.revision, settings))
    assert (again.form, again.checked_at, again.state) == (strict.sha256, None, State.SUBMITTED)
    assert refused(store, lambda unit: applications.approve(unit, cast.mara, again.id, again.revision, "Sound.")) == "command_not_possible"


def test_a_new_template_takes_nobody_past_approval_or_confirmation(store: Store, settings: Settings) -> None:
    cast = Cast(store)
    begun = do(store, lambda unit: applications.begin(unit, cast.tove, "posts"))
    do(store, lambda unit: applications.save(unit, cast.tove, begun.id, 1, read_form(FORM)))
    waiting = do(store, lambda unit: applications.submit(unit, cast.tove, begun.id, 2, settings))
    put(settings, "clauses/law.toml", LAW)
    assert refused(store, draft_from(store, cast, waiting, settings)) == "command_not_possible"
    found = do(store, lambda unit: vetted(unit, cast, unit.session.get_one(Application, waiting.id)))
    put(settings, "clauses/pace.toml", PACE)
    assert refused(store, draft_from(store, cast, found, settings)) == "clause_unconfirmed"
    own = clause_of(settings, "pace")
    do(store, lambda unit: confirmations.confirm(unit, cast.jon, own, own.sha256))
    put(settings, "clauses/pace.toml", PACE.replace("fit", "fit, or not at all"))
    assert refused(store, draft_from(store, cast, found, settings)) == "clause_unconfirmed"
    put(settings, "clauses/pace.toml", PACE)
    contract = do(store, draft_from(store, cast, found, settings))
    assert (contract.state, "Only the platform is ever right." in stored(store, contract)["text"]) == ("draft", True)
    assert refused(store, lambda unit: lifecycle.sign(unit, cast.tove, contract.id, 1, name="Tove", capacity="Head")) == "not_found"
    (settings.home / "clauses/law.toml").unlink()
    assert refused(store, draft_from(store, cast, found, settings)) == "command_not_possible"


@pytest.mark.parametrize("stage", ["drafted", "offered", "signed", "in force"])
def test_what_was_drafted_stays_what_it_is_when_the_template_is_replaced(store: Store, settings: Settings, stage: str) -> None:
    cast = Cast(store)
    made = {"signed": lambda: signed(store, cast, settings=settings), "in force": lambda: active(store, cast, KEYS, settings=settings)}
    contract = made.get(stage, lambda: drafted(store, cast, settings))()
    if stage == "offered":
        contract = do(store, lambda unit: lifecycle.offer(unit, cast.mara, contract.id, contract.revision))
    before = stored(store, contract)
    put(settings, "clauses/law.toml", LAW)
    put(settings, "clauses/pace.toml", PACE)

    def countersign(unit: Unit, who: Any = cast.jon) -> Contract:
        return lifecycle.countersign(unit, who, KEYS, contract.id, 3, name="Jon Steward", capacity="Head of data access")

    if stage == "drafted":
        assert refused(store, countersign) == "command_not_possible"
        do(store, lambda unit: lifecycle.offer(unit, cast.mara, contract.id, 1))
    if stage in ("drafted", "offered"):
        do(store, lambda unit: lifecycle.sign(unit, cast.tove, contract.id, 2, name="Tove Okafor", capacity="Head of laboratory"))
    if stage != "in force":
        assert refused(store, lambda unit: countersign(unit, cast.mara)) == "second_person_required"
        do(store, countersign)
    with store.read() as session:
        row, rows = session.get_one(Contract, contract.id), session.exec(select(Signature)).all()
        version = queries.version_of(session, row)
        pdf = signed_pdf(settings, row, version, "Northfield University, Media Lab", rows)
    assert (stored(store, contract), row.state, row.version) == (before, "active", 1)
    assert {(each.text_sha256, each.terms_sha256) for each in rows} == {(before["text_sha256"], before["terms_sha256"])}
    (text,) = pypdf.PdfReader(io.BytesIO(pdf)).attachments["contract.md"]
    assert text.decode() == before["text"] and "ever right" not in before["text"]


def test_a_new_template_reaches_an_offer_only_as_a_version_that_is_offered_again(store: Store, settings: Settings) -> None:
    cast = Cast(store)
    contract = drafted(store, cast, settings)
    do(store, lambda unit: lifecycle.offer(unit, cast.mara, contract.id, 1))
    before = stored(store, contract)
    put(settings, "clauses/law.toml", LAW)
    revise = _revision(store, cast, contract, settings)
    do(store, revise)
    assert stored(store, contract) == before
    sign = {"name": "Tove Okafor", "capacity": "Head of laboratory"}
    assert refused(store, lambda unit: lifecycle.sign(unit, cast.tove, contract.id, 2, **sign)) == "changed_meanwhile"
    do(store, lambda unit: lifecycle.sign(unit, cast.tove, contract.id, 3, **sign))
    with store.read() as session:
        version, given = queries.version_of(session, session.get_one(Contract, contract.id)), session.exec(select(Signature)).one()
    assert (version.number, "ever right" in version.text, given.text_sha256) == (2, True, version.text_sha256)
    assert refused(store, _revision(store, cast, contract, settings)) == "command_not_possible"
    countersign = {"name": "Jon Steward", "capacity": "Head of data access"}
    assert refused(store, lambda unit: lifecycle.countersign(unit, cast.jon, KEYS, contract.id, 4, **countersign)) == (
        "second_person_required"
    )


def _revision(store: Store, cast: Cast, contract: Contract, settings: Settings) -> Callable[[Unit], Contract]:
    """Another version by `jon`, of the same terms in the words of now."""
    with store.read() as session:
        row = session.get_one(Contract, contract.id)
        facts = facts_of(session, session.get_one(Application, contract.application_id))
        facts, revision = replace(facts, version=offers.next_number(session, contract.id)), row.revision
        terms = from_json(queries.version_of(session, row).terms_json)
    rendered, note = render(settings, facts, terms, contract.id), "The law of our country changed."
    return lambda unit: offers.revise(unit, cast.jon, contract.id, revision, rendered, terms, settings, note_to_partner=note)
