"""The two cookies of the portal: a signed-in person's session, and a random one that ties a stranger's forms to the browser.

Scripts and other sites cannot use them. Under https their names begin with __Host-, so that no other host of the same domain can
plant one (RFC 6265bis section 4.1.3.2). They are set on whatever answer the request gets, refusals included.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request

from contracts.people.service import SESSION_LIFETIME

SESSION, VISITOR = "licet_session", "licet_visitor"
SECONDS = int(SESSION_LIFETIME.total_seconds())


def session_of(request: Request) -> str:
    """The token of this browser's session, also where this very request renewed it; empty where there is none."""
    return _read(request, SESSION)


def visitor_of(request: Request) -> str:
    """The value that ties a stranger's forms to this browser; empty where there is none."""
    return _read(request, VISITOR)


def holder_of(request: Request) -> str:
    """What this browser's forms are bound to: its session, else the stranger's value."""
    return session_of(request) or visitor_of(request)


def keep_session(request: Request, token: str) -> None:
    """Let the browser hold this session from now on. What a stranger's forms were bound to is worth nothing after."""
    put(request, SESSION, token)
    if visitor_of(request):
        put(request, VISITOR, "")


def drop_session(request: Request) -> None:
    """Take the session from the browser, with the stranger's value."""
    put(request, SESSION, "")
    put(request, VISITOR, "")


def put(request: Request, name: str, value: str, seconds: int = SECONDS) -> None:
    """Set a cookie on the answer to this request, or delete it with an empty value."""
    _set(request)[name] = (value, seconds if value else 0)


def get(request: Request, name: str) -> str:
    """A cookie's value as it will be after this request."""
    return _read(request, name)


def headers(state: dict[str, dict[str, tuple[str, int]]], secure: bool) -> Iterable[str]:
    """The Set-Cookie headers of what was put in a request's state."""
    for name, (value, seconds) in state.get("cookies", {}).items():
        yield f"{_name(name, secure)}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=lax" + ("; Secure" if secure else "")


def _read(request: Request, name: str) -> str:
    put_now = _set(request).get(name)
    if put_now is not None:
        return put_now[0]
    return request.cookies.get(_name(name, request.app.state.house.settings.secure), "")


def _set(request: Request) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = request.scope.setdefault("state", {}).setdefault("cookies", {})
    return found


def _name(name: str, secure: bool) -> str:
    return f"__Host-{name}" if secure else name
