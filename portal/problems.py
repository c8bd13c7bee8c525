"""Refusals as pages: the one place where kinds of refusal become statuses of the portal. The statuses mean the same as the API's."""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from limits.errors import StorageError
from slowapi.errors import RateLimitExceeded
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.codes import CODES, Kind
from contracts.errors import LicetError, Refusal, Refused, StaleEpoch
from contracts.ids import new_id
from portal.deps import factor_path, go, page, safe_path, sign_in_path

log = structlog.get_logger()

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

_HEADINGS: dict[Kind, str] = {
    Kind.MALFORMED: "This could not be read",
    Kind.INVALID: "Something in the form is not right",
    Kind.UNAUTHENTICATED: "Please sign in",
    Kind.FORBIDDEN: "This is not yours to do",
    Kind.MISSING: "There is nothing here",
    Kind.NOT_ALLOWED: "This cannot be done here",
    Kind.CONFLICT: "This is not possible any more",
    Kind.LIMITED: "Too often, for now",
    Kind.UNAVAILABLE: "Not possible at this moment",
}


def install(app: FastAPI) -> None:
    """Give the app a page for every error."""
    app.add_exception_handler(LicetError, _on_error)
    app.add_exception_handler(RateLimitExceeded, _on_limit)
    app.add_exception_handler(StorageError, _on_uncounted)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)


def problem(request: Request, refusal: Refusal, retry_after: int | None = None) -> Response:
    """The refusal as a page, or as JSON for those who ask for it; both name the code, the reason and whom to ask."""
    status = STATUS[refusal.kind]
    headers = {"retry-after": str(retry_after)} if retry_after is not None else {}
    if wants_json(request):
        body = {"title": CODES[refusal.code].meaning, "status": status, "detail": refusal.reason, "code": refusal.code}
        return JSONResponse(body, status, headers, "application/problem+json")
    told = {"heading": _HEADINGS[refusal.kind], "refusal": refusal, "meaning": CODES[refusal.code].meaning}
    mend = factor_path(_came_from(request)) if refusal.code in ("second_factor_required", "reauthentication_required") else ""
    response = page(request, "problem.html", status, mend=mend, **told)
    response.headers.update(headers)
    return response


def wants_json(request: Request) -> bool:
    """Whether the caller prefers JSON to a page: it names JSON and not HTML."""
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


def _on_error(request: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        if error.refusal.code == "sign_in_required" and request.method == "GET" and not wants_json(request):
            return go(sign_in_path(_back_to(request)))
        if error.refusal.code == "second_factor_required" and request.method == "GET" and not wants_json(request):
            return go(factor_path(_back_to(request)))
        return problem(request, error.refusal)
    if isinstance(error, StaleEpoch):
        return problem(request, Refusal("changed_meanwhile", "Load the page again and repeat what you did."))
    log.warning("portal.unavailable", error=type(error).__name__)
    reason = "The ledger takes no entries at the moment, so nothing was done. Try again in a few seconds."
    return problem(request, Refusal("store_unavailable", reason), retry_after=2)


def _back_to(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return safe_path(request.url.path + query)


def _came_from(request: Request) -> str:
    """The page of ours whose form was sent; empty where the browser does not say."""
    told = urlsplit(request.headers.get("referer", ""))
    return safe_path(told.path + (f"?{told.query}" if told.query else "")) if told.netloc == request.url.netloc else ""


def _on_limit(request: Request, _error: Exception) -> Response:
    reason = "This page was used very often from your network. Wait a minute and try again."
    return problem(request, Refusal("too_many_requests", reason), retry_after=60)


def _on_uncounted(request: Request, _error: Exception) -> Response:
    log.warning("portal.uncounted")
    reason = "This page cannot be kept to its pace at the moment, so it is not shown. Try again in a few seconds."
    return problem(request, Refusal("store_unavailable", reason), retry_after=2)


def _on_validation(request: Request, _error: Exception) -> Response:
    return problem(request, Refusal("bad_request", "The address or form lacks something or holds a wrong value. Go back and try again."))


def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    if status == 404 and request.method == "GET" and request.url.path.strip("/") and request.url.path.endswith("/"):
        return go(f"/{request.url.path.strip('/')}")
    response = problem(request, _HTTP.get(status, _HTTP[400]))
    # Which methods the address takes, where it was asked by another (RFC 9110 section 15.5.6).
    response.headers.update(getattr(error, "headers", None) or {})
    return response


def _on_fault(request: Request, error: Exception) -> Response:
    reference = new_id("req")
    # The route and not the address: addresses of one-time links hold their token.
    route = getattr(request.scope.get("route"), "path", "")
    log.error("portal.fault", reference=reference, route=route, error=f"{type(error).__name__}: {error}", exc_info=error)
    return page(request, "fault.html", 500, reference=reference)


_HTTP: dict[int, Refusal] = {
    400: Refusal("bad_request", "The request could not be read. Go back and try again."),
    404: Refusal("not_found", "Look at the address for a slip, or start again from your first page."),
    405: Refusal("method_not_allowed", "This address does not take such a request. Start again from your first page."),
}
