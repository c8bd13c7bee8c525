"""The house's one error tree. The domain knows codes; each face maps kinds to its own statuses once.

LicetError
├── Refused            a rule said no; carries a `Refusal` (code, reason, facts)
├── Misconfigured      a setting is missing, unknown or unsafe; the process does not start
├── Unserved           the platform that a partner's command asks did not do it; says what to do next
├── StoreUnavailable   the store did not take a write; nothing happened
└── StaleEpoch         facts changed while a request ran; it is run again, never answered
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.codes import CODES, Kind


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal as a value: a stable code, a reason that a person can act on, and facts for machines.

    A code that `contracts.codes` does not list cannot be constructed, so none is undocumented.
    """

    code: str
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise KeyError(f"refusal code {self.code!r} is not listed in contracts.codes")

    @property
    def kind(self) -> Kind:
        """What sort of refusal it is; faces map it to a status."""
        return CODES[self.code].kind


class LicetError(Exception):
    """Root of every error that the house raises on purpose."""


class Refused(LicetError):
    """A rule said no."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.reason}")
        self.refusal = refusal


class Misconfigured(LicetError):
    """A setting is missing, unknown or unsafe. `where` names it, `mend` says what to do."""

    def __init__(self, where: str, problem: str, mend: str) -> None:
        super().__init__(f"{where}: {problem} {mend}")
        self.where, self.problem, self.mend = where, problem, mend


class Unserved(LicetError):
    """A platform that this machine asked as a partner's did not do what was asked. The text is for the person at the terminal."""


class StoreUnavailable(LicetError):
    """The store did not take a write; nothing of the request happened."""


class StaleEpoch(LicetError):
    """A grant or an erasure changed while the request ran; the caller loads the facts again and re-runs."""


def refuse(code: str, reason: str, **facts: Any) -> Refused:
    """A `Refused` ready to raise."""
    return Refused(Refusal(code, reason, facts))
