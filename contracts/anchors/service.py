"""Sends checkpoints to the witnesses and keeps what they answer. The network lies between two short transactions."""

from __future__ import annotations

from collections.abc import Callable

from contracts.anchors.ask import Asked, ask
from contracts.anchors.settings import Anchors, WitnessAt
from contracts.anchors.tables import CheckpointCosignature, LogWitness
from contracts.errors import Refused
from contracts.guarded import Reply
from contracts.incidents.service import open_incident
from contracts.ledger import tree
from contracts.ledger.note import Verifier
from contracts.ledger.source import StoredTiles, latest_checkpoint
from contracts.ledger.stage import Entry, record
from contracts.store.unit import Store, Unit

REFUSED = "A witness holds another history of the ledger"

Post = Callable[[WitnessAt, bytes], Reply]
"""Sends a body to a witness; raises `Refused` where there is no answer or the address may not be asked."""


class Anchoring:
    """Asks each witness for a cosignature of the newest checkpoint. Several processes may do so at once."""

    def __init__(self, store: Store, anchors: Anchors, origin: str, post: Post) -> None:
        self._store, self._anchors, self._origin, self._post = store, anchors, origin, post

    def tick(self) -> int:
        """One round over all witnesses; always 0, because the next checkpoint has time until the next round."""
        for witness in self._anchors.witnesses.values():
            self._round(witness)
        return 0

    def _round(self, witness: WitnessAt) -> None:
        verifier = witness.verifier
        with self._store.read() as session:
            newest = latest_checkpoint(session)
            known = session.get(LogWitness, (self._origin, verifier.vkey()))
        if newest is None or (known is not None and known.size == newest.size and not known.problem):
            return
        asked = self._asked(witness, newest.note, known.size if known else 0)
        if asked.held > newest.size and self._size() >= asked.held:
            return  # another process was faster: the witness has a later checkpoint of this very log
        with self._store.write("witness") as unit:
            _keep(unit, self._origin, verifier, newest.size, asked)

    def _asked(self, witness: WitnessAt, checkpoint: str, old: int) -> Asked:
        try:
            return ask(lambda body: self._post(witness, body), witness.verifier, checkpoint, old, self._prove, self._store.clock.now())
        except Refused as refused:
            return Asked(problem=f"{witness.verifier.name}: {refused.refusal.reason}")

    def _size(self) -> int:
        with self._store.read() as session:
            newest = latest_checkpoint(session)
        return newest.size if newest else 0

    def _prove(self, old: int, new: int) -> list[bytes]:
        with self._store.read() as session:
            return tree.consistency_proof(StoredTiles(session), old, new)


def _keep(unit: Unit, origin: str, witness: Verifier, size: int, asked: Asked) -> None:
    key = witness.vkey()
    row = unit.session.get(LogWitness, (origin, key))
    first, before = row is None or row.size == 0, bool(row and row.refuses)
    row = row or LogWitness(origin=origin, key=key, asked_at=unit.now)
    row.problem_since = (row.problem_since or unit.now) if asked.problem else None
    row.asked_at, row.problem, row.refuses = unit.now, asked.problem, asked.refuses
    if asked.cosigned is not None:
        row.size = size
        if unit.session.get(CheckpointCosignature, (size, key)) is None:
            unit.session.add(CheckpointCosignature(size=size, key=key, line=asked.cosigned.line, at=asked.cosigned.at))
        if first:
            record(unit, Entry(event="ledger.anchored", subject=key, facts={"size": size, "origin": origin}))
    unit.session.add(row)
    if asked.refuses and not before:
        record(unit, Entry(event="ledger.witness_refused", subject=key, decision="refuse", facts={"size": size, "origin": origin}))
        open_incident(unit, "ledger_broken", REFUSED, {"first_problem": asked.problem, "witness": key})
