"""What log and witness send each other in `add-checkpoint` (C2SP tlog-witness): written and read. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.ledger.note import BadNote
from contracts.ledger.tree import HASH

MOST_LINES = 63
"""Lines of a consistency proof; one of a tree of 2**63 leaves has no more."""
MOST_BYTES = 64 * 1024
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Request:
    """A log asks for a cosignature: the size that the witness has, the proof from there, and the signed checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str

    def text(self) -> str:
        """The body of the request; ValueError above 63 lines of proof."""
        if len(self.proof) > MOST_LINES:
            raise ValueError(f"a proof has at most {MOST_LINES} lines, this one {len(self.proof)}")
        lines = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.proof)
        return f"old {self.old}\n{lines}\n{self.checkpoint}"


def read_request(body: bytes) -> Request:
    """Read the body of a request; `BadNote` where it is malformed. Reading checks nothing."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadNote("the request is not UTF-8") from error
    head, gap, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    size = plain_number(first.removeprefix("old ")) if first.startswith("old ") else None
    if not gap or size is None:
        raise BadNote("a request begins with the old size, and has its checkpoint after an empty line")
    if len(lines) > MOST_LINES:
        raise BadNote(f"a proof has at most {MOST_LINES} lines")
    return Request(size, _hashes(lines), checkpoint)


def size_text(size: int) -> str:
    """The body of an answer that tells another size."""
    return f"{size}\n"


def read_size(body: bytes) -> int | None:
    """The size that a witness told; None where it told none."""
    text = body.decode("ascii", errors="replace")
    return plain_number(text[:-1]) if text.endswith("\n") else None


def plain_number(text: str) -> int | None:
    """A decimal below 2**63 without leading zeroes; None for every other text."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or str(int(text)) != text or int(text) >= 2**63:
        return None
    return int(text)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    try:
        found = tuple(base64.b64decode(line, validate=True) for line in lines)
    except ValueError as error:
        raise BadNote("base64 is malformed") from error
    if any(len(each) != HASH for each in found):
        raise BadNote("a line of the proof is not 32 bytes")
    return found
