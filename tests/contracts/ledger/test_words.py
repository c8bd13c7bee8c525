"""Every event has a line of its own for timelines."""

from __future__ import annotations

from contracts.ledger.events import EVENTS
from contracts.ledger.words import line


def test_every_event_has_a_line_of_its_own() -> None:
    decisions = ("done", "allow", "refuse")
    assert [event for event in EVENTS if all(line(event, decision) == EVENTS[event] for decision in decisions)] == []


def test_an_unwritten_pair_falls_back_to_the_event() -> None:
    assert line("contract.signed", "refuse") == EVENTS["contract.signed"]
    assert line("unknown.event", "done") == "unknown.event"
