"""What partner pages read in one snapshot: contracts with their terms, clients and today's use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlmodel import Session, col, func, select

from contracts.amendments import queries as amendments
from contracts.applications import queries as applications
from contracts.credentials.tables import Client
from contracts.lifecycle import closing
from contracts.lifecycle import queries as lifecycle
from contracts.lifecycle.tables import Contract
from contracts.quotas.tables import QuotaDay
from contracts.terms.grant import version_row
from contracts.terms.model import Terms, readable
from portal.pages.partner.duties import Situation


def situation(session: Session, organisation_id: str) -> Situation:
    """An organisation's applications and offered contracts, with the terms and live clients of each contract."""
    contracts = lifecycle.of_organisation(session, organisation_id)
    terms = {each.id: found for each in contracts if (found := terms_of(session, each)) is not None}
    versions = [row for row, _ in amendments.open_ones(session, organisation_id)]
    owed = [row for each in contracts if (row := closing.closing_of(session, each.id)) is not None]
    asked = applications.of_organisation(session, organisation_id)
    return Situation(asked, contracts, terms, live_clients(session, terms), versions, owed)


def terms_of(session: Session, contract: Contract) -> Terms | None:
    """The terms of the version in force or under signature; None where they cannot be read."""
    version = version_row(session, contract)
    return readable(version.terms_json) if version is not None else None


def live_clients(session: Session, contract_ids: Iterable[str]) -> dict[str, int]:
    """How many clients of each contract are not revoked."""
    mine = col(Client.contract_id).in_(list(contract_ids)) & col(Client.revoked_at).is_(None)
    return dict(session.exec(select(Client.contract_id, func.count()).where(mine).group_by(col(Client.contract_id))).all())


def used_on(session: Session, contract_ids: Iterable[str], day: date) -> dict[str, int]:
    """Records that each contract has had on a day."""
    query = select(QuotaDay.contract_id, QuotaDay.used).where(col(QuotaDay.contract_id).in_(list(contract_ids)), QuotaDay.day == day)
    return dict(session.exec(query).all())


def used_by_day(session: Session, contract_id: str, since: date) -> dict[date, int]:
    """Records of each day since one, where there were any."""
    query = select(col(QuotaDay.day), col(QuotaDay.used)).where(QuotaDay.contract_id == contract_id, QuotaDay.day >= since)
    return dict(session.exec(query).all())
