"""The time in which the gate could not decide and let requests through: noted in memory, and written as an incident by a job."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from contracts.clock import rfc3339
from contracts.incidents.service import open_incident
from contracts.store.unit import Unit

KIND = "gate_open"
TITLE = "The gate let requests through that it could not decide in time"


@dataclass(frozen=True, slots=True)
class Opening:
    """So many requests were let through undecided within a span of time."""

    since: datetime
    until: datetime
    requests: int

    def __add__(self, later: Opening) -> Opening:
        return Opening(min(self.since, later.since), max(self.until, later.until), self.requests + later.requests)


class Openings:
    """Noted by the request path, taken by the job; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opening: Opening | None = None

    def note(self, opening: Opening) -> None:
        """Add to what is waiting to be written."""
        with self._lock:
            self._opening = opening if self._opening is None else self._opening + opening

    def take(self) -> Opening | None:
        """What was noted since the last call."""
        with self._lock:
            taken, self._opening = self._opening, None
        return taken


def write(unit: Unit, opening: Opening) -> None:
    """Open an incident, or add to the one that is open: it says since and until when, and how many requests."""
    incident = open_incident(unit, KIND, TITLE, _facts(opening))
    before = incident.facts
    if before != _facts(opening):
        more = {"until": rfc3339(opening.until), "requests": int(before.get("requests", 0)) + opening.requests}
        incident.facts = {**before, **more}
        unit.session.add(incident)


def _facts(opening: Opening) -> dict[str, object]:
    return {"from": rfc3339(opening.since), "until": rfc3339(opening.until), "requests": opening.requests}
