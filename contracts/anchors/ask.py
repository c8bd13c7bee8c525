"""Asking one witness for a cosignature (C2SP tlog-witness, "add-checkpoint"): the client's half. Knows no store and no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.guarded import Reply
from contracts.ledger.cosignature import Cosigned, cosignatures
from contracts.ledger.note import BadNote, Verifier, parse_checkpoint, parts
from contracts.witness.protocol import SIZE_TYPE, Request, read_size

MOST_TRIES = 3
FUTURE = timedelta(minutes=5)
_MOST_TEXT = 200

Send = Callable[[bytes], Reply]
Prove = Callable[[int, int], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of it: a cosignature that holds, or a problem. `refuses` is for a witness that holds another history than ours.

    `held` is the size that a witness holds where that is above ours.
    """

    cosigned: Cosigned | None = None
    problem: str = ""
    refuses: bool = False
    held: int = 0


def ask(send: Send, witness: Verifier, checkpoint: str, old: int, prove: Prove, now: datetime) -> Asked:
    """Ask a witness to cosign a checkpoint, beginning from the size that it is believed to have.

    Where it tells another size (409), the proof begins from that. `prove(old, new)` gives the consistency proof; it may raise
    IndexError where tiles are missing. `send` may raise `Refused`, which is the caller's.
    """
    size = parse_checkpoint(parts(checkpoint)[0]).size
    for _ in range(MOST_TRIES):
        if old > size:
            said = f"{witness.name} cosigned {old:,} entries, and this log has only {size:,}: the last were cut off."
            return Asked(problem=said, refuses=True, held=old)
        try:
            proof = prove(old, size) if 0 < old < size else ()
        except IndexError:
            return Asked(problem="Tiles of the ledger are missing, so that nothing can be proved; run `licet ledger verify`.")
        reply = send(Request(old, tuple(proof), checkpoint).text().encode())
        told = _size(reply)
        if told is None or (told == old and told != size):
            return _settled(reply, witness, checkpoint, old, now)
        if told == old:
            return _refused(f"{witness.name} cosigned another root of {size:,} entries: it was shown another history than this log has.")
        old = told
    return Asked(problem=f"{witness.name} told another size each time.")


def _size(reply: Reply) -> int | None:
    told = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return read_size(reply.body) if reply.status == 409 and told == SIZE_TYPE else None


def _settled(reply: Reply, witness: Verifier, checkpoint: str, old: int, now: datetime) -> Asked:
    if reply.status == 200:
        return _cosigned(reply, witness, checkpoint, now)
    if reply.status == 422:
        return _refused(f"{witness.name} finds that this log does not extend the {old:,} entries that it cosigned: they were rewritten.")
    if reply.status == 404:
        return Asked(problem=f"{witness.name} does not know this log. Give whoever runs it the ledger's public key.")
    if reply.status == 403:
        return Asked(problem=f"{witness.name} knows this log by another key. Give whoever runs it the ledger's public key.")
    said = "".join(char for char in reply.body.decode(errors="replace") if char.isprintable())[:_MOST_TEXT]
    return Asked(problem=f"{witness.name} answered {reply.status}: {said}" if said else f"{witness.name} answered {reply.status}.")


def _cosigned(reply: Reply, witness: Verifier, checkpoint: str, now: datetime) -> Asked:
    """Lines of unknown keys are passed over, as the protocol says."""
    try:
        found = cosignatures(checkpoint + reply.body.decode(), [witness])
    except (BadNote, UnicodeDecodeError) as error:
        return Asked(problem=f"{witness.name} answered what is no cosignature: {error}.")
    if not found:
        return Asked(problem=f"{witness.name} cosigned with another key than the settings name.")
    if found[0].at > now + FUTURE:
        return Asked(problem=f"{witness.name} cosigned at a time to come, so one of both clocks is wrong.")
    return Asked(found[0])


def _refused(problem: str) -> Asked:
    return Asked(problem=problem, refuses=True)
