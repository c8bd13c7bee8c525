"""Authorization requests: a program asks, a person of the client's organisation decides, the code is good once for a minute.

A code that comes back a second time was stolen or sent twice; nobody can tell which, so every token that came of it ends
(RFC 6749 section 4.1.2, RFC 9700 section 2.1.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, select

from contracts.credentials.families import new_family, revoke_family
from contracts.credentials.tables import Authorization, TokenFamily
from contracts.errors import refuse
from contracts.ids import new_id, new_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.members import access
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store, Unit

REQUEST_LIFETIME = timedelta(minutes=10)
CODE_LIFETIME = timedelta(seconds=60)
CODE_KIND = "ac"
MAY_CONSENT = (Role.LEAD, Role.DEVELOPER, Role.READER)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was found in order: whose, for what, and where the answer goes. `code_challenge` is S256 (RFC 7636).

    `dpop_jkt` is the key that the code is bound to (RFC 9449 section 10), empty for none; `details` narrow it within the contract
    (RFC 9396).
    """

    client_id: str
    contract_id: str
    organisation_id: str
    redirect_uri: str
    state: str
    scope: str
    code_challenge: str
    dpop_jkt: str = ""
    details: tuple[Mapping[str, Any], ...] = ()


def begin(unit: Unit, asked: Asked) -> Authorization:
    """Keep a request for ten minutes, until somebody decides."""
    row = Authorization(
        id=new_id("aut"),
        client_id=asked.client_id,
        contract_id=asked.contract_id,
        organisation_id=asked.organisation_id,
        redirect_uri=asked.redirect_uri,
        state=asked.state,
        scope=asked.scope,
        code_challenge=asked.code_challenge,
        dpop_jkt=asked.dpop_jkt,
        details=[dict(each) for each in asked.details],
        created_at=unit.now,
        expires_at=unit.now + REQUEST_LIFETIME,
    )
    unit.session.add(row)
    unit.session.flush()
    record(unit, _entry("authorization.asked", row, {}))
    return row


def waiting_for(session: Session, actor: Actor, authorization_id: str, now: datetime) -> Authorization:
    """A request that the person may decide on now.

    Raises `not_found` for another organisation's, `role_required`, `link_unusable` for one that was decided or has ended, and
    `member_required` for a person who has not accepted the contract's terms.
    """
    row = _decidable(session.get(Authorization, authorization_id), actor, now)
    access.insist(session, row.contract_id, actor.account_id)
    return row


def allow(unit: Unit, actor: Actor, authorization_id: str) -> tuple[Authorization, str]:
    """The person lets the program in: the request and the code for it, kept as SHA-256. Raises as `waiting_for`."""
    row = _decided(unit, actor, authorization_id, "allow")
    access.insist(unit.session, row.contract_id, actor.account_id)
    code = new_secret(CODE_KIND)
    row.code_sha256, row.expires_at = secret_hash(code), unit.now + CODE_LIFETIME
    unit.session.flush()
    record(unit, _entry("authorization.allowed", row, actor.personal()))
    return row, code


def deny(unit: Unit, actor: Actor, authorization_id: str) -> Authorization:
    """The person does not let the program in. Raises as `waiting_for`."""
    row = _decided(unit, actor, authorization_id, "deny")
    unit.session.flush()
    record(unit, _entry("authorization.denied", row, actor.personal()))
    return row


def find_code(unit: Unit, code: str, client_id: str) -> Authorization | None:
    """The request that a code of this client answers and that may be redeemed now.

    One that was redeemed before revokes its family; another client's code is left alone.
    """
    row = unit.session.exec(select(Authorization).where(Authorization.code_sha256 == secret_hash(code))).first()
    if row is None or row.client_id != client_id:
        return None
    if row.spent_at is not None:
        _replayed(unit, row.id)
        return None
    return row if row.expires_at > unit.now else None


def redeem(unit: Unit, row: Authorization, dpop_jkt: str = "") -> TokenFamily | None:
    """Spend the code for a new family of tokens. Of any number of attempts at once exactly one gets it; the others revoke it.

    `dpop_jkt` is the key that the family's refresh tokens are bound to, empty for none.
    """
    family_id = new_id("fam")
    mine = update(Authorization).where(col(Authorization.id) == row.id, col(Authorization.spent_at).is_(None))
    if unit.connection.execute(mine.values(spent_at=unit.now, family_id=family_id)).rowcount == 1:
        return new_family(unit, family_id, row, dpop_jkt)
    _replayed(unit, row.id)
    return None


def sweep_authorizations(store: Store, most: int = 500) -> int:
    """Forget requests that came to nothing, and codes whose replay can harm nobody any more; returns how many.

    A redeemed code is kept for a day: its replay is still worth acting on.
    """
    now = store.clock.now()
    unspent = or_(col(Authorization.spent_at).is_not(None), col(Authorization.expires_at) > now)
    with store.read() as session:
        dead = select(Authorization.id).where(or_(~unspent, col(Authorization.expires_at) < now - timedelta(days=1)))
        ended = session.exec(dead.limit(most)).all()
    if ended:
        with store.write("authorization sweep") as unit:
            unit.connection.execute(delete(Authorization).where(col(Authorization.id).in_(ended)))
    return len(ended)


def _decided(unit: Unit, actor: Actor, authorization_id: str, decision: str) -> Authorization:
    # Another organisation's request and none at all are refused in the same words.
    found = unit.session.get(Authorization, authorization_id, with_for_update=True, populate_existing=True)
    row = _decidable(found, actor, unit.now)
    row.account_id, row.decision = actor.account_id, decision
    return row


def _decidable(row: Authorization | None, actor: Actor, now: datetime) -> Authorization:
    if row is None or row.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such request of a program to your organisation.")
    actor.require(*MAY_CONSENT)
    if row.decision or row.expires_at <= now:
        raise refuse("link_unusable", "This request was answered before or has ended. Start again in the program.")
    return row


def _replayed(unit: Unit, authorization_id: str) -> None:
    family = unit.connection.execute(select(col(Authorization.family_id)).where(col(Authorization.id) == authorization_id)).scalar()
    if family is not None:
        revoke_family(unit, family, "code_replayed")


def _entry(event: str, row: Authorization, personal: dict[str, str]) -> Entry:
    return Entry(
        event=event,
        subject=row.id,
        organisation=row.organisation_id,
        contract=row.contract_id,
        credential=row.client_id,
        credential_kind="oauth_client",
        facts={"scope": row.scope, **({"details": row.details} if row.details else {})},
        personal=personal,
    )
