"""One-time links: made for a mail, used once however many try, never kept in clear."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import update
from sqlmodel import Session, col

from contracts.errors import Refused, refuse
from contracts.ids import new_secret, secret_hash
from contracts.people.tables import OneTimeLink
from contracts.store.unit import Unit


class LinkKind(StrEnum):
    """What a link is for."""

    CONFIRM = "confirm"
    INVITATION = "invitation"
    FIRST_ADMINISTRATOR = "first-administrator"
    RESET = "reset"
    SIGNATORY = "signatory"
    STOP_LOST_FACTOR = "stop-lost-factor"
    CLAIM = "claim"
    AUDITOR = "auditor"
    APPEAL = "appeal"


LIFETIME: dict[LinkKind, timedelta] = {
    LinkKind.CONFIRM: timedelta(days=1),
    LinkKind.INVITATION: timedelta(days=7),
    LinkKind.FIRST_ADMINISTRATOR: timedelta(days=7),
    LinkKind.RESET: timedelta(hours=1),
    LinkKind.SIGNATORY: timedelta(days=14),
    LinkKind.STOP_LOST_FACTOR: timedelta(hours=24),
    LinkKind.CLAIM: timedelta(days=30),
    LinkKind.AUDITOR: timedelta(days=14),
    LinkKind.APPEAL: timedelta(days=365),  # never used up: it leads to the state of an appeal
}


def make(
    unit: Unit,
    kind: LinkKind,
    email: str,
    *,
    account_id: str | None = None,
    organisation_id: str | None = None,
    role: str = "",
    given_by: str | None = None,
    next_path: str = "",
) -> tuple[str, OneTimeLink]:
    """A fresh link's token and row. The token leaves by mail and is kept as SHA-256."""
    token = new_secret("ln")
    row = OneTimeLink(
        id=secret_hash(token),
        kind=kind.value,
        email=email,
        account_id=account_id,
        organisation_id=organisation_id,
        role=role,
        given_by=given_by,
        next_path=next_path,
        created_at=unit.now,
        expires_at=unit.now + LIFETIME[kind],
    )
    unit.session.add(row)
    return token, row


def find(session: Session, token: str, now: datetime, *kinds: LinkKind) -> OneTimeLink:
    """The link while it can still be used; raises `link_unusable`. Changes nothing: mail scanners open links too."""
    row = session.get(OneTimeLink, secret_hash(token))
    if row is None or row.kind not in kinds or row.used_at is not None or row.expires_at <= now:
        raise unusable()
    return row


def use(unit: Unit, token: str, *kinds: LinkKind) -> None:
    """Use the link up; of several who try at once exactly one succeeds, the others get `link_unusable`."""
    link = col(OneTimeLink.id) == secret_hash(token)
    fits = col(OneTimeLink.kind).in_([kind.value for kind in kinds])
    taken = update(OneTimeLink).where(link, fits, col(OneTimeLink.used_at).is_(None), col(OneTimeLink.expires_at) > unit.now)
    if unit.connection.execute(taken.values(used_at=unit.now)).rowcount != 1:
        raise unusable()


def void(unit: Unit, kind: LinkKind, email: str, **also: str) -> None:
    """End every link of a kind to an address that was not used; a newer one takes their place."""
    where = [col(getattr(OneTimeLink, name)) == value for name, value in also.items()]
    open_ones = update(OneTimeLink).where(col(OneTimeLink.kind) == kind.value, col(OneTimeLink.email) == email, *where)
    live = open_ones.where(col(OneTimeLink.used_at).is_(None), col(OneTimeLink.expires_at) > unit.now)
    unit.connection.execute(live.values(expires_at=unit.now))


def unusable(reason: str = "This link was used before or has ended. Ask for a new one.") -> Refused:
    """The refusal of a link."""
    return refuse("link_unusable", reason)
