"""Credentials, OAuth clients and API keys: made and revoked by the partner's people, revoked by staff.

A secret is shown once and kept as SHA-256.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import ValidationError
from sqlmodel import Session, col, select

from contracts.credentials.decide import CLIENT_KIND, KEY_KIND, WITH_SECRET, ForPeople, Wanted, check_change, check_client
from contracts.credentials.tables import Client
from contracts.credentials.tokens import CredentialKind
from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id, new_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.tables import Contract
from contracts.members import access
from contracts.people.actor import SYSTEM, Actor
from contracts.people.assurance import Act
from contracts.store import epochs
from contracts.store.unit import Unit
from contracts.terms.grant import version_row
from contracts.terms.model import Terms, from_json

# By kind: the prefix of the id, and the kind in the secret.
_FORMS = {CLIENT_KIND: ("cli", "cs"), KEY_KIND: ("key", "ak")}


def create_client(
    unit: Unit,
    actor: Actor,
    contract: Contract,
    *,
    name: str,
    audience: Literal["api", "site"],
    networks: Sequence[str] = (),
    last_day: date | None = None,
    people: ForPeople | None = None,
    kind: CredentialKind = CLIENT_KIND,
    scopes: Collection[str] = (),
    datasets: Sequence[str] = (),
) -> tuple[Client, str]:
    """A credential of an active contract and its secret, which is never seen again. Moves the epoch `grants`.

    `networks` (CIDR form), `last_day` and `datasets` narrow what the contract says; without them its own hold. `people` makes a
    program that people let read for them; its secret is empty where it cannot keep one. Raises `not_found` for another
    organisation's contract, `role_required`, `contract_not_active`, `oauth_required` for an API key where the contract takes none,
    `invalid_input` (name, addresses, scopes, bounds beyond the contract's, a credential for the site under a contract without
    crawling, a program for itself where the contract names its users), `member_required` for a program for itself by somebody on the
    project who has not accepted its terms, and `command_not_possible` above 20 live credentials.
    """
    locked = unit.lock(Contract, contract.id)
    terms = terms_of(unit.session, locked)
    live = [each for each in clients_of(unit.session, locked.id) if each.revoked_at is None]
    wanted = Wanted(name, audience, tuple(networks), last_day, people, kind, frozenset(scopes), tuple(datasets))
    decided = check_client(actor, locked, terms, wanted, live=len(live), now=unit.now)
    if isinstance(decided, Refusal):
        raise Refused(decided)
    if people is None:
        access.insist_listed(unit.session, locked.id, actor.account_id)
    prefix, secret_kind = _FORMS[kind]
    secret = new_secret(secret_kind) if decided.auth_method in WITH_SECRET else ""
    client = Client(
        id=new_id(prefix),
        kind=kind,
        contract_id=locked.id,
        organisation_id=locked.organisation_id,
        name=decided.name,
        audience=audience,
        scopes=sorted(decided.scopes),
        secret_sha256=secret_hash(secret) if secret else "",
        auth_method=decided.auth_method,
        grant_types=list(decided.grant_types),
        redirect_uris=list(decided.redirect_uris),
        networks=list(networks),
        last_day=last_day,
        datasets=sorted(set(datasets)),
        created_by=actor.account_id,
        created_at=unit.now,
    )
    unit.session.add(client)
    unit.session.flush()
    epochs.bump(unit, "grants")
    record(unit, entry_of("client.created", actor, client, locked.version))
    return client, secret


def revoke_client(unit: Unit, actor: Actor, client_id: str) -> None:
    """End a client; its tokens end with it at the next request. One that was revoked before stays as it is.

    For leads and developers of its organisation, and for stewards and compliance officers. Raises `not_found`, `role_required`.
    """
    client = unit.lock(Client, client_id)
    if refusal := check_change(actor, client.organisation_id, unit.now, Act.STOP_CREDENTIAL):
        raise Refused(refusal)
    end_client(unit, client, actor=actor)


def end_client(unit: Unit, client: Client, why: str = "", actor: Actor = SYSTEM) -> bool:
    """End a locked credential, whoever decided it; false where it had ended before. `why` is a word for the ledger and the page."""
    if client.revoked_at is not None:
        return False
    client.revoked_at, client.revoked_why = unit.now, why
    unit.session.flush()
    epochs.bump(unit, "grants")
    contract = unit.session.get_one(Contract, client.contract_id)
    record(unit, entry_of("client.revoked", actor, client, contract.version)._replace(rule=why))
    return True


def secret_of(client: Client) -> str:
    """A fresh secret of the credential's kind; the caller keeps its hash."""
    return new_secret(_FORMS[KEY_KIND if client.kind == KEY_KIND else CLIENT_KIND][1])


def clients_of(session: Session, contract_id: str) -> list[Client]:
    """A contract's credentials, the live ones first, newest first."""
    query = select(Client).where(Client.contract_id == contract_id)
    return list(session.exec(query.order_by(col(Client.revoked_at).isnot(None), col(Client.id).desc())).all())


def client_for(session: Session, actor: Actor, client_id: str) -> Client:
    """A client that the person may see: staff any, others those of their organisation. Raises `not_found`."""
    client = session.get(Client, client_id)
    if client is None or not (actor.is_staff or client.organisation_id == actor.organisation_id):
        raise refuse("not_found", "There is no such credential here.")
    return client


def terms_of(session: Session, contract: Contract) -> Terms | None:
    """The terms in force or under signature; None where they cannot be read."""
    version = version_row(session, contract)
    try:
        return from_json(version.terms_json) if version else None
    except ValidationError:
        return None  # edited rows: the seal's check opens the incident, here nothing is made under them


def entry_of(event: str, actor: Actor, client: Client, version: int, more: Mapping[str, Any] | None = None) -> Entry:
    """The entry of an act upon a credential, with what it may reach and is held to."""
    bounds: dict[str, Any] = {"networks": list(client.networks)} if client.networks else {}
    if client.last_day is not None:
        bounds["last_day"] = client.last_day.isoformat()
    if client.redirect_uris:
        bounds |= {"grant_types": list(client.grant_types), "redirect_uris": list(client.redirect_uris), "proof": client.auth_method}
    if client.datasets:
        bounds["datasets"] = list(client.datasets)
    return Entry(
        event=event,
        subject=client.id,
        organisation=client.organisation_id,
        contract=client.contract_id,
        contract_version=version,
        credential=client.id,
        credential_kind=client.kind,
        facts={"audience": client.audience, "scopes": list(client.scopes), **bounds, **(more or {})},
        personal=actor.personal(),
    )
