"""The demo's main site: a small place of the same posts that the dataset holds, and the gate before it without a proxy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.gate import signals
from contracts.gate.decide import Decision
from contracts.gate.facts import Facts, Signed
from contracts.gate.service import Gate
from contracts.gate.telling import PRIVATE, TO_SITE, Telling
from portal.demo.platform import Author, DemoPlatform, Post

POSTS_A_PAGE = 25
_FOLDER = Path(__file__).parent / "templates"
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def site_app(platform: DemoPlatform, name: str = "Agora") -> ASGIApp:
    """The site: `/posts/` newest first, `/posts/{id}`, `/authors/{handle}`. Knows nothing of Licet."""
    pages = _Pages(platform, name)
    routes = [
        Route("/", pages.home),
        Route("/posts/", pages.posts),
        Route("/posts/{id:int}", pages.post),
        Route("/authors/{handle}", pages.author),
        Route("/static/site.css", pages.style),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: pages.missing})


def gated(site: ASGIApp, gate: Gate) -> ASGIApp:
    """The site behind the same gate as a proxy would ask, decided in this process; for the demo, where no proxy is installed.

    Believes the peer's address alone: no forwarded header, whoever sends it.
    """
    return _Gated(site, gate)


class _Pages:
    """Plain functions, so that they run in threads: the first page of an author reads every post."""

    def __init__(self, platform: DemoPlatform, name: str) -> None:
        self._platform, self._name = platform, name
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._style = (_FOLDER / "site.css").read_text(encoding="utf-8")

    def home(self, _request: Request) -> Response:
        """The list is the home page, under the path that contracts name."""
        return RedirectResponse("/posts/", 303)

    def posts(self, request: Request) -> Response:
        """Posts before a number, newest first."""
        before = request.query_params.get("before", "")
        last = min(int(before), self._platform.posts + 1) if before.isdecimal() and len(before) < 10 else self._platform.posts + 1
        shown: list[Post] = []
        number = last
        while len(shown) < POSTS_A_PAGE and number > 1:
            number -= 1
            post = self._shown(number)
            if post is not None:
                shown.append(post)
        return self._page("posts.html", posts=shown, older=number if number > 1 else None)

    def post(self, request: Request) -> Response:
        """One post, with those before and after it."""
        number = int(request.path_params["id"])
        post = self._shown(number)
        if post is None:
            raise HTTPException(404)
        return self._page("post.html", post=post, older=self._next(number, -1), newer=self._next(number, +1))

    def author(self, request: Request) -> Response:
        """An author's latest posts."""
        author = self._author(str(request.path_params["handle"]))
        if author is None:
            raise HTTPException(404)
        numbers = self._platform.posts_by(author)
        latest = [post for number in reversed(numbers[-2 * POSTS_A_PAGE :]) if (post := self._shown(number))]
        return self._page("author.html", author=author, posts=latest[:POSTS_A_PAGE], total=len(numbers))

    def style(self, _request: Request) -> Response:
        """The site's one style sheet."""
        return Response(self._style, media_type="text/css", headers={"cache-control": "public, max-age=3600"})

    def missing(self, _request: Request, error: Exception) -> Response:
        """The page for what is not there."""
        return self._page("missing.html", status=error.status_code if isinstance(error, HTTPException) else 404)

    def _page(self, template: str, status: int = 200, **context: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(name=self._name, **context), status, headers=_HEADERS)

    def _shown(self, number: int) -> Post | None:
        post = self._platform.post(number)
        return post if post is not None and post.is_shown else None

    def _next(self, number: int, step: int) -> int | None:
        number += step
        while 1 <= number <= self._platform.posts and self._shown(number) is None:
            number += step
        return number if 1 <= number <= self._platform.posts else None

    def _author(self, handle: str) -> Author | None:
        number = handle.rpartition("_")[2]
        author = self._platform.author(int(number)) if number.isdecimal() and len(number) < 10 else None
        return author if author is not None and author.handle == handle else None


_OF_SIGNATURES = (b"signature-input", b"signature", b"signature-agent", b"content-digest")


class _Gated:
    def __init__(self, site: ASGIApp, gate: Gate) -> None:
        self._site, self._gate, self._telling = site, gate, Telling(gate.settings)
        robots, licence = signals.robots(gate.settings), signals.licence(gate.settings)
        self._open: dict[str, Response] = {
            "/robots.txt": Response(robots, media_type="text/plain"),
            "/license.xml": Response(licence, media_type=signals.RSL_MEDIA_TYPE),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._site(scope, receive, send)
            return
        decision = await self._gate.decide(_facts(scope))
        if not decision.allow:
            await self._stop(scope, send, decision)
            return
        answer: ASGIApp = self._open.get(scope["path"], self._site)
        await answer(_for_site(scope, decision), receive, send)

    async def _stop(self, scope: Scope, send: Send, decision: Decision) -> None:
        stopped = self._telling.answer(decision, _header(scope, b"accept"))
        told = [(name.encode(), value.encode("latin-1", "replace")) for name, value in stopped.headers]
        length = (b"content-length", str(len(stopped.body)).encode())
        await send({"type": "http.response.start", "status": stopped.status, "headers": [*told, length]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else stopped.body})


def _facts(scope: Scope) -> Facts:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    client, query = scope.get("client"), scope["query_string"].decode("latin-1")
    target = scope.get("raw_path", scope["path"].encode()).decode("latin-1") + (f"?{query}" if query else "")
    signed = Signed(*(headers.get(name, "") for name in _OF_SIGNATURES))
    return Facts(
        scope["method"],
        headers.get(b"host", ""),
        target,
        client[0] if client else "",
        headers.get(b"user-agent", ""),
        headers.get(b"authorization", ""),
        # The site listens on loopback alone, where nobody listens in: as good as https for whoever signs.
        scheme="https",
        signature=signed if signed.input else None,
    )


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for found, value in scope["headers"] if found == name), "")


def _for_site(scope: Scope, decision: Decision) -> Scope:
    """The request as the site may see it: without tokens of ours and without headers that only the gate may set."""
    private = tuple(each.encode() for each in PRIVATE)
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if not name.startswith(private) and not (decision.licensed and name == b"authorization")
    ]
    told = zip(TO_SITE, (decision.contract_id, decision.id), strict=True)
    return {**scope, "headers": [*kept, *((name.encode(), value.encode()) for name, value in told if value)]}
