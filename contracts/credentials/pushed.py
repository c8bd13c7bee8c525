"""Authorization requests sent ahead by the client itself (RFC 9126), so that no browser can change them: kept briefly, used once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from contracts.credentials.tables import PushedRequest
from contracts.ids import new_secret, secret_hash
from contracts.store.unit import Store, Unit

LIFETIME = timedelta(seconds=90)
PREFIX = "urn:ietf:params:oauth:request_uri:"
PUSHED_KIND = "pr"

Pairs = Sequence[tuple[str, str]]


def push(unit: Unit, client_id: str, asked: Pairs) -> str:
    """Keep a request; its request_uri, which nobody can guess and of which the store has the hash alone."""
    request_uri = PREFIX + new_secret(PUSHED_KIND)
    row = PushedRequest(
        id=secret_hash(request_uri), client_id=client_id, asked=[list(each) for each in asked], expires_at=unit.now + LIFETIME
    )
    unit.session.add(row)
    unit.session.flush()
    return request_uri


def take(unit: Unit, request_uri: str, client_id: str) -> Pairs | None:
    """Use a request up; None for one that is unknown, another client's, over, or was used before. Of many at once one gets it."""
    mine = (col(PushedRequest.id) == secret_hash(request_uri), col(PushedRequest.client_id) == client_id)
    asked = unit.connection.execute(select(col(PushedRequest.asked)).where(*mine, col(PushedRequest.expires_at) > unit.now)).scalar()
    if asked is None or unit.connection.execute(delete(PushedRequest).where(*mine)).rowcount != 1:
        return None
    return [(str(name), str(value)) for name, value in asked]


def sweep_pushed(store: Store, most: int = 500) -> int:
    """Forget requests that nobody used in time; returns how many."""
    with store.read() as session:
        ended = session.exec(select(PushedRequest.id).where(PushedRequest.expires_at <= store.clock.now()).limit(most)).all()
    if ended:
        with store.write("pushed sweep") as unit:
            unit.connection.execute(delete(PushedRequest).where(col(PushedRequest.id).in_(ended)))
    return len(ended)
