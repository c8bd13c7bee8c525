"""What both sides see of a negotiation: the versions, what differs between two of them, and what the partner wishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import refuse
from contracts.lifecycle import offers, queries
from contracts.lifecycle.tables import Contract, ContractVersion, CounterOffer
from contracts.lifecycle.wishes import Wish, read
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.signing.compare import Passage, as_blocks, compared, folded, term_changes
from contracts.signing.text import Block, blocks, passages_in
from contracts.terms.model import readable
from contracts.terms.words import LINES, plain
from portal.deps import house_of, page


@dataclass(frozen=True, slots=True)
class ShownWish:
    """A wish beside what it is about: a term's sentence, or the passage with the wished words marked in it."""

    title: str
    present: str
    wish: str
    reason: str
    passage: list[tuple[bool, list[Passage]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the partner asked for once, with its wishes."""

    row: CounterOffer
    wishes: list[ShownWish]


def negotiation_of(session: Session, actor: Actor, contract: Contract, settings: Settings) -> dict[str, Any]:
    """The versions that the reader may see, newest first, and all that was asked for, newest first."""
    versions = queries.versions_for(session, actor, contract)
    by_number = {each.number: each for each in versions}
    asked = [
        Asked(row, shown_wishes(read(row.wishes), by_number[row.version], settings))
        for row in offers.counter_offers(session, contract.id)
        if row.version in by_number
    ]
    return {"versions": versions, "asked": asked, "waiting": next((each for each in asked if not each.row.outcome), None)}


def shown_wishes(wishes: Sequence[Wish], version: ContractVersion, settings: Settings) -> list[ShownWish]:
    """The wishes in the order of the version's text."""
    terms, found = readable(version.terms_json), blocks(version.text)
    sentences = {line.anchor: line.sentence for line in plain(terms, settings)} if terms else {}
    passages = passages_in(found)
    order = [*LINES, *passages]
    return [_shown(each, sentences, passages) for each in sorted(wishes, key=lambda each: order.index(each.name))]


def comparison(request: Request, actor: Actor, contract_id: str, older: int, newer: int, base: str) -> Response:
    """The page that marks what changed between two versions; without numbers between the newest two. `base` leads to the contract."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        versions = queries.versions_for(session, actor, contract)
    numbers = [each.number for each in versions]
    pair = (older or numbers[min(1, len(numbers) - 1)], newer or numbers[0])
    if not set(pair) <= set(numbers):
        raise refuse("not_found", "The contract has no such version.")
    before, after = (next(each for each in versions if each.number == number) for number in pair)
    old, new = readable(before.terms_json), readable(after.terms_json)
    return page(
        request,
        "versions.html",
        contract=contract,
        base=base,
        versions=versions,
        before=before,
        after=after,
        terms=term_changes(old, new, house.settings) if old and new else [],
        text=folded(compared(blocks(before.text), blocks(after.text))),
    )


def _shown(wish: Wish, sentences: dict[str, str], passages: dict[str, tuple[str, str]]) -> ShownWish:
    if wish.about == "term":
        return ShownWish(LINES[wish.name][0], sentences.get(wish.name, ""), wish.wish, wish.reason, [])
    heading, text = passages.get(wish.name, (wish.name, ""))
    marked = folded(compared(as_blocks(text), as_blocks(wish.wish)))
    return ShownWish(heading, text, wish.wish, wish.reason, marked)


def general_passages(found: Sequence[Block]) -> list[tuple[str, str, str]]:
    """The passages that may be worded otherwise: name, heading and text, in the order of the contract."""
    return [(name, heading, text) for name, (heading, text) in passages_in(found).items()]
