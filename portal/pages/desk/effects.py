"""What an act on a contract does, in numbers, and what its use looks like today: read in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from contracts.credentials.tables import Client
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.people.tables import Account, Membership
from contracts.quotas.service import day_of, resets_at, used_on
from contracts.search.find import between
from contracts.search.tables import EntryKind, SearchedEntry
from contracts.terms.model import Terms

SIGNERS = (Role.LEAD.value, Role.SIGNATORY.value)


@dataclass(frozen=True, slots=True)
class Effect:
    """Whom an act reaches: live clients, their requests of the last day, and people who may sign."""

    clients: int
    requests: int
    refused: int
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """Records of the present quota day and when it ends."""

    used: int
    cap: int
    resets_at: datetime


def effect_of(session: Session, contract: Contract, clients: Sequence[Client], now: datetime) -> Effect:
    """The numbers that stand before a button."""
    since = now - timedelta(days=1)
    asked = select(EntryKind.decision, func.count()).join(SearchedEntry, col(SearchedEntry.kind) == col(EntryKind.id))
    asked = asked.where(EntryKind.contract_id == contract.id, EntryKind.event == "access.records")
    asked = asked.where(col(SearchedEntry.at) >= since, *between(since, None))
    counts = dict(session.exec(asked.group_by(EntryKind.decision)).all())
    live = sum(client.revoked_at is None for client in clients)
    return Effect(live, sum(counts.values()), counts.get("refuse", 0), _signers(session, contract))


def use_of(session: Session, contract: Contract, terms: Terms, now: datetime, zone: str) -> Use:
    """What the contract used of its records today."""
    today = day_of(now, zone)
    return Use(used_on(session, contract.id, today).records, terms.records_per_day, resets_at(today, zone))


def _signers(session: Session, contract: Contract) -> tuple[str, ...]:
    query = (
        select(Account.name)
        .join(Membership, col(Membership.account_id) == col(Account.id))
        .where(Membership.organisation_id == contract.organisation_id, col(Membership.role).in_(SIGNERS))
        .where(col(Membership.ended_at).is_(None), col(Account.disabled_at).is_(None))
    )
    return tuple(sorted(set(session.exec(query).all())))
