"""Dynamic registration (RFC 7591, 7592): programs register themselves under one contract, with a token that a person made for it.

Both tokens, the one to register with and the one that a registered program manages itself with, are shown once and kept as SHA-256.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from contracts.credentials.decide import CLIENT_KIND, MAX_LIVE_CLIENTS, check_change
from contracts.credentials.metadata import METHODS, Metadata, Wrong, read_metadata
from contracts.credentials.service import clients_of, end_client, entry_of, terms_of
from contracts.credentials.tables import Client, RegistrationToken
from contracts.errors import Refused, refuse
from contracts.ids import new_id, new_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.people.actor import SYSTEM, Actor
from contracts.people.assurance import Act
from contracts.people.queries import holds
from contracts.people.roles import Role
from contracts.store import epochs
from contracts.store.unit import Unit

MOST_USES = MAX_LIVE_CLIENTS
MOST_DAYS = 30
TO_REGISTER, TO_MANAGE = "ia", "ra"
_MAKERS = (Role.LEAD, Role.DEVELOPER)


def make_registration_token(unit: Unit, actor: Actor, contract_id: str, *, uses: int, days: int) -> tuple[RegistrationToken, str]:
    """A token with which up to `uses` programs register themselves within `days`; it is never seen again.

    For leads and developers. Raises `not_found` for another organisation's contract, `role_required`, what the act asks of the
    session, `contract_not_active`, and `invalid_input` beyond 20 programs or 30 days.
    """
    contract = unit.lock(Contract, contract_id)
    if contract.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such contract here.")
    actor.require(*_MAKERS)
    if refusal := check_change(actor, contract.organisation_id, unit.now, Act.CREDENTIAL):
        raise Refused(refusal)
    if contract.state != State.ACTIVE:
        raise refuse("contract_not_active", "Programs register under an active contract; this one is not.", contract=contract.id)
    fields = {name: problem for name, value, most, problem in _bounds(uses, days) if not 1 <= value <= most}
    if fields:
        raise refuse("invalid_input", "Mend the numbers.", fields=fields)
    secret = new_secret(TO_REGISTER)
    row = RegistrationToken(
        id=new_id("iat"),
        contract_id=contract.id,
        organisation_id=contract.organisation_id,
        token_sha256=secret_hash(secret),
        uses_left=uses,
        created_by=actor.account_id,
        created_at=unit.now,
        expires_at=unit.now + timedelta(days=days),
    )
    unit.session.add(row)
    unit.session.flush()
    record(unit, _entry("registration.opened", row, actor, {"uses": uses, "days": days}))
    return row, secret


def end_registration_token(unit: Unit, actor: Actor, token_id: str) -> None:
    """Let nobody register with a token any more; programs that did stay. Raises `not_found`, `role_required`."""
    row = unit.lock(RegistrationToken, token_id)
    if refusal := check_change(actor, row.organisation_id, unit.now, Act.STOP_CREDENTIAL):
        raise Refused(refusal)
    if row.revoked_at is None:
        row.revoked_at = unit.now
        unit.session.flush()
        record(unit, _entry("registration.closed", row, actor, {}))


def registration_tokens_of(session: Session, contract_id: str) -> list[RegistrationToken]:
    """A contract's tokens to register with, newest first."""
    query = select(RegistrationToken).where(RegistrationToken.contract_id == contract_id)
    return list(session.exec(query.order_by(col(RegistrationToken.id).desc())).all())


def token_of(session: Session, actor: Actor, contract_id: str, token_id: str) -> RegistrationToken:
    """A token of this contract of the person's organisation; `not_found` for any other."""
    row = session.get(RegistrationToken, token_id)
    if row is None or (row.contract_id, row.organisation_id) != (contract_id, actor.organisation_id):
        raise refuse("not_found", "There is no such token here.")
    return row


def is_good(row: RegistrationToken, now: datetime) -> bool:
    """Whether a program can still register with the token, as far as the token goes."""
    return row.revoked_at is None and row.expires_at > now and row.uses_left > 0


def opening(unit: Unit, token: str) -> RegistrationToken | None:
    """The locked token to register with, if it is good now and whoever made it may still make credentials."""
    query = select(RegistrationToken).where(RegistrationToken.token_sha256 == secret_hash(token)).with_for_update()
    row = unit.session.exec(query).first()
    if row is None or not is_good(row, unit.now):
        return None
    return row if holds(unit.session, row.created_by, row.organisation_id, _MAKERS) else None


