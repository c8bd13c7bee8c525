"""What the ledger's, the gate's, the inbox's and the operator's addresses take and answer; and all of it together."""

from __future__ import annotations

from api.data import description as data
from api.oauth import description as oauth
from api.openapi import TEXT, Operations, answer, empty, in_path, operation, problems, thing
from contracts.crawlers.directory import MEDIA_TYPE, PATH

_STATUS = thing({"status": TEXT}, ("status",))
_NUMBER = {"type": "integer"}
_RETENTION = thing(
    {
        "policy": {"type": "object"},
        "minimum_index": _NUMBER,
        "kept_tiles": {"type": "array"},
        "pruned": _NUMBER,
        "next_run": {"type": ["object", "null"]},
        "runs": {"type": "array"},
    },
    ("policy", "minimum_index", "kept_tiles", "pruned", "next_run", "runs"),
)
_LOG = in_path("number", "Which closed log, counted from 1")
_TILE = [in_path("level", "Height in the tree; `entries` are not public"), in_path("place", "Which tile, as C2SP tlog-tiles says")]

_WORDS = {
    "description": "What the stopped visitor is sent, as it stands.",
    "content": {"text/plain": {"schema": TEXT}, "text/html": {"schema": TEXT}},
}
_STOPPED = dict.fromkeys((400, 401, 402, 403, 429, 451, 503), _WORDS)

OPERATIONS: Operations = {
    **oauth.OPERATIONS,
    **data.OPERATIONS,
    ("GET", "/ledger/checkpoint"): operation({200: answer(TEXT, "text/plain"), **problems(404, 503)}),
    ("GET", "/ledger/consistency/{old}"): operation(
        {200: answer(TEXT, "text/plain"), **problems(404, 503)},
        parameters=[in_path("old", "How many entries the checkpoint signs that you kept")],
    ),
    ("GET", "/ledger/retention"): operation({200: answer(_RETENTION)}),
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
    ("GET", "/gate/nginx/stopped"): operation(_STOPPED),
    **{
        ("GET", f"/gate/{proxy}"): operation({200: empty("Let the request through."), **_STOPPED})
        for proxy in ("traefik", "caddy", "haproxy")
    },
    **{
        (method, "/gate/envoy/{target}"): operation(
            {200: empty("Let the request through."), 424: _WORDS, **_STOPPED},
            parameters=[in_path("target", "The visitor's own path; method, Host and query are the visitor's too")],
        )
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    },
    ("POST", "/inbox/stripe"): operation(
        {200: empty("Kept."), **problems(400, 401, 503)},
        body={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    ),
    ("GET", "/healthz"): operation({200: answer(_STATUS)}),
    ("GET", "/readyz"): operation({200: answer(_STATUS), 503: answer(_STATUS, description="What fails is named.")}),
    ("GET", "/metrics"): operation({200: answer(TEXT, "text/plain")}),
}
