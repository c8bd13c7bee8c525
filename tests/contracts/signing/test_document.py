"""The contract's document: every term signed, nothing that people wrote taken for anything but text."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from contracts.keys import KeyRing
from contracts.lifecycle import queries
from contracts.signing import ContractFacts, render, render_text
from contracts.signing.handler import DOCUMENT, document_handler, document_of
from contracts.signing.templates import TEMPLATE_OF
from contracts.signing.text import Block, Span, blocks, language_of, passages_in
from contracts.store.outbox import Effect
from contracts.store.unit import Store
from contracts.terms.model import CrawlTerms, Price, terms_hash, to_json
from contracts.terms.words import plain
from tests.contracts.terms.test_grant import TERMS
from tests.harness.cast import SETTINGS, Cast, active, signed

FACTS = ContractFacts(
    kind="research",
    title="Regional reach",
    organisation="Northfield University, Media Lab",
    country="SE",
    application="app_1",
    purpose_text="How far do posts reach?",
)
FULL = TERMS.model_copy(
    update={
        "crawl": CrawlTerms(hosts=("agora.example",), paths=("/posts/",), requests_per_second=2),
        "territory": ("SE",),
        "named_users": True,
        "bound_tokens": True,
        "price": Price(per_1000="0.40", currency="EUR"),
    }
)


@pytest.mark.parametrize("kind", TEMPLATE_OF)
def test_every_term_stands_in_its_clause_word_for_word(kind: str) -> None:
    found = blocks(render_text(SETTINGS, replace(FACTS, kind=kind), FULL, "ctr_1"))
    for line in plain(FULL, SETTINGS):
        clause = [block for block in found if block.anchor == line.anchor]
        assert clause[0].level == 2
        assert clause[1].spans[0].marked == line.enforced
        assert clause[1].plain.startswith(line.sentence)
    marked = [span.text for block in found for span in block.spans if span.marked]
    assert sorted(marked) == sorted(line.sentence for line in plain(FULL, SETTINGS) if line.enforced)


def test_a_term_that_is_not_agreed_has_no_clause_and_leaves_no_gap() -> None:
    found = blocks(render_text(SETTINGS, FACTS, TERMS, "ctr_1"))
    assert [block.plain.partition(".")[0] for block in found if block.level == 2] == [
        str(1 + place) for place in range(sum(block.level == 2 for block in found))
    ]
    assert {block.anchor for block in found} - {""} == {line.anchor for line in plain(TERMS, SETTINGS)}


def test_what_people_wrote_stays_text() -> None:
    title = "A **wide** \\ title\n\n## 99. Free for all\n<!-- term: quota -->\n$purpose_text #panic()"
    facts = replace(FACTS, title=title)
    text = render_text(SETTINGS, facts, TERMS, "ctr_1")
    plainly = "A **wide** \\ title ## 99. Free for all <!-- term: quota --> $purpose_text #panic()"
    assert blocks(text)[0] == Block(1, (Span(f"Research data access contract: {plainly}"),))
    usual = blocks(render_text(SETTINGS, FACTS, TERMS, "ctr_1"))
    assert [(block.level, block.anchor) for block in blocks(text)] == [(block.level, block.anchor) for block in usual]
    assert render(SETTINGS, facts, TERMS, "ctr_1").pdf.startswith(b"%PDF-1.")


HOSTILE = ("漢字の大学", "Team 🦊👩‍👩‍👧", "a\x80b\x7fc", "\ufffe\U0010ffff", "\u202eevil", "جامعة", "\ue000", '"\\u{80}"', "a\u0301" * 40)


@pytest.mark.parametrize("written", HOSTILE)
def test_every_character_leaves_a_whole_document(written: str) -> None:
    facts = replace(FACTS, title=written, organisation=written, purpose_text=written)
    rendered = render(SETTINGS, facts, TERMS, "ctr_1")
    assert rendered.pdf.startswith(b"%PDF-1.") and written in rendered.text.replace("\\\\", "\\")


def test_thousands_of_characters_that_no_font_has_leave_a_whole_document() -> None:
    facts = replace(FACTS, purpose_text="".join(chr(0x4E00 + number) for number in range(4_000)))
    assert render(SETTINGS, facts, TERMS, "ctr_1").pdf.startswith(b"%PDF-1.")


def test_rendering_twice_gives_the_same_bytes_and_their_hashes() -> None:
    rendered = render(SETTINGS, FACTS, TERMS, "ctr_1")
    assert rendered == render(SETTINGS, FACTS, TERMS, "ctr_1")
    assert rendered.terms_json == to_json(TERMS)
    assert (rendered.terms_sha256, rendered.text_sha256, rendered.pdf_sha256) == (
        terms_hash(rendered.terms_json),
        hashlib.sha256(rendered.text.encode()).hexdigest(),
        hashlib.sha256(rendered.pdf).hexdigest(),
    )
    assert rendered.terms_sha256 in rendered.text


HOSTILE_PASSAGE = "# Free for all\n\n## 99. Gratis\n<!-- term: pace -->\n\n<!-- general: law -->\n\n**No limit.** $purpose_text \\# \\*"


def test_a_passage_of_one_contract_stays_text_of_its_clause() -> None:
    usual = blocks(render_text(SETTINGS, FACTS, TERMS, "ctr_1"))
    text = render_text(SETTINGS, FACTS, TERMS, "ctr_1", {"liability": HOSTILE_PASSAGE, "pace": "No limit.", "nothing": "Nothing."})
    found = blocks(text)
    assert [block for block in found if block.clause != "liability"] == [block for block in usual if block.clause != "liability"]
    said = ["# Free for all", "## 99. Gratis <!-- term: pace -->", "<!-- general: law -->", "**No limit.** $purpose_text \\# \\*"]
    assert passages_in(found)["liability"] == ("Liability", "\n\n".join(said))
    assert passages_in(usual).keys() == passages_in(found).keys() >= {"liability", "law", "acknowledgement"}
    assert (language_of(text), language_of("# A text of before")) == ("en", "en")


def test_the_signed_document_is_made_once_both_signed(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    effect = Effect("out_1", DOCUMENT, {"contract_id": contract.id}, 1, 1)
    with store.read() as session:
        version = queries.version_of(session, contract)
        assert document_of(session, version) == version.pdf
    handler = document_handler(SETTINGS, store, keys)
    handler(effect)
    with store.read() as session:
        first = document_of(session, version)
    handler(effect)
    with store.read() as session:
        assert document_of(session, version) == first
    assert first.startswith(b"%PDF-1.")
    assert first != version.pdf


def test_an_unsealed_contract_has_no_signed_document(sqlite_store: Store, keys: KeyRing) -> None:
    contract = signed(sqlite_store, Cast(sqlite_store))
    with pytest.raises(LookupError):
        document_handler(SETTINGS, sqlite_store, keys)(Effect("out_1", DOCUMENT, {"contract_id": contract.id}, 1, 1))
