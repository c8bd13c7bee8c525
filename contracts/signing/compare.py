"""What differs between two versions of a contract: terms by their words, text by paragraph and word. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

from contracts.settings import Settings
from contracts.signing.text import Block, Span, paragraphs
from contracts.terms.model import Terms
from contracts.terms.words import plain

Sign = Literal["same", "removed", "added"]
# Below this share of common words a paragraph was not changed but replaced, and marks word by word would not be read.
ALIKE = 0.5
_WORDS = re.compile(r"\S+\s*")
_NUMBER = re.compile(r"\d+\. ")


@dataclass(frozen=True, slots=True)
class TermChange:
    """A term whose words differ; an empty side means that it is not agreed there."""

    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Run:
    """Some words, and whether they stand in both versions, in the older alone or in the newer alone."""

    text: str
    sign: Sign


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading (level 1 or 2) or paragraph (level 0) of either version, with its marks."""

    level: int
    sign: Literal["same", "changed", "removed", "added"]
    runs: tuple[Run, ...]


def term_changes(before: Terms, after: Terms, settings: Settings) -> list[TermChange]:
    """The terms that say something else, in the order of the contract's clauses."""
    old = {line.title: line.sentence for line in plain(before, settings)}
    new = {line.title: line.sentence for line in plain(after, settings)}
    titles = [*old, *(title for title in new if title not in old)]
    return [TermChange(title, old.get(title, ""), new.get(title, "")) for title in titles if old.get(title) != new.get(title)]


def compared(before: Sequence[Block], after: Sequence[Block]) -> list[Passage]:
    """Both texts as one, in order. The number of a clause is no difference: the newer one is shown."""
    found: list[Passage] = []
    matcher = SequenceMatcher(None, [_key(each) for each in before], [_key(each) for each in after])
    for what, first, last, start, end in matcher.get_opcodes():
        if what == "equal":
            found += [Passage(each.level, "same", (Run(each.plain, "same"),)) for each in after[start:end]]
        else:
            found += _replaced(before[first:last], after[start:end])
    return found


def folded(found: Sequence[Passage]) -> list[tuple[bool, list[Passage]]]:
    """The passages in groups: those that are the same together, to be folded away, and those that differ, each with `False`."""
    return [(same, list(group)) for same, group in groupby(found, key=lambda each: each.sign == "same")]


def as_blocks(text: str) -> list[Block]:
    """A passage as people typed it, for a comparison."""
    return [Block(0, (Span(each),)) for each in paragraphs(text)]


def _key(block: Block) -> tuple[int, str]:
    return block.level, _NUMBER.sub("", block.plain, count=1) if block.level == 2 else block.plain


def _replaced(before: Sequence[Block], after: Sequence[Block]) -> Iterator[Passage]:
    """Paragraphs that are alike become one with marks; the others are removed and added whole."""
    start = 0
    for old in before:
        like = next((place for place in range(start, len(after)) if _alike(old, after[place])), None)
        if like is None:
            yield _whole(old, "removed")
            continue
        yield from (_whole(each, "added") for each in after[start:like])
        yield Passage(old.level, "changed", tuple(_runs(old.plain, after[like].plain)))
        start = like + 1
    yield from (_whole(each, "added") for each in after[start:])


def _whole(block: Block, sign: Literal["removed", "added"]) -> Passage:
    return Passage(block.level, sign, (Run(block.plain, sign),))


def _alike(old: Block, new: Block) -> bool:
    if old.level != new.level:
        return False
    matcher = SequenceMatcher(None, _WORDS.findall(old.plain), _WORDS.findall(new.plain))
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _runs(before: str, after: str) -> Iterator[Run]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    for what, first, last, start, end in SequenceMatcher(None, old, new).get_opcodes():
        if what == "equal":
            yield Run("".join(new[start:end]), "same")
            continue
        if first < last:
            yield Run("".join(old[first:last]), "removed")
        if start < end:
            yield Run("".join(new[start:end]), "added")
