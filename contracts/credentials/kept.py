"""Which access tokens were issued: kept from the transaction of their entry until they have ended.

A token that the platform's key signs and that is not among them was made by someone who has the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from contracts.credentials.tables import KeptToken
from contracts.credentials.tokens import IssuedToken
from contracts.store.many import Insertion
from contracts.store.unit import Store, Unit

# Ended tokens are refused for their time before anyone looks here; the margin is for another machine's clock.
MARGIN = timedelta(minutes=1)

_KEEP = Insertion(KeptToken, "jti", "signed_sha256", "ends_at")


def keep(unit: Unit, issued: IssuedToken) -> None:
    """Keep a fresh token in the unit that writes its entry. One that is not kept is refused at its first use."""
    keep_all(unit, [issued])


def keep_all(unit: Unit, issued: Sequence[IssuedToken]) -> None:
    """Keep several at once."""
    _KEEP.execute(unit.connection, [(each.jti, each.signed_sha256, each.ends_at) for each in issued])


def sweep_kept(store: Store, most: int = 1_000) -> int:
    """Forget tokens that have ended; returns how many, at most `most` a run."""
    with store.read() as session:
        ended = session.exec(select(KeptToken.jti).where(KeptToken.ends_at <= store.clock.now() - MARGIN).limit(most)).all()
    if ended:
        with store.write("token sweep") as unit:
            unit.connection.execute(delete(KeptToken).where(col(KeptToken.jti).in_(ended)))
    return len(ended)
