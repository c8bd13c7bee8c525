"""The periods, pure: of which kind the values of an entry are, and what is over at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from contracts.retention.settings import Retention


class Kind(StrEnum):
    """Kinds of entries whose values are kept equally long."""

    ACCESS = "access"
    ACCOUNT = "account"
    AUDIT = "audit"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class KindFacts:
    """One row: what it is, in words, and the subjects of its events."""

    title: str
    subjects: tuple[str, ...]


KINDS: dict[Kind, KindFacts] = {
    Kind.ACCESS: KindFacts(
        "Requests for data, tokens, sandboxes, the gate and objections to it",
        ("access", "appeal", "authorization", "gate", "sandbox", "token"),
    ),
    Kind.ACCOUNT: KindFacts("Accounts, sign-ins and second factors", ("account", "lost_factor")),
    Kind.AUDIT: KindFacts("Searches, views and exports of the ledger, letters, visits and holds", ("hold", "ledger", "letter", "visit")),
    Kind.DECISION: KindFacts("Everything else: applications, contracts, roles, policies", ()),
}
_OF = {subject: kind for kind, facts in KINDS.items() for subject in facts.subjects}


def kind_of(event: str) -> Kind:
    """The kind of an event; what no other kind names is a decision, which is kept longest."""
    return _OF.get(event.partition(".")[0], Kind.DECISION)


@dataclass(frozen=True, slots=True)
class Policy:
    """The periods in force: days of the values of each kind, and years of entries; 0 has no end of its own."""

    days: dict[Kind, int]
    years: int

    def values_before(self, kind: Kind, now: datetime) -> datetime | None:
        """Values of entries before this moment go; None where they are kept as long as the entries."""
        return now - timedelta(days=self.days[kind]) if self.days[kind] else None

    def entries_before(self, now: datetime) -> datetime | None:
        """Entries before this moment go; None where they are kept for ever."""
        if not self.years:
            return None
        # A year back from 29 February is 28 February.
        day = 28 if (now.month, now.day) == (2, 29) else now.day
        return now.replace(year=now.year - self.years, day=day)

    def told(self) -> dict[str, int]:
        """As settings, leaves and `/retention` say it."""
        return {f"{kind.value}_days": days for kind, days in self.days.items()} | {"entry_years": self.years}


def policy_of(settings: Retention) -> Policy:
    """The periods that the settings hold."""
    return Policy({kind: getattr(settings, f"{kind.value}_days") for kind in Kind}, settings.entry_years)
