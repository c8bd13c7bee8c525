"""Ids of decisions: each says what was decided to the house, nothing to anybody else, and none can be made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.gate.naming import EFFECTS, Named, Names, mark_of
from contracts.gate.reasons import REASONS
from tests.conftest import START

NAMES = Names(b"k" * 32)
_MOMENTS = st.integers(0, 180 * 366 * 86_400).map(lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@given(_MOMENTS, st.sampled_from(sorted(REASONS)), st.sampled_from(sorted(EFFECTS)), st.text())
def test_an_id_says_what_was_decided(at: datetime, reason: str, effect: str, identity: str) -> None:
    made = NAMES.name(at, reason, effect, identity)
    assert NAMES.read(made) == Named(made, at, reason, effect, mark_of(identity))
    assert (made[:4], len(made)) == ("dec_", 52)


def test_ids_differ_by_moment_and_by_whom_they_met_and_show_neither() -> None:
    made = [
        NAMES.name(START, "budget_exceeded", "stopped", "a"),
        NAMES.name(START, "budget_exceeded", "stopped", "b"),
        NAMES.name(START + timedelta(milliseconds=1), "budget_exceeded", "stopped", "a"),
    ]
    # Beyond the prefix nothing is alike: one who has two cannot tell whether they are of the same visitor.
    alike = sum(first == second for first, second in zip(made[0][4:], made[2][4:], strict=True))
    assert (len(set(made)), alike < 12) == (3, True)


@given(st.integers(4, 51), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_changed_id_is_none(place: int, digit: str) -> None:
    made = NAMES.name(START, "rate_exceeded", "stopped", "ctr_1")
    changed = made[:place] + digit + made[place + 1 :]
    assert NAMES.read(changed) == (NAMES.read(made) if changed == made else None)


def test_another_houses_id_and_other_texts_are_none() -> None:
    made = Names(b"x" * 32).name(START, "rate_exceeded", "stopped", "ctr_1")
    for text in (made, "", "dec_", "dec_01KXXXXXXXXXXXXXXXXXXXXXXX", "dec_" + "Z" * 48, made.lower(), made + "0", "é" * 51):
        assert NAMES.read(text) is None, text


def test_no_two_reasons_share_their_two_bytes() -> None:
    read = [NAMES.read(NAMES.name(START, reason, "stopped", "")) for reason in REASONS]
    assert [each.reason for each in read if each is not None] == list(REASONS)
