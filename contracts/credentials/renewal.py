"""A new secret for a credential that stays the same: its id, name, bounds and counted use go on."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.credentials.decide import CLIENT_KIND, check_rotation
from contracts.credentials.service import entry_of, secret_of
from contracts.credentials.tables import Client
from contracts.errors import Refused
from contracts.ids import secret_hash
from contracts.ledger.stage import record
from contracts.lifecycle.tables import Contract
from contracts.people.actor import SYSTEM, Actor
from contracts.people.assurance import Act
from contracts.store import epochs
from contracts.store.unit import Unit


def rotate_client(unit: Unit, actor: Actor, client_id: str, overlap: timedelta) -> tuple[Client, str]:
    """The credential with its new secret, which is never seen again; the old one works until `earlier_until`, to the second.

    Without overlap the old secret ends now, and so do the tokens that came by it. A rotation during an overlap ends the oldest
    secret at once, so there are never more than two. Moves the epoch `grants`. Raises `not_found`, `role_required`,
    `command_not_possible` (revoked, or without a secret) and `invalid_input` for an overlap that is not offered.
    """
    client = unit.lock(Client, client_id)
    if refusal := check_rotation(actor, client, overlap, unit.now):
        raise Refused(refusal)
    secret = secret_of(client)
    if overlap:
        client.earlier_sha256, client.earlier_until = client.secret_sha256, unit.now + overlap
    else:
        _end_earlier(client, unit.now)
    client.secret_sha256, client.rotated_at = secret_hash(secret), unit.now
    unit.session.flush()
    epochs.bump(unit, "grants")
    contract = unit.session.get_one(Contract, client.contract_id)
    record(unit, entry_of("client.rotated", actor, client, contract.version, {"overlap_seconds": int(overlap.total_seconds())}))
    return client, secret


def end_earlier_secret(unit: Unit, actor: Actor, client_id: str) -> None:
    """End the old secret before its cut-off, with the tokens that may have come by it; nothing happens where there is none."""
    client = unit.lock(Client, client_id)
    if refusal := check_rotation(actor, client, timedelta(), unit.now, Act.STOP_CREDENTIAL):
        raise Refused(refusal)
    end_earlier(unit, client, actor=actor)


def end_earlier(unit: Unit, client: Client, why: str = "", actor: Actor = SYSTEM) -> bool:
    """End a locked credential's old secret, whoever decided it; false where it has none. `why` is a word for the ledger."""
    if client.earlier_until is None or client.earlier_until <= unit.now:
        return False
    _end_earlier(client, unit.now)
    unit.session.flush()
    epochs.bump(unit, "grants")
    contract = unit.session.get_one(Contract, client.contract_id)
    record(unit, entry_of("client.secret_ended", actor, client, contract.version)._replace(rule=why))
    return True


def _end_earlier(client: Client, now: datetime) -> None:
    client.earlier_sha256, client.earlier_until = "", None
    if client.kind == CLIENT_KIND:
        client.tokens_since = now
