"""What a partner wishes to be otherwise in an offered contract: pure. A wish is about a term or about a general passage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from contracts.errors import Refusal
from contracts.signing.text import paragraphs
from contracts.terms.words import LINES

LONGEST_WISH = 4_000
LONGEST_REASON = 2_000
LONGEST_PASSAGE = 12_000


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish with its reason: for a `term` what it should be, in words; for a general `clause` how its passage should read."""

    about: Literal["term", "clause"]
    name: str
    wish: str
    reason: str

    @property
    def field(self) -> str:
        """The name of the form's field."""
        return f"{self.about}.{self.name}"


def refusal(wishes: Sequence[Wish], passages: Mapping[str, str]) -> Refusal | None:
    """`invalid_input` unless there is a wish, each once, about something in the contract, other than what stands there, with a reason.

    `passages` are the texts of the offered version's general clauses by name.
    """
    if not wishes:
        return Refusal("invalid_input", "Say what should be otherwise: a term, or a passage of the text.")
    found = dict(_wrong(wishes, passages))
    return Refusal("invalid_input", "Some wishes are not complete; see the fields marked.", {"fields": found}) if found else None


def kept(wishes: Sequence[Wish]) -> list[dict[str, str]]:
    """The wishes as they are stored."""
    return [asdict(each) for each in wishes]


def read(stored: Sequence[Mapping[str, str]]) -> list[Wish]:
    """The wishes as they were stored."""
    return [Wish(about="term" if each["about"] == "term" else "clause", **_words(each)) for each in stored]


def _words(stored: Mapping[str, str]) -> dict[str, str]:
    return {name: stored[name] for name in ("name", "wish", "reason")}


def _wrong(wishes: Sequence[Wish], passages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for place, each in enumerate(wishes):
        longest = LONGEST_WISH if each.about == "term" else LONGEST_PASSAGE
        if each.name not in (LINES if each.about == "term" else passages) or each.field in {other.field for other in wishes[:place]}:
            yield each.field, "The contract has no such term or passage, or it is named twice."
        elif not each.wish.strip() or len(each.wish) > longest or "\0" in each.wish:
            yield each.field, f"Write what you wish, in at most {longest:,} characters."
        elif each.about == "clause" and paragraphs(each.wish) == paragraphs(passages[each.name]):
            yield each.field, "This is how the passage reads now. Change it, or leave it out."
        if not each.reason.strip() or len(each.reason) > LONGEST_REASON or "\0" in each.reason:
            yield f"why.{each.field}", f"Say why, in at most {LONGEST_REASON:,} characters."
