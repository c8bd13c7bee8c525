"""How far the ledger is anchored outside the house, in one sentence. A cosignature or time-stamp counts only where it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from contracts.anchors.settings import Anchors
from contracts.anchors.tables import CheckpointCosignature, CheckpointStamp, LogWitness
from contracts.ledger.cosignature import cosignatures
from contracts.ledger.note import BadNote, Verifier
from contracts.ledger.tables import Checkpoint


@dataclass(frozen=True, slots=True)
class Anchor:
    """Someone outside signed the tree of `size` entries at a time by its own clock."""

    size: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The anchor of the largest tree, since when checkpoints have none, and what is wrong with anchors.

    `since` is None where nothing is signed that is not anchored. `refusals` are witnesses that hold another history.
    """

    anchor: Anchor | None
    since: datetime | None
    problems: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What pages and commands say."""
        if self.anchor is not None:
            return f"Anchored at {self.anchor.size:,} entries, {_moment(self.anchor.at)} by {self.anchor.by}."
        if self.since is None:
            return "The ledger has no checkpoint yet that could be anchored."
        return f"Unanchored since {_moment(self.since)}: nobody outside has signed a checkpoint."


def standing(session: Session, anchors: Anchors, origin: str) -> Standing:
    """How the newest anchor of each configured witness and authority stands, read from the store and checked."""
    problems: list[str] = []
    found = [each for witness in anchors.verifiers if (each := _of_witness(session, witness, problems))]
    if anchors.timestamp_url is not None and (stamped := _of_authority(session, anchors, problems)):
        found.append(stamped)
    best = max(found, key=lambda each: (each.size, -each.at.timestamp()), default=None)
    told = session.exec(select(LogWitness).where(LogWitness.origin == origin, LogWitness.problem != "")).all()
    known = {each.vkey() for each in anchors.verifiers}
    told = sorted((each for each in told if each.key in known), key=lambda each: each.key)
    return Standing(
        best,
        _since(session, best.size if best else 0),
        tuple(problems) + tuple(each.problem for each in told if not each.refuses),
        tuple(each.problem for each in told if each.refuses),
    )


def _of_witness(session: Session, witness: Verifier, problems: list[str]) -> Anchor | None:
    query = select(CheckpointCosignature, Checkpoint).where(
        col(Checkpoint.size) == col(CheckpointCosignature.size), CheckpointCosignature.key == witness.vkey()
    )
    row = session.exec(query.order_by(col(CheckpointCosignature.size).desc()).limit(1)).first()
    if row is None:
        return None
    cosigned, checkpoint = row
    try:
        (held,) = cosignatures(checkpoint.note + cosigned.line, [witness])
    except (BadNote, ValueError) as error:
        problems.append(f"What is kept as the cosignature of {witness.name} at {cosigned.size:,} entries is none of it: {error}.")
        return None
    return Anchor(cosigned.size, held.at, witness.name)


def _of_authority(session: Session, anchors: Anchors, problems: list[str]) -> Anchor | None:
    row = session.exec(
        select(CheckpointStamp, Checkpoint)
        .where(col(Checkpoint.size) == col(CheckpointStamp.size))
        .order_by(col(CheckpointStamp.size).desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    from contracts.signing.stamps import checked  # noqa: PLC0415 - pyHanko takes most of a second, and most have no time-stamps

    stamp, checkpoint = row
    try:
        return Anchor(stamp.size, *checked(stamp.token, checkpoint.note, anchors.timestamp_certificate))
    except ValueError as error:
        problems.append(f"What is kept as the time-stamp at {stamp.size:,} entries does not hold: {error}.")
        return None


def _since(session: Session, size: int) -> datetime | None:
    query = select(Checkpoint.made_at).where(Checkpoint.size > size).order_by(col(Checkpoint.size)).limit(1)
    return session.exec(query).first()


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
