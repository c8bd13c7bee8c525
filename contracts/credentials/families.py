"""Families of tokens: what came of one person's consent. Refresh tokens rotate; one that comes back ends its whole family.

Whoever sends a spent refresh token is either a thief or was robbed, and nobody can tell which (RFC 9700 section 4.14.2).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from contracts.credentials.issued import deny
from contracts.credentials.tables import Authorization, RefreshToken, TokenFamily
from contracts.credentials.tokens import LIFETIME_SECONDS
from contracts.ids import new_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.store.unit import Store, Unit

FAMILY_LIFETIME = timedelta(days=30)
REFRESH_KIND = "rt"


def new_family(unit: Unit, family_id: str, asked: Authorization, dpop_jkt: str = "") -> TokenFamily:
    """A family for a consent that was given; it ends after thirty days, however often it was refreshed."""
    assert asked.account_id is not None, "only a decided request has a family"
    family = TokenFamily(
        id=family_id,
        client_id=asked.client_id,
        contract_id=asked.contract_id,
        organisation_id=asked.organisation_id,
        account_id=asked.account_id,
        scope=asked.scope,
        dpop_jkt=dpop_jkt,
        created_at=unit.now,
        expires_at=unit.now + FAMILY_LIFETIME,
        details=asked.details,
    )
    unit.session.add(family)
    unit.session.flush()
    return family


def new_refresh_token(unit: Unit, family: TokenFamily) -> str:
    """The family's next refresh token, shown once."""
    token = new_secret(REFRESH_KIND)
    unit.session.add(RefreshToken(id=secret_hash(token), family_id=family.id, issued_at=unit.now))
    unit.session.flush()
    return token


def find_refresh(unit: Unit, token: str, client_id: str) -> TokenFamily | None:
    """The family that a refresh token of this client may renew now. One that was spent before revokes its family."""
    row, family = unit.session.get(RefreshToken, secret_hash(token)), family_of(unit.session, token)
    if row is None or family is None or family.client_id != client_id:
        return None
    if row.spent_at is not None:
        revoke_family(unit, family.id, "refresh_token_reused")
        return None
    return family if family.revoked_at is None and family.expires_at > unit.now else None


def spend_refresh(unit: Unit, token: str, family: TokenFamily) -> bool:
    """Spend a refresh token. Of any number of attempts at once exactly one gets true; the others revoke the family."""
    mine = update(RefreshToken).where(col(RefreshToken.id) == secret_hash(token), col(RefreshToken.spent_at).is_(None))
    if unit.connection.execute(mine.values(spent_at=unit.now)).rowcount == 1:
        return True
    revoke_family(unit, family.id, "refresh_token_reused")
    return False


def revoke_family(unit: Unit, family_id: str, why: str) -> bool:
    """End every token of a family now: refresh tokens at once, access tokens within two seconds; false where it had ended.

    `why` is a word for the ledger: code_replayed, refresh_token_reused, given_back, member_left, withdrawn.
    """
    mine = update(TokenFamily).where(col(TokenFamily.id) == family_id, col(TokenFamily.revoked_at).is_(None))
    if unit.connection.execute(mine.values(revoked_at=unit.now)).rowcount != 1:
        return False
    family = unit.session.get_one(TokenFamily, family_id, populate_existing=True)
    deny(unit, family.id, family.contract_id, unit.now + timedelta(seconds=LIFETIME_SECONDS))
    entry = Entry(
        event="token.family_revoked",
        rule=why,
        subject=family.id,
        organisation=family.organisation_id,
        contract=family.contract_id,
        credential=family.client_id,
        credential_kind="oauth_client",
        personal={"account": family.account_id},
    )
    record(unit, entry)
    return True


def family_of(session: Session, token: str) -> TokenFamily | None:
    """The family that a refresh token, spent or not, belongs to."""
    row = session.get(RefreshToken, secret_hash(token))
    return None if row is None else session.get(TokenFamily, row.family_id)


def revoke_families_of(unit: Unit, account_id: str, organisation_id: str, why: str = "member_left") -> int:
    """End every token that programs hold on behalf of a person in an organisation; returns how many families."""
    ids = _live(unit.session, col(TokenFamily.account_id) == account_id, col(TokenFamily.organisation_id) == organisation_id)
    return sum(revoke_family(unit, each.id, why) for each in ids)


def revoke_families_under(unit: Unit, account_id: str, contract_id: str, why: str = "member_left") -> int:
    """End every token that programs hold on behalf of a person under one contract; returns how many families."""
    ids = _live(unit.session, col(TokenFamily.account_id) == account_id, col(TokenFamily.contract_id) == contract_id)
    return sum(revoke_family(unit, each.id, why) for each in ids)


def families_of(session: Session, contract_id: str) -> list[TokenFamily]:
    """The families of a contract that may still be refreshed, newest first."""
    return _live(session, col(TokenFamily.contract_id) == contract_id)


def sweep_families(store: Store, most: int = 200) -> int:
    """Forget families, with their refresh tokens, a week after their end; returns how many."""
    with store.read() as session:
        past = store.clock.now() - timedelta(days=7)
        ended = session.exec(select(TokenFamily.id).where(TokenFamily.expires_at <= past).limit(most)).all()
    if ended:
        with store.write("family sweep") as unit:
            unit.connection.execute(delete(RefreshToken).where(col(RefreshToken.family_id).in_(ended)))
            unit.connection.execute(delete(TokenFamily).where(col(TokenFamily.id).in_(ended)))
    return len(ended)


def _live(session: Session, *which: ColumnElement[bool]) -> list[TokenFamily]:
    query = select(TokenFamily).where(*which, col(TokenFamily.revoked_at).is_(None))
    return list(session.exec(query.order_by(col(TokenFamily.id).desc())).all())
