"""The people's face: the FastAPI app of all pages, with the headers and checks that hold for every one of them."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import Refused, refuse
from contracts.house import House
from contracts.settings import Settings
from portal import cookies, csrf, filters, problems, uploads
from portal.deps import Portal, portal_of
from portal.figures import FigureCache
from portal.limits import count_in, limiter
from portal.openid import Provider
from portal.timelines import fold
from portal.words import state_word

FOLDER = Path(__file__).parent
MAX_BODY_BYTES = 256 * 1024
AREAS = ("public", "account", "partner", "desk", "compliance", "audit", "operator", "demo")

_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def create_portal(house: House) -> FastAPI:
    """The app with every area's router, serving from this house."""
    # Its redirect of a slash too many would name whatever host the request named; `problems` has one that names none.
    bare: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None, "redirect_slashes": False}
    app = FastAPI(title="Licet portal", dependencies=[Depends(_check_request)], **bare)
    problems.install(app)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    for make in routers():
        app.include_router(make(house))
    app.add_middleware(_Guard, secure=house.settings.secure)
    return serve_from(app, house)


def serve_from(app: FastAPI, house: House) -> FastAPI:
    """The app, with what its pages take from this house; limits in memory count from nothing again."""
    app.state.house = house
    app.state.portal = Portal(templates(), csrf.Csrf(house.store, house.keys), FigureCache(house.store), providers_of(house.settings))
    app.state.limiter = limiter
    count_in(house.settings.shared)
    return app


def providers_of(settings: Settings) -> dict[str, Provider]:
    """The institutions of the settings, each with its own address here."""
    base = settings.base_url.rstrip("/")
    return {name: Provider(each, f"{base}/sign-in/with/{name}/back") for name, each in settings.sign_in.items()}


def routers() -> list[Callable[[House], APIRouter]]:
    """The `router` of every area of `portal.pages`."""
    return [import_module(name).router for name in (f"portal.pages.{area}" for area in AREAS) if importlib.util.find_spec(name)]


@cache
def templates() -> Environment:
    """Jinja2 with our filters; an unknown name in a template is an error, and everything is escaped."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in (
        filters.day,
        filters.moment,
        filters.exact,
        filters.number,
        filters.percent,
        filters.money,
        filters.short_hash,
        filters.in_words,
    ):
        environment.filters[each.__name__] = each
    environment.globals.update(ago_words=filters.ago, bar_chart=filters.bar_chart, state_word=state_word, asset=_asset(), fold=fold)
    return environment


def _asset() -> Callable[[str], str]:
    """The address of a static file with its hash, so that browsers may keep it for good."""
    files = [each for each in (FOLDER / "static").iterdir() if each.is_file()]
    hashes = {each.name: hashlib.sha256(each.read_bytes()).hexdigest()[:12] for each in files}
    return lambda name: f"/static/{name}?v={hashes[name]}"


async def _check_request(request: Request) -> None:
    """Dependency of every route: no NUL in the address, and a request that changes something carries this session's CSRF token."""
    # PostgreSQL takes no NUL in text, so a look-up by such an id or word would be a fault of the store.
    if "\0" in request.scope["path"] or any("\0" in value for value in request.query_params.values()):
        raise refuse("bad_request", "The address holds a character that cannot stand there. Follow a link instead of typing it.")
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    who = uploads.sender(request)
    if who is not None:
        await uploads.receive_upload(request, who)
        return
    form = await request.form()
    refusal = portal_of(request).csrf.check(
        cookies.holder_of(request), str(form.get(csrf.FIELD, "")), request.headers.get("sec-fetch-site")
    )
    if refusal is not None:
        raise Refused(refusal)


class _Guard:
    """Security headers and cookies on every answer, and a cap on what may be sent."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self._app, self._secure = app, secure
        self._headers = _HEADERS | ({"strict-transport-security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        keep = scope["path"].startswith("/static/") and b"v=" in scope.get("query_string", b"")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A page that sends people elsewhere from a form names the place in a policy of its own.
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                for cookie in cookies.headers(state, self._secure):
                    headers.append("set-cookie", cookie)
                if "upload" in state and state["upload"].close:
                    headers["connection"] = "close"
                if keep and message["status"] == 200:
                    headers["cache-control"] = "public, max-age=31536000, immutable"
            await send(message)

        try:
            await self._app(scope, _capped(receive, state), guarded)
        finally:
            if "upload" in state:
                state["upload"].drop()


def _capped(receive: Receive, state: dict[str, Any]) -> Receive:
    """Who reads a form with a file counts by itself, and says so in the request's state (`portal.uploads`)."""
    taken = 0

    async def capped() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > state.get("most_body_bytes", MAX_BODY_BYTES):
            raise refuse("body_too_large", "Forms here hold at most 256 KiB. Shorten the longest text and send the form again.")
        return message

    return capped
