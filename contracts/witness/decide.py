"""Whether a witness cosigns: pure. Every outcome of C2SP tlog-witness, "add-checkpoint", and no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from contracts.ledger import note, tree
from contracts.ledger.note import BadNote, CheckpointText, Verifier
from contracts.witness.protocol import read_request


class Outcome(Enum):
    """What the witness answers."""

    COSIGN = auto()  # the tree extends the one that was cosigned last
    MALFORMED = auto()  # the request is none, or its old size is above that of its checkpoint
    UNKNOWN_LOG = auto()  # no key is known for the checkpoint's origin
    NOT_SIGNED = auto()  # the known key did not sign the checkpoint
    OTHER_SIZE = auto()  # the witness has another size than the request begins from; it tells its own
    OTHER_ROOT = auto()  # the witness cosigned another root of this very size: the log is forked
    NOT_CONSISTENT = auto()  # the proof does not lead from what was cosigned to this checkpoint


@dataclass(frozen=True, slots=True)
class Kept:
    """The largest tree of one log that the witness cosigned; nothing cosigned is size 0 with the root of the empty tree."""

    size: int = 0
    root: bytes = tree.EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, in words for whoever asked, with the checkpoint to keep and cosign, or the size to tell."""

    outcome: Outcome
    why: str = ""
    checkpoint: CheckpointText | None = None
    text: str = ""
    size: int = 0


def decide(logs: Mapping[str, Verifier], kept: Mapping[str, Kept], body: bytes) -> Decision:
    """What to answer to a request, given the known logs by origin and what was cosigned of each."""
    try:
        request = read_request(body)
        text = note.parts(request.checkpoint)[0]
        told = note.parse_checkpoint(text)
    except BadNote as error:
        return Decision(Outcome.MALFORMED, str(error))
    log = logs.get(told.origin)
    if log is None:
        return Decision(Outcome.UNKNOWN_LOG, f"no log is known here as {told.origin}")
    try:
        note.open_note(request.checkpoint, [log])
    except BadNote as error:
        return Decision(Outcome.NOT_SIGNED, str(error))
    if request.old > told.size:
        return Decision(Outcome.MALFORMED, "the old size is above that of the checkpoint")
    last = kept.get(told.origin, Kept())
    if request.old != last.size:
        return Decision(Outcome.OTHER_SIZE, size=last.size)
    if told.size == last.size and told.root != last.root:
        return Decision(Outcome.OTHER_ROOT, f"another root of {told.size} entries was cosigned before", size=last.size)
    if not _extends(last, told, request.proof):
        return Decision(Outcome.NOT_CONSISTENT, f"the proof does not lead from {last.size} entries to {told.size}")
    return Decision(Outcome.COSIGN, checkpoint=told, text=text)


def _extends(last: Kept, told: CheckpointText, proof: tuple[bytes, ...]) -> bool:
    """Everything extends the empty tree, which has no proof (RFC 9162 section 2.1.4.2 begins at 1)."""
    if last.size == 0:
        return not proof
    return tree.verify_consistency(last.size, told.size, last.root, told.root, proof)
