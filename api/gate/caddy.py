"""The gate as Caddy's `forward_auth` asks it: the refusal goes to the visitor whole.

On a pass it replaces the headers that its configuration names by those of the answer, so a site's own Authorization is handed back in
it and one of ours is left out.
"""

from __future__ import annotations

from collections.abc import Callable

from api.gate.asked import Asked
from api.gate.reply import Reply, own_authorization, passed, whole
from contracts.gate.decide import Decision
from contracts.gate.telling import Telling


def answer(decision: Decision, asked: Asked, telling: Telling, sealed: Callable[[Decision], str]) -> Reply:
    """200 with what the site may learn, or the refusal whole."""
    return passed(decision, asked, own_authorization(decision, asked)) if decision.allow else whole(decision, asked, telling)
