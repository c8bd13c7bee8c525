"""Refusals as RFC 9457 problem+json: the one place where kinds of refusal become statuses of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from contracts.codes import CODES, Kind
from contracts.errors import LicetError, Refusal, Refused, StoreUnavailable

STATUS: dict[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.NOT_ALLOWED: 405,
    Kind.CONFLICT: 409,
    Kind.LIMITED: 429,
    Kind.UNAVAILABLE: 503,
}

MEDIA_TYPE = "application/problem+json"


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal."""
    return STATUS[refusal.kind]


def body_of(refusal: Refusal, request_id: str = "", entry: str = "") -> bytes:
    """The problem document. `title` is the code's meaning, `detail` and `reason` what this caller can do."""
    problem: dict[str, Any] = {
        "type": f"urn:licet:problem:{refusal.code}",
        "title": CODES[refusal.code].meaning,
        "status": status_of(refusal),
        "detail": refusal.reason,
        "code": refusal.code,
        "reason": refusal.reason,
        **dict(refusal.facts),
    }
    if request_id:
        problem["instance"] = f"urn:licet:request:{request_id}"
    if entry:
        problem["entry"] = entry
    return orjson.dumps(problem)


def respond(refusal: Refusal, headers: Mapping[str, str] | None = None, request_id: str = "", entry: str = "") -> Response:
    """The refusal as a response."""
    return Response(body_of(refusal, request_id, entry), status_of(refusal), {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE)


def from_error(error: LicetError) -> Refusal:
    """The refusal that an error of the house means to a caller."""
    if isinstance(error, Refused):
        return error.refusal
    return Refusal("store_unavailable", "The ledger takes no entries at the moment, so nothing was answered. Try again shortly.")


async def on_error(_request: Request, error: Exception) -> Response:
    """Exception handler of the FastAPI app for the house's own errors."""
    if not isinstance(error, LicetError):
        raise error
    headers = {"retry-after": "2"} if isinstance(error, StoreUnavailable) else {}
    return respond(from_error(error), headers)
