"""The periods: every event has a kind, and a period of 0 has no end."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.ledger.events import EVENTS
from contracts.retention.policy import KINDS, Kind, kind_of, policy_of
from contracts.retention.settings import Retention
from tests.conftest import START


def test_every_subject_that_a_kind_names_is_one_of_events() -> None:
    subjects = {event.partition(".")[0] for event in EVENTS}
    named = [subject for facts in KINDS.values() for subject in facts.subjects]
    assert (set(named) - subjects, len(named) - len(set(named)), set(KINDS)) == (set(), 0, set(Kind))
    assert [kind_of(each) for each in ("access.records", "account.signed_in", "ledger.viewed", "contract.signed", "new.thing")] == [
        *(Kind.ACCESS, Kind.ACCOUNT, Kind.AUDIT, Kind.DECISION, Kind.DECISION)
    ]


def test_what_is_over_at_a_moment() -> None:
    policy = policy_of(Retention(access_days=30, account_days=0, entry_years=2))
    assert policy.values_before(Kind.ACCESS, START) == datetime(2026, 10, 3, 9, tzinfo=UTC)
    assert policy.values_before(Kind.ACCOUNT, START) is None
    assert policy.entries_before(START) == datetime(2024, 11, 2, 9, tzinfo=UTC)
    assert policy.entries_before(datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2026, 2, 28, tzinfo=UTC)
    assert policy_of(Retention(entry_years=0)).entries_before(START) is None
    assert policy.told() == {"access_days": 30, "account_days": 0, "audit_days": 1095, "decision_days": 3650, "entry_years": 2}
