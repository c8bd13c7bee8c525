"""The ways in which a partner signs: in the account, in the PDF itself, on paper, or before Licet. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from contracts.errors import Refusal, refuse

SHORT = 16


class Method(StrEnum):
    """How a signature was given."""

    ACCOUNT = "account"
    PDF = "pdf"
    PAPER = "paper"
    BEFORE = "before"


AUTHORITIES: dict[str, str] = {
    "office": "My office lets me: I am its director, rector, registrar or the like",
    "power": "I have a written power of attorney",
    "rules": "Its rules on who signs what let me",
}
"""What lets a person bind the organisation, as they state it."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a signature came, and the file that shows it where it came from elsewhere; `signers` are those of a PDF's own certificates."""

    method: Method
    file_sha256: str = ""
    file_type: str = ""
    signers: tuple[str, ...] = ()

    def facts(self) -> dict[str, str]:
        """What the ledger says of the file."""
        return {"file_sha256": self.file_sha256} if self.file_sha256 else {}


IN_ACCOUNT = Way(Method.ACCOUNT)


def known(authority: str) -> str:
    """The authority as one of those that a person can state; `invalid_input` otherwise."""
    if authority not in AUTHORITIES:
        message = "Say what lets you sign for your organisation."
        raise refuse("invalid_input", message, fields={"authority": message})
    return authority


def compared(typed: str, text_sha256: str) -> Refusal | None:
    """`hash_differs` unless what was typed off the paper is the short hash of the text; blanks, hyphens and capitals do not matter."""
    if re.sub(r"[\s-]", "", typed).lower() == text_sha256[:SHORT]:
        return None
    reason = (
        "This is not the short hash of the version under signature, so the paper is of another one. "
        "Compare it once more with the last page of the scan; where it is right, send the partner the present version to sign."
    )
    return Refusal("hash_differs", reason, {"fields": {"short_hash": reason}})
