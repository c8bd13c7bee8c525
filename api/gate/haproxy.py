"""The gate as the Lua action that comes with HAProxy's configuration asks it: the refusal goes to the visitor whole.

The action takes Authorization away where `x-gate-credential` says that it was for the gate.
"""

from __future__ import annotations

from collections.abc import Callable

from api.gate.asked import Asked
from api.gate.reply import Reply, passed, whole
from contracts.gate.decide import Decision
from contracts.gate.telling import Telling


def answer(decision: Decision, asked: Asked, telling: Telling, sealed: Callable[[Decision], str]) -> Reply:
    """200 with what the site may learn, or the refusal whole."""
    return passed(decision, asked) if decision.allow else whole(decision, asked, telling)
