"""Refusals about people that are worth an entry: what was tried, by whom, and which rule said no."""

from __future__ import annotations

from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.store.unit import Unit


def note_refusal(unit: Unit, actor: Actor, event: str, rule: str, **facts: str) -> None:
    """Record that a signed-in person was refused; `rule` is the refusal's code."""
    entry = Entry(
        event=event,
        decision="refuse",
        rule=rule,
        subject=actor.account_id,
        organisation=actor.organisation_id,
        facts=facts,
        personal=actor.personal(),
    )
    record(unit, entry)
