"""Comparing two versions: nothing is lost, nothing is invented, and what did not change is not marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contracts.signing.compare import Passage, Run, TermChange, as_blocks, compared, folded, term_changes
from contracts.signing.document import render_text
from contracts.signing.text import Block, Span, blocks
from tests.contracts.signing.test_document import FACTS
from tests.contracts.terms.test_grant import TERMS
from tests.harness.cast import SETTINGS

WORDS = st.lists(st.sampled_from(["may", "not", "read", "the", "records", "Ünïcode", "5%", "<b>"]), min_size=1, max_size=12)
TEXT = st.lists(WORDS.map(" ".join), max_size=8).map("\n\n".join)


def _side(found: list[Passage], other: str) -> list[str]:
    return ["".join(run.text for run in each.runs if run.sign != other) for each in found if each.sign != other]


@given(TEXT, TEXT)
def test_each_version_can_be_read_out_of_the_comparison(before: str, after: str) -> None:
    found = compared(as_blocks(before), as_blocks(after))
    assert _side(found, "added") == [each.plain for each in as_blocks(before)]
    assert _side(found, "removed") == [each.plain for each in as_blocks(after)]
    assert [each for _, group in folded(found) for each in group] == found
    assert all(each.sign == "same" for each in compared(as_blocks(after), as_blocks(after)))


def test_words_are_marked_in_what_is_alike_and_the_rest_is_replaced_whole() -> None:
    before = [Block(2, (Span("3. Pace"),)), Block(0, (Span("The pace is at most 10 requests."),)), Block(0, (Span("It ends on Monday."),))]
    after = [Block(2, (Span("2. Pace"),)), Block(0, (Span("The pace is at most 5 requests."),)), Block(0, (Span("Something else."),))]
    assert compared(before, after) == [
        Passage(2, "same", (Run("2. Pace", "same"),)),
        Passage(0, "changed", (Run("The pace is at most ", "same"), Run("10 ", "removed"), Run("5 ", "added"), Run("requests.", "same"))),
        Passage(0, "removed", (Run("It ends on Monday.", "removed"),)),
        Passage(0, "added", (Run("Something else.", "added"),)),
    ]


def test_two_versions_of_a_contract_differ_in_what_was_negotiated_alone() -> None:
    slower = TERMS.model_copy(update={"requests_per_second": 5, "territory": ("SE",)})
    assert term_changes(TERMS, slower, SETTINGS) == [
        TermChange(
            "Pace",
            "The pace is at most 10 requests in a second, counted over all credentials.",
            "The pace is at most 5 requests in a second, counted over all credentials.",
        ),
        TermChange("Territory", "", "Records may be stored and used only in: SE."),
    ]
    first = blocks(render_text(SETTINGS, FACTS, TERMS, "ctr_1"))
    second = blocks(render_text(SETTINGS, FACTS, slower, "ctr_1", {"law": "The law of Sweden applies."}))
    changed = [each for each in compared(first, second) if each.sign != "same"]
    marked = [run.text.strip() for each in changed for run in each.runs if run.sign == "added"]
    assert ("5" in marked, "The law of Sweden applies." in marked, len(changed)) == (True, True, 7)


def test_long_texts_are_compared_in_time() -> None:
    before, after = as_blocks("a " * 6_000), as_blocks("\n\n".join(["a"] * 4_000) + "\n\n" + "b " * 6_000)
    assert _side(compared(before, after), "removed") == [each.plain for each in after]
