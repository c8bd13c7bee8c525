"""What the ledger's, the gate's, the inbox's and the operator's addresses take and answer; and all of it together."""

from __future__ import annotations

from api.data import description as data
from api.oauth import description as oauth
from api.openapi import TEXT, Operations, answer, empty, in_path, operation, problems, thing
from contracts.crawlers.directory import MEDIA_TYPE, PATH

_STATUS = thing({"status": TEXT}, ("status",))
_LOG = in_path("number", "Which closed log, counted from 1")
_TILE = [in_path("level", "Height in the tree; `entries` are not public"), in_path("place", "Which tile, as C2SP tlog-tiles says")]

OPERATIONS: Operations = {
    **oauth.OPERATIONS,
    **data.OPERATIONS,
    ("GET", "/ledger/checkpoint"): operation({200: answer(TEXT, "text/plain"), **problems(404, 503)}),
    ("GET", "/ledger/consistency/{old}"): operation(
        {200: answer(TEXT, "text/plain"), **problems(404, 503)},
        parameters=[in_path("old", "How many entries the checkpoint signs that you kept")],
    ),
    ("GET", "/ledger/verify_licet.py"): operation({200: answer(TEXT, "text/x-python")}),
    ("GET", "/ledger/tile/{level}/{place}"): operation(
        {200: answer(TEXT, "application/octet-stream"), **problems(403, 404, 503)}, parameters=_TILE
    ),
    ("GET", "/ledger/logs/{number}/checkpoint"): operation({200: answer(TEXT, "text/plain"), **problems(404, 503)}, parameters=[_LOG]),
    ("GET", "/ledger/logs/{number}/tile/{level}/{place}"): operation(
        {200: answer(TEXT, "application/octet-stream"), **problems(403, 404, 503)}, parameters=[_LOG, *_TILE]
    ),
    ("GET", PATH): operation({200: answer(thing({"keys": {"type": "array"}}, ("keys",)), MEDIA_TYPE)}),
    ("GET", "/gate/nginx"): operation({200: empty("Let the request through."), 403: empty("Stop it; the headers say how.")}),
    ("POST", "/inbox/stripe"): operation(
        {200: empty("Kept."), **problems(400, 401, 503)},
        body={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    ),
    ("GET", "/healthz"): operation({200: answer(_STATUS)}),
    ("GET", "/readyz"): operation({200: answer(_STATUS), 503: answer(_STATUS, description="What fails is named.")}),
    ("GET", "/metrics"): operation({200: answer(TEXT, "text/plain")}),
}
