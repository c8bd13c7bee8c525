"""Sandbox credentials: made, given a new secret, revoked. A secret is shown once and kept as SHA-256."""

from __future__ import annotations

from datetime import date, timedelta

from contracts.errors import Refusal, Refused
from contracts.ids import new_id, new_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.people.actor import SYSTEM, Actor
from contracts.people.tables import Organisation
from contracts.sandbox import marks
from contracts.sandbox.decide import LIVE_DAYS, check_end, check_new, check_renewal
from contracts.sandbox.grant import clients_of, is_live
from contracts.sandbox.tables import SandboxClient
from contracts.store import epochs
from contracts.store.unit import Unit

SECRET_KIND = "sb"
"""Whoever finds `licet_sb_…` in a repository sees that it opens nothing real."""


def create(unit: Unit, actor: Actor, *, name: str, today: date) -> tuple[SandboxClient, str]:
    """A credential of 90 days for the person's organisation, and its secret. Moves the epoch `grants`.

    `today` is the date in the platform's time zone. Raises `role_required`, `invalid_input` (the name) and
    `command_not_possible` above five live ones.
    """
    # The organisation's row is held, so that two at once do not make a sixth.
    home = unit.lock(Organisation, actor.organisation_id)
    live = sum(is_live(each, today) for each in clients_of(unit.session, home.id))
    decided = check_new(actor, name, live=live)
    if isinstance(decided, Refusal):
        raise Refused(decided)
    secret = new_secret(SECRET_KIND)
    client = SandboxClient(
        id=new_id("cli"),
        organisation_id=home.id,
        name=decided,
        secret_sha256=secret_hash(secret),
        created_by=actor.account_id,
        created_at=unit.now,
        last_day=today + timedelta(days=LIVE_DAYS - 1),
    )
    unit.session.add(client)
    _done(unit, actor, client, "sandbox.created")
    return client, secret


def renew(unit: Unit, actor: Actor, client_id: str, today: date) -> tuple[SandboxClient, str]:
    """The credential with a new secret. The old one ends now, with its tokens: nothing in use depends on a sandbox.

    Raises `not_found`, `role_required`, and `command_not_possible` for one that has ended.
    """
    client = unit.lock(SandboxClient, client_id)
    if refusal := check_renewal(actor, client, today):
        raise Refused(refusal)
    secret = new_secret(SECRET_KIND)
    client.secret_sha256, client.rotated_at, client.tokens_since = secret_hash(secret), unit.now, unit.now
    _done(unit, actor, client, "sandbox.rotated")
    return client, secret


def revoke(unit: Unit, actor: Actor, client_id: str) -> None:
    """End a credential and its tokens. One that was revoked before stays as it is. Raises `not_found`, `role_required`."""
    client = unit.lock(SandboxClient, client_id)
    if refusal := check_end(actor, client):
        raise Refused(refusal)
    end(unit, client, actor=actor)


def end(unit: Unit, client: SandboxClient, why: str = "", actor: Actor = SYSTEM) -> bool:
    """End a locked credential, whoever decided it; false where it had ended before. `why` is a word for the ledger."""
    if client.revoked_at is not None:
        return False
    client.revoked_at = unit.now
    _done(unit, actor, client, "sandbox.revoked", why)
    return True


def _done(unit: Unit, actor: Actor, client: SandboxClient, event: str, why: str = "") -> None:
    unit.session.flush()
    epochs.bump(unit, "grants")
    contract_id = marks.contract_id_of(client.organisation_id)
    entry = Entry(
        event=event,
        rule=why,
        subject=client.id,
        organisation=client.organisation_id,
        contract=contract_id,
        contract_version=marks.VERSION,
        credential=client.id,
        credential_kind="oauth_client",
        facts={**marks.facts_of(contract_id), "last_day": client.last_day.isoformat()},
        personal=actor.personal(),
    )
    record(unit, entry)
