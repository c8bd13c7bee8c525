"""The gate as Envoy's HTTP `ext_authz` asks it.

Envoy takes exactly 200 as a yes and any 5xx as a failure of the gate, which open routes let pass: so a refusal that says "not now" goes
out as 424 and the configuration turns it back into the status that it is. A header of the visitor stays unless it is named for removal.
"""

from __future__ import annotations

from collections.abc import Callable

from api.gate.asked import Asked
from api.gate.reply import Reply, is_for_gate, passed, whole
from contracts.gate.decide import Decision
from contracts.gate.telling import Telling

NOT_NOW = 424


def answer(decision: Decision, asked: Asked, telling: Telling, sealed: Callable[[Decision], str]) -> Reply:
    """200 with what the site may learn, or the refusal whole."""
    if decision.allow:
        return passed(decision, asked, {"x-envoy-auth-headers-to-remove": "authorization"} if is_for_gate(decision, asked) else None)
    told = whole(decision, asked, telling)
    return told._replace(status=NOT_NOW) if told.status >= 500 else told