def register(unit: Unit, row: RegistrationToken, document: object, network: str) -> tuple[Client, str, str] | Wrong:
    """A new client with its secret (empty where it has none) and its registration access token; neither is seen again."""
    contract = unit.lock(Contract, row.contract_id)
    terms = terms_of(unit.session, contract)
    live = [each for each in clients_of(unit.session, contract.id) if each.revoked_at is None]
    if contract.state != State.ACTIVE or terms is None or len(live) >= MAX_LIVE_CLIENTS:
        return Wrong("invalid_client_metadata", "The contract takes no further program now. Ask whoever gave you the token.")
    wanted = read_metadata(document, terms)
    if isinstance(wanted, Wrong):
        return wanted
    manages = new_secret(TO_MANAGE)
    client = Client(
        id=new_id("cli"),
        contract_id=contract.id,
        organisation_id=contract.organisation_id,
        name=wanted.name,
        audience="api",
        secret_sha256="",
        auth_method="",
        created_by=row.created_by,
        created_at=unit.now,
        registration_sha256=secret_hash(manages),
        registered_by=row.id,
    )
    secret = _apply(client, wanted)
    row.uses_left -= 1
    unit.session.add(client)
    _note(unit, client, "client.registered", network, {"registration": row.id})
    return client, secret, manages


def registered(unit: Unit, client_id: str, token: str) -> Client | None:
    """The locked live client that this registration access token manages."""
    client = unit.session.get(Client, client_id, with_for_update=True, populate_existing=True)
    if client is None or client.revoked_at is not None or client.kind != CLIENT_KIND or not client.registration_sha256:
        return None
    return client if hmac.compare_digest(secret_hash(token), client.registration_sha256) else None


def change(unit: Unit, client: Client, document: object, network: str) -> str | Wrong:
    """Replace what a program registered (RFC 7592 section 2.2); a new secret where it needs one and has none, else empty."""
    contract = unit.session.get_one(Contract, client.contract_id)
    terms = terms_of(unit.session, contract)
    if terms is None:
        return Wrong("invalid_client_metadata", "The contract takes no change now. Ask whoever gave you the token.")
    wanted = read_metadata(document, terms)
    if isinstance(wanted, Wrong):
        return wanted
    secret = _apply(client, wanted)
    _note(unit, client, "client.changed", network, {})
    return secret


def withdraw(unit: Unit, client: Client) -> None:
    """End a program that takes itself out (RFC 7592 section 2.3), with its tokens."""
    end_client(unit, client, "withdrawn")


def _bounds(uses: int, days: int) -> tuple[tuple[str, int, int, str], ...]:
    return (
        ("uses", uses, MOST_USES, f"Write a number from 1 to {MOST_USES}."),
        ("days", days, MOST_DAYS, f"Write a number from 1 to {MOST_DAYS}."),
    )


def _apply(client: Client, wanted: Metadata) -> str:
    method = METHODS[wanted.method]
    secret = ""
    if method != "client_secret":
        client.secret_sha256, client.earlier_sha256, client.earlier_until = "", "", None
    elif not client.secret_sha256:
        secret = new_secret("cs")
        client.secret_sha256 = secret_hash(secret)
    client.name, client.auth_method, client.registered_method = wanted.name, method, wanted.method
    client.grant_types, client.redirect_uris = list(wanted.grant_types), list(wanted.redirect_uris)
    client.scopes, client.dpop_bound = sorted(wanted.scopes), wanted.dpop_bound
    client.jwks, client.jwks_uri = None if wanted.jwks is None else dict(wanted.jwks), wanted.jwks_uri
    return secret


def _note(unit: Unit, client: Client, event: str, network: str, facts: dict[str, str]) -> None:
    unit.session.flush()
    epochs.bump(unit, "grants")
    contract = unit.session.get_one(Contract, client.contract_id)
    by = Actor("", client.organisation_id, SYSTEM.name, "", frozenset(), network=network)
    record(unit, entry_of(event, by, client, contract.version, {"proof": client.auth_method, **facts}))


def _entry(event: str, row: RegistrationToken, actor: Actor, facts: dict[str, int]) -> Entry:
    return Entry(
        event=event,
        subject=row.id,
        organisation=row.organisation_id,
        contract=row.contract_id,
        facts=facts,
        personal=actor.personal(),
    )
