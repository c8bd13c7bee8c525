"""Hot endpoints as plain ASGI handlers ahead of FastAPI's routing, which would cost more than their work."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from api.direct import Direct
from api.problems import respond
from contracts.errors import Refusal

NOT_ALLOWED = Refusal("method_not_allowed", "This address does not take that HTTP method.")
HotHandler = Callable[[Scope, Receive, Send, dict[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class HotRoute:
    """One hot endpoint: methods, a path with `{name}` parts (`{name:path}` takes whatever follows), and its handler.

    `direct` answers what POST requests it can without ASGI.
    """

    methods: tuple[str, ...]
    path: str
    handler: HotHandler
    summary: str
    direct: Direct | None = None


class Front:
    """Tries hot routes in order, then hands the request to the rest of the house.

    Another method at a hot route's own address is refused here with those that it takes (RFC 9110 section 15.5.6).
    """

    def __init__(self, routes: Sequence[HotRoute], rest: ASGIApp) -> None:
        self._exact = {(method, route.path): route.handler for route in routes if "{" not in route.path for method in route.methods}
        self._methods = {path: sorted(method for method, each in self._exact if each == path) for _, path in self._exact}
        self._patterns = [(route.methods, _compile(route.path), route.handler) for route in routes if "{" in route.path]
        self._rest = rest
        self.routes = tuple(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        handler = self._exact.get((method, path))
        if handler is not None:
            await handler(scope, receive, send, {})
            return
        for methods, pattern, found in self._patterns:
            match = pattern.fullmatch(path)
            if match and method in methods:
                await found(scope, receive, send, match.groupdict())
                return
        if path in self._methods:
            await respond(NOT_ALLOWED, {"allow": ", ".join(self._methods[path])})(scope, receive, send)
            return
        await self._rest(scope, receive, send)


def _compile(path: str) -> re.Pattern[str]:
    whole = re.sub(r"\\{(\w+):path\\}", r"(?P<\1>[\\s\\S]*)", re.escape(path))
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", whole))
