"""What may be used once: the `jti` of client assertions and of DPoP proofs, kept in the store, so that every process knows.

Only SHA-256 of kind, owner and value is kept: it tells a repetition, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from contracts.credentials.tables import SpentProof
from contracts.store.unit import Store, Unit


@dataclass(frozen=True, slots=True)
class Once:
    """Something that may be used once until `ends_at`; `owner` is the client, or the thumbprint of the key."""

    kind: Literal["assertion", "dpop", "sign_in"]
    owner: str
    value: str
    ends_at: datetime

    @property
    def digest(self) -> str:
        """What is kept of it."""
        return hashlib.sha256("\0".join((self.kind, self.owner, self.value)).encode()).hexdigest()


def spend(unit: Unit, proofs: Sequence[Once]) -> Once | None:
    """Use all of them up in this unit of work; the first that was used before is returned, None where none was.

    Of two units that spend the same at once, one waits for the other and then finds it spent.
    """
    maker = sqlite.insert if unit.connection.dialect.name == "sqlite" else postgresql.insert
    for each in proofs:
        row = {"id": each.digest, "ends_at": each.ends_at}
        written = maker(SpentProof).values(row).on_conflict_do_nothing().returning(col(SpentProof.id))
        if unit.connection.execute(written).scalar() is None:
            return each
    return None


def fresh(unit: Unit, proofs: Sequence[Once]) -> set[str]:
    """Use all of them up in this unit of work; the digests of those that nobody had used before. One may stand in it several times.

    Written in one order everywhere, so that two units that spend the same ones never wait for each other in a ring.
    """
    if not proofs:
        return set()
    maker = sqlite.insert if unit.connection.dialect.name == "sqlite" else postgresql.insert
    rows = [{"id": digest, "ends_at": ends_at} for digest, ends_at in sorted({each.digest: each.ends_at for each in proofs}.items())]
    written = maker(SpentProof).values(rows).on_conflict_do_nothing().returning(col(SpentProof.id))
    return set(unit.connection.execute(written).scalars())


def sweep_spent(store: Store, most: int = 1_000) -> int:
    """Forget what has ended and is refused for its time alone; returns how many, at most `most` a run."""
    with store.read() as session:
        ended = session.exec(select(SpentProof.id).where(SpentProof.ends_at < store.clock.now()).limit(most)).all()
    if ended:
        with store.write("spent") as unit:
            unit.connection.execute(delete(SpentProof).where(col(SpentProof.id).in_(ended)))
    return len(ended)
