"""Secrets that somebody found in the open: whoever holds one may end it, and learns nothing else by that.

Every kind of secret of the house is looked for by its hash with one read, whether or not it was ever issued; what is live ends in
a unit of its own, with the entry and the mail to the people whom it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import update
from sqlmodel import Session, col, or_, select

from contracts.credentials.families import REFRESH_KIND, revoke_family
from contracts.credentials.issued import denied_of, deny
from contracts.credentials.registration import TO_MANAGE, TO_REGISTER
from contracts.credentials.renewal import end_earlier
from contracts.credentials.service import end_client
from contracts.credentials.tables import Authorization, Client, RefreshToken, RegistrationToken, TokenFamily
from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.ids import is_well_formed_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.tables import Contract
from contracts.notices import audience, send
from contracts.notices.audience import Reader
from contracts.people.roles import Role
from contracts.people.tables import OneTimeLink, SignInSession
from contracts.sandbox import service as sandbox
from contracts.sandbox.service import SECRET_KIND
from contracts.sandbox.tables import SandboxClient
from contracts.store.unit import Store, Unit

LEAKED = "leaked"
MOST = 100
Status = Literal["revoked", "unknown"]
Read = Callable[[str], Claims | Refusal]


@dataclass(frozen=True, slots=True)
class Report:
    """One secret as somebody reports it. `found_at` is where, in the reporter's words; it is kept beside the entry, never mailed."""

    secret: str = field(repr=False)
    found_at: str = ""


@dataclass(frozen=True, slots=True)
class _Live:
    """Something that the secret opens now, and how it ends; false where somebody else ended it meanwhile."""

    subject: str
    end: Callable[[Unit], bool]


def answer_reports(store: Store, reports: list[Report], read: Read, network: str) -> list[Status]:
    """End what is live of the reported secrets; what became of each, in order. At most `MOST` are looked at.

    `read` verifies access tokens. Raises `SQLAlchemyError` and `StoreUnavailable` where nothing can be read or recorded.
    """
    answers: list[Status] = [_answer(store, each, read, network) for each in reports[:MOST]]
    with store.write("leak report") as unit:
        facts = {"reported": len(answers), "revoked": answers.count("revoked")}
        record(unit, Entry(event="leak.reported", rule=LEAKED, facts=facts, personal={"network": network} if network else {}))
    return answers


def _answer(store: Store, report: Report, read: Read, network: str) -> Status:
    with store.read() as session:
        live = _find(session, report.secret, store.clock.now(), read)
    if live is None:
        return "unknown"
    with store.write("leaked") as unit:
        if not live.end(unit):
            return "unknown"
        personal = {"network": network, "found_at": _place(report)}
        named = {name: value for name, value in personal.items() if value}
        record(unit, Entry(event="leak.ended", rule=LEAKED, subject=live.subject, personal=named))
    return "revoked"


def _place(report: Report) -> str:
    """Where it was found, unless that holds a secret itself."""
    return "" if "licet_" in report.found_at or report.secret in report.found_at else report.found_at[:500]


def _find(session: Session, secret: str, now: datetime, read: Read) -> _Live | None:
    if is_well_formed_secret(secret):
        kind = secret.split("_", 2)[1]
        return _FINDERS[kind](session, secret_hash(secret), now) if kind in _FINDERS else None
    claims = read(secret) if secret.count(".") == 2 else None
    return _token(session, claims) if isinstance(claims, Claims) else None


def _credential(session: Session, digest: str, now: datetime) -> _Live | None:
    query = select(Client).where(or_(Client.secret_sha256 == digest, Client.earlier_sha256 == digest), col(Client.revoked_at).is_(None))
    client = session.exec(query).first()
    if client is None:
        return None
    if client.secret_sha256 == digest:
        return _Live(client.id, lambda unit: _end_credential(unit, client.id))
    if client.earlier_until is None or client.earlier_until <= now:
        return None
    return _Live(client.id, lambda unit: _end_earlier(unit, client.id, digest))


def _sandbox(session: Session, digest: str, _now: datetime) -> _Live | None:
    query = select(SandboxClient).where(SandboxClient.secret_sha256 == digest, col(SandboxClient.revoked_at).is_(None))
    client = session.exec(query).first()
    # Its rows are invented, so nobody is woken for it.
    return None if client is None else _Live(client.id, lambda unit: sandbox.end(unit, unit.lock(SandboxClient, client.id), LEAKED))


def _opening(session: Session, digest: str, now: datetime) -> _Live | None:
    row = session.exec(select(RegistrationToken).where(RegistrationToken.token_sha256 == digest)).first()
    if row is None or row.revoked_at is not None or row.expires_at <= now or row.uses_left < 1:
        return None
    mine = update(RegistrationToken).where(col(RegistrationToken.id) == row.id, col(RegistrationToken.revoked_at).is_(None))
    # Nothing is lost with it: programs that registered stay, and whoever made it makes another.
    return _Live(row.id, lambda unit: unit.connection.execute(mine.values(revoked_at=unit.now)).rowcount == 1)


