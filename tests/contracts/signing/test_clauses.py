"""The clause library: each term bound once, nothing read that is not understood, and own words only once they are confirmed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contracts.errors import Misconfigured, Refused
from contracts.forms.kinds import KINDS as APPLICATIONS
from contracts.settings import Settings
from contracts.signing import confirmations
from contracts.signing.clauses import GENERAL, ClauseFile, bundled_for, clause_names, clause_of
from contracts.signing.document import render
from contracts.signing.preview import AGREED_LATER, preview
from contracts.signing.templates import KINDS, TEMPLATE_OF, has_own, problems, template_of
from contracts.signing.text import fill
from contracts.store.unit import Store
from contracts.terms.words import LINES, TermLine
from tests.contracts.signing.test_document import FACTS
from tests.contracts.terms.test_grant import TERMS
from tests.harness.cast import SETTINGS, Cast, drafted, events

PACE = """
title = "Pace"
binds = "pace"
text = "$pace Slower is kinder."
monitored = "It is counted."
breach = "It is refused."
"""
LAW = 'title = "Law"\nbinds = "general"\ntext = "The law of $country applies. Costs are 5 $$."\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for folder in ("clauses", "templates"):
        (tmp_path / folder).mkdir()
    return Settings(profile="test", home=tmp_path, datasets=SETTINGS.datasets)


def put(settings: Settings, name: str, text: str) -> None:
    (settings.home / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_bundled_templates_bind_every_term_once_and_name_their_language(kind: str) -> None:
    template = template_of(SETTINGS, kind)
    bound = [each.clause.binds for each in template.clauses if not each.clause.is_general]
    assert (sorted(bound), template.language, template.own) == (sorted(LINES), "en", False)
    assert all(each.clause.monitored and each.clause.breach for each in template.clauses if not each.clause.is_general)
    assert len(preview(SETTINGS, kind, date(2026, 11, 2))) > 2 * len(template.clauses)


def test_every_kind_of_application_has_a_template() -> None:
    assert (APPLICATIONS.keys() - TEMPLATE_OF.keys(), set(TEMPLATE_OF.values())) == (set(), set(KINDS))


def test_every_bundled_clause_stands_in_a_template() -> None:
    used = {each.name for kind in KINDS for each in template_of(SETTINGS, kind).clauses}
    assert (used, list(problems(SETTINGS)), has_own(SETTINGS)) == (set(clause_names(SETTINGS)), [], False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (PACE.replace('"pace"', '"speed"'), "binds the term 'speed', which does not exist"),
        (PACE.replace("$pace", "$quota"), "binds the term pace, but its text does not state it"),
        (PACE.replace("kinder", "kinder than $quota"), "binds the term pace, but states \\$quota as well"),
        (PACE.replace('"It is counted."', '" "'), "so it says how that is monitored"),
        (PACE.replace('binds = "pace"', 'binds = "general"'), "is general, but states the term \\$pace"),
        (LAW + 'monitored = "It is counted."\n', "is general, so nothing of it is monitored by term"),
        (PACE + 'colour = "red"\n', "Extra inputs are not permitted"),
        (PACE.replace('"Pace"', "5"), "Input should be a valid string"),
        (PACE + "= =", "cannot be read"),
        ("text = '" + "x" * 200_001 + "'", "is longer than 200,000 bytes"),
    ],
)
def test_a_clause_that_is_not_understood_is_refused(settings: Settings, text: str, complaint: str) -> None:
    put(settings, "clauses/pace.toml", text)
    with pytest.raises(Misconfigured, match=complaint):
        clause_of(settings, "pace")
    assert [each.where for each in problems(settings)] == ["clause pace"] * len(KINDS)


def test_names_lead_nowhere_else(settings: Settings) -> None:
    put(settings, "secret.toml", PACE)
    for name in ("../secret", "Pace", "", "a" * 65):
        with pytest.raises(Misconfigured, match="small letters"):
            clause_of(settings, name)
    with pytest.raises(Misconfigured, match="does not exist"):
        clause_of(settings, "nothing")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda names: [each for each in names if each != "pace"], "has no clause for the term pace"),
        (lambda names: [*names, "price-invoiced"], "has several clauses for the term price"),
        (lambda names: [*names, "law"], "names the clause law twice"),
        (lambda names: [*names, "nothing"], "clause nothing: does not exist"),
        (lambda names: [*names, "german"], "is in the language en, but its clause german is in de"),
        (lambda names: [*names, "colourful"], "asks for \\$colour, which is no fact"),
    ],
)
def test_a_template_lacks_no_term_and_mixes_nothing(settings: Settings, change: object, complaint: str) -> None:
    names = [each.name for each in template_of(SETTINGS, "research").clauses]
    put(settings, "clauses/german.toml", 'language = "de"\n' + LAW)
    put(settings, "clauses/colourful.toml", LAW.replace("$country", "$colour"))
    put(settings, "templates/research.toml", f'language = "en"\ntitle = "Ours"\nclauses = {change(names)}\n')  # type: ignore[operator]  # a function, as given above
    with pytest.raises(Misconfigured, match=complaint):
        template_of(settings, "research")


def test_own_files_that_nothing_reads_are_told(settings: Settings) -> None:
    put(settings, "clauses/unused.toml", LAW)
    put(settings, "templates/reserch.toml", "")
    assert [(each.where, each.problem.split(":")[0].split(" /")[0]) for each in problems(settings)] == [
        ("contract templates", "nothing reads"),
        ("clause unused", "stands in no template"),
    ]
    put(settings, "templates/research.md", "# Of an earlier release")
    with pytest.raises(Misconfigured, match="earlier release"):
        template_of(settings, "research")


def test_general_text_is_replaced_freely(settings: Settings) -> None:
    put(settings, "clauses/law.toml", LAW)
    rendered = render(settings, FACTS, TERMS, "ctr_1")
    assert "The law of SE applies. Costs are 5 $." in rendered.text
    assert (rendered.to_confirm, clause_of(settings, "law").clause.binds, has_own(settings)) == ((), GENERAL, True)


def test_a_term_without_a_clause_is_never_signed() -> None:
    with pytest.raises(Misconfigured, match="has no clause for the term surprise"):
        fill(template_of(SETTINGS, "research"), {}, [TermLine("Surprise", "Ha.", "surprise", enforced=True)])
    with pytest.raises(Misconfigured, match="cannot be filled"):
        fill(template_of(SETTINGS, "research"), {}, [])
    assert not any(AGREED_LATER in line for line in render(SETTINGS, FACTS, TERMS, "ctr_1").text.splitlines())


def test_own_words_for_a_term_wait_for_a_person(store: Store, settings: Settings) -> None:
    cast = Cast(store)
    put(settings, "clauses/pace.toml", PACE)
    own = clause_of(settings, "pace")
    assert (own.needs_confirmation, bundled_for(own).own, [each.name for each in waiting(store, settings)]) == (True, False, ["pace"])
    with pytest.raises(Refused) as caught:
        drafted(store, cast, settings)
    assert caught.value.refusal.code == "clause_unconfirmed"
    assert [refused(store, cast, own, "tove"), refused(store, cast, own, "mara", "0" * 64)] == ["role_required", "changed_meanwhile"]
    assert refused(store, cast, clause_of(settings, "quota"), "mara") == "command_not_possible"
    for _ in range(2):
        with store.write() as unit:
            confirmations.confirm(unit, cast.cora, own, own.sha256)
    assert (waiting(store, settings), events(store)[-1]) == ([], "clause.confirmed")
    assert events(store).count("clause.confirmed") == 1
    assert drafted(store, cast, settings).state == "draft"
    put(settings, "clauses/pace.toml", PACE.replace("kinder", "wiser"))
    assert [each.name for each in waiting(store, settings)] == ["pace"]


def test_the_bundled_words_in_an_own_file_need_nobody(settings: Settings) -> None:
    bundled = Path(__file__).parents[3] / "contracts" / "signing" / "clauses" / "pace.toml"
    put(settings, "clauses/pace.toml", bundled.read_text(encoding="utf-8"))
    found = clause_of(settings, "pace")
    assert (found.own, found.needs_confirmation) == (True, False)


def waiting(store: Store, settings: Settings) -> list[ClauseFile]:
    with store.read() as session:
        return confirmations.unconfirmed(session, template_of(settings, "research").clauses)


def refused(store: Store, cast: Cast, found: ClauseFile, who: str, sha256: str = "") -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        confirmations.confirm(unit, getattr(cast, who), found, sha256 or found.sha256)
    return caught.value.refusal.code
