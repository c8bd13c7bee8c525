"""Rules of appeals: the table is total, what may be appealed, what has to be said, and how one is answered."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from contracts.appeals.decide import LONGEST, MOST_WAITING, Asked, Given, Known, check, decide, explained, may_appeal
from contracts.appeals.states import MEANING, TABLE, Command, State, next_state
from contracts.appeals.tables import Appeal
from contracts.errors import Refusal
from contracts.gate.naming import KEEP, Named
from tests.conftest import START

STOPPED = Named("dec_1", START, "budget_exceeded", "stopped", "ab")


def code(found: object) -> str:
    return found.code if isinstance(found, Refusal) else ""


@pytest.mark.parametrize(("state", "command"), list(itertools.product(State, Command)))
def test_a_command_leads_on_or_is_refused(state: State, command: Command) -> None:
    assert (set(TABLE[state]), set(MEANING)) == (set(Command), set(State))
    after = next_state(state, command)
    assert after == TABLE[state][command] or isinstance(after, Refusal)


def test_a_decision_is_explained_for_30_days() -> None:
    assert explained(STOPPED, START + KEEP) == STOPPED
    assert code(explained(STOPPED, START + KEEP + timedelta(milliseconds=1))) == "not_found"
    assert code(explained(None, START)) == "not_found"


@pytest.mark.parametrize(
    ("effect", "known", "refused"),
    [
        ("stopped", Known(), ""),
        ("stopped", Known(waiting=MOST_WAITING - 1), ""),
        ("stopped", Known(waiting=MOST_WAITING), "appeals_full"),
        ("stopped", Known(appealed=True), "appealed_already"),
        ("stopped", Known(same_waits=True), "appealed_already"),
        ("would_stop", Known(), "command_not_possible"),
        ("challenged", Known(), ""),
    ],
)
def test_what_may_be_appealed(effect: str, known: Known, refused: str) -> None:
    assert code(may_appeal(Named("dec_1", START, "budget_exceeded", effect, "ab"), known)) == refused


@pytest.mark.parametrize(
    ("email", "text", "fields"),
    [
        ("kim@example.org", "I was reading.", None),
        (" Kim@Example.org ", "x" * LONGEST, None),
        ("kim@example.org", "x" * (LONGEST + 1), {"text"}),
        ("kim", " ", {"email", "text"}),
        ("", "I was reading.", {"email"}),
    ],
)
def test_what_an_appeal_needs_said(email: str, text: str, fields: set[str] | None) -> None:
    refusal = check(Asked(email, text))
    assert (None if refusal is None else set(refusal.facts["fields"])) == fields


@pytest.mark.parametrize(
    ("state", "given", "expected"),
    [
        ("waiting", Given(Command.UPHOLD, 1, "No."), State.UPHELD),
        ("waiting", Given(Command.LET_THROUGH, 1, "Sorry."), State.LET_THROUGH),
        ("waiting", Given(Command.LET_THROUGH, 2, "Sorry."), "changed_meanwhile"),
        ("waiting", Given(Command.UPHOLD, 1, " "), "invalid_input"),
        ("waiting", Given(Command.UPHOLD, 1, "x" * LONGEST), State.UPHELD),
        ("waiting", Given(Command.UPHOLD, 1, "x" * (LONGEST + 1)), "invalid_input"),
        ("upheld", Given(Command.LET_THROUGH, 1, "Sorry."), "command_not_possible"),
    ],
)
def test_how_an_appeal_is_answered(state: str, given: Given, expected: object) -> None:
    met = {"decision": "dec_1", "reason": "budget_exceeded", "effect": "stopped", "mark": "ab"}
    said = {"email": "kim@example.org", "text": "I was reading.", "link_id": "l"}
    appeal = Appeal.model_validate({"id": "apl_1", "state": state, "decided_at": START, "made_at": START, **met, **said})
    found = decide(appeal, given)
    assert (found.code if isinstance(found, Refusal) else found) == expected