def _managing(session: Session, digest: str, _now: datetime) -> _Live | None:
    query = select(Client).where(Client.registration_sha256 == digest, col(Client.revoked_at).is_(None))
    client = session.exec(query).first()
    # Who has it could have given the program other keys: the program ends, and its people hear of it.
    return None if client is None else _Live(client.id, lambda unit: _end_credential(unit, client.id))


def _end_credential(unit: Unit, client_id: str) -> bool:
    client = unit.lock(Client, client_id)
    if not end_client(unit, client, LEAKED):
        return False
    _tell_makers(unit, client, "credential-leaked")
    return True


def _end_earlier(unit: Unit, client_id: str, digest: str) -> bool:
    client = unit.lock(Client, client_id)
    if client.revoked_at is not None or client.earlier_sha256 != digest or not end_earlier(unit, client, LEAKED):
        return False
    _tell_makers(unit, client, "old-secret-leaked")
    return True


def _refresh_token(session: Session, digest: str, now: datetime) -> _Live | None:
    row = session.get(RefreshToken, digest)
    family = None if row is None else session.get(TokenFamily, row.family_id)
    if family is None or family.revoked_at is not None or family.expires_at <= now:
        return None
    return _Live(family.id, lambda unit: _end_family(unit, family.id))


def _end_family(unit: Unit, family_id: str) -> bool:
    if not revoke_family(unit, family_id, LEAKED):
        return False
    family = unit.session.get_one(TokenFamily, family_id)
    client = unit.session.get_one(Client, family.client_id)
    for reader in audience.account(unit.session, family.account_id):
        _tell(unit, reader, client, "program-leaked")
    return True


def _token(session: Session, claims: Claims) -> _Live | None:
    if session.get(Client, claims.client_id) is None:
        return None  # a sandbox's, which reads invented rows for ten minutes
    if {claims.jti, claims.family} & denied_of(session, claims.contract_id):
        return None
    return _Live(claims.jti, lambda unit: _end_token(unit, claims))


def _end_token(unit: Unit, claims: Claims) -> bool:
    if not deny(unit, claims.jti, claims.contract_id, claims.expires_at):
        return False
    client = unit.session.get_one(Client, claims.client_id)
    entry = Entry(
        event="token.revoked",
        rule=LEAKED,
        subject=claims.jti,
        organisation=client.organisation_id,
        contract=client.contract_id,
        credential=client.id,
        credential_kind=client.kind,
    )
    record(unit, entry)
    _tell_makers(unit, client, "token-leaked")
    return True


def _code(session: Session, digest: str, now: datetime) -> _Live | None:
    row = session.exec(select(Authorization).where(Authorization.code_sha256 == digest)).first()
    if row is None or row.spent_at is not None or row.expires_at <= now:
        return None
    mine = update(Authorization).where(col(Authorization.id) == row.id, col(Authorization.spent_at).is_(None))
    return _Live(row.id, lambda unit: unit.connection.execute(mine.values(spent_at=unit.now)).rowcount == 1)


def _session(session: Session, digest: str, now: datetime) -> _Live | None:
    row = session.get(SignInSession, digest)
    if row is None or row.ended_at is not None or row.expires_at <= now:
        return None
    return _Live(row.account_id, lambda unit: _end_session(unit, digest, row.account_id))


def _end_session(unit: Unit, digest: str, account_id: str) -> bool:
    mine = update(SignInSession).where(col(SignInSession.id) == digest, col(SignInSession.ended_at).is_(None))
    if unit.connection.execute(mine.values(ended_at=unit.now)).rowcount != 1:
        return False
    record(unit, Entry(event="account.signed_out", rule=LEAKED, subject=account_id, personal={"account": account_id}))
    for reader in audience.account(unit.session, account_id):
        send(unit, to=reader.email, template="session-leaked", facts={"name": reader.name}, path="/sign-in")
    return True


def _link(session: Session, digest: str, now: datetime) -> _Live | None:
    row = session.get(OneTimeLink, digest)
    if row is None or row.used_at is not None or row.expires_at <= now:
        return None
    mine = update(OneTimeLink).where(col(OneTimeLink.id) == digest, col(OneTimeLink.used_at).is_(None))
    # Nothing is lost with a link: whoever it was for asks for a new one.
    return _Live("", lambda unit: unit.connection.execute(mine.values(expires_at=unit.now)).rowcount == 1)


def _tell_makers(unit: Unit, client: Client, template: str) -> None:
    for reader in audience.partners(unit.session, client.organisation_id, Role.LEAD, Role.DEVELOPER):
        _tell(unit, reader, client, template)


def _tell(unit: Unit, reader: Reader, client: Client, template: str) -> None:
    title = unit.session.get_one(Contract, client.contract_id).title
    facts = {"name": reader.name, "credential": client.name, "title": title}
    send(unit, to=reader.email, template=template, facts=facts, path=f"/partner/contracts/{client.contract_id}/clients/{client.id}")


# By the kind in the secret (`contracts.ids.new_secret`).
_FINDERS: Mapping[str, Callable[[Session, str, datetime], _Live | None]] = {
    "cs": _credential,
    "ak": _credential,
    TO_REGISTER: _opening,
    TO_MANAGE: _managing,
    SECRET_KIND: _sandbox,
    REFRESH_KIND: _refresh_token,
    "ac": _code,
    "ss": _session,
    "ln": _link,
}
