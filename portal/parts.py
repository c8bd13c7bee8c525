"""The parts of an installation that a process may serve."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """One part: machines' face, people's face, the gate, and the recurring work."""

    API = "api"
    PORTAL = "portal"
    GATE = "gate"
    WORKER = "worker"


Parts = frozenset[Part]
WHOLE: Parts = frozenset(Part)
