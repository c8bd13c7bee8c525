"""Wishes, without a store."""

from __future__ import annotations

import pytest

from contracts.lifecycle.wishes import LONGEST_PASSAGE, LONGEST_REASON, LONGEST_WISH, Wish, kept, read, refusal

PRESENT = {"liability": "Each side is liable.\n\nWithout limit."}
INCOMPLETE = "Write what you wish, in at most 4,000 characters."
PASSAGE = "Write what you wish, in at most 12,000 characters."
UNKNOWN = "The contract has no such term or passage, or it is named twice."
REASON = "Say why, in at most 2,000 characters."


@pytest.mark.parametrize(
    ("wish", "wrong"),
    [
        (Wish("term", "pace", "x" * LONGEST_WISH, "y" * LONGEST_REASON), {}),
        (Wish("term", "territory", "Also in NO.", "Our second archive is there."), {}),
        (Wish("clause", "liability", "x" * LONGEST_PASSAGE, "y"), {}),
        (Wish("term", "pace", "x" * (LONGEST_WISH + 1), "y"), {"term.pace": INCOMPLETE}),
        (Wish("term", "pace", " ", "y"), {"term.pace": INCOMPLETE}),
        (Wish("term", "pace", "a\0b", "y"), {"term.pace": INCOMPLETE}),
        (Wish("clause", "liability", "x" * (LONGEST_PASSAGE + 1), "y"), {"clause.liability": PASSAGE}),
        (Wish("term", "pace", "x", " "), {"why.term.pace": REASON}),
        (Wish("term", "pace", "x", "y" * (LONGEST_REASON + 1)), {"why.term.pace": REASON}),
        (Wish("term", "colour", "x", "y"), {"term.colour": UNKNOWN}),
        (Wish("clause", "pace", "x", "y"), {"clause.pace": UNKNOWN}),
        (
            Wish("clause", "liability", " Each side is\nliable. \n \nWithout limit.", "y"),
            {"clause.liability": "This is how the passage reads now. Change it, or leave it out."},
        ),
    ],
)
def test_a_wish_is_about_something_that_stands_there_and_has_a_reason(wish: Wish, wrong: dict[str, str]) -> None:
    found = refusal([wish], PRESENT)
    assert (dict(found.facts["fields"]) if found else {}) == wrong


def test_no_wish_is_no_counter_offer_and_nothing_is_wished_twice() -> None:
    empty = refusal([], PRESENT)
    assert empty is not None and (empty.code, dict(empty.facts)) == ("invalid_input", {})
    twice = refusal([Wish("term", "pace", "x", "y")] * 2, PRESENT)
    assert twice is not None and twice.facts == {"fields": {"term.pace": UNKNOWN}}


def test_wishes_are_read_as_they_were_stored() -> None:
    asked = [Wish("term", "pace", "x", "y"), Wish("clause", "liability", "x", "y")]
    assert read(kept(asked)) == asked
