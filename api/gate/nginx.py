"""The gate as nginx's `auth_request` asks it, twice for a visitor that is stopped.

nginx turns every answer but 2xx, 401 and 403 into 500, adds a header of its own to 401, and closes the connection on a body. So the
first answer is always 200 or 403 with an empty body, and everything else stands in headers; on 403 nginx asks again with the decision
that it was handed and passes that second answer on whole (`docs/gate/nginx.conf`).
"""

from __future__ import annotations

from collections.abc import Callable

from api.gate.asked import Asked
from api.gate.reply import Reply, found, passed, raw
from contracts.gate.decide import Decision
from contracts.gate.telling import Telling

REPLAY = "x-gate-replay"


def answer(decision: Decision, asked: Asked, telling: Telling, sealed: Callable[[Decision], str]) -> Reply:
    """200, or 403 for whatever the visitor is told; `x-gate-replay` is what nginx hands back for the rest."""
    if decision.allow:
        return passed(decision, asked)
    return Reply(403, raw([*found(decision, asked), (REPLAY, sealed(decision)), ("cache-control", "no-store"), ("content-length", "0")]))
