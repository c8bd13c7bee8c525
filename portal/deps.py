"""What routes are given: the house, the person, and `page`, which renders a template with all that every page shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from contracts.errors import StoreUnavailable, refuse
from contracts.house import House
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal import cookies, words
from portal.csrf import Csrf, new_visitor
from portal.figures import FigureCache
from portal.limits import network_of
from portal.openid import Provider


@dataclass(frozen=True)
class Portal:
    """What the portal's own app keeps beside the house: `request.app.state.portal`."""

    templates: Environment
    csrf: Csrf
    figures: FigureCache
    providers: Mapping[str, Provider]


def house_of(request: Request) -> House:
    """The house that this app serves."""
    house: House = request.app.state.house
    return house


def portal_of(request: Request) -> Portal:
    """The app's templates and CSRF tokens."""
    portal: Portal = request.app.state.portal
    return portal


def visitor(request: Request) -> Actor | None:
    """Who is signed in, if anyone; read once a request."""
    if not hasattr(request.state, "actor"):
        request.state.actor = _read_actor(request)
    actor: Actor | None = request.state.actor
    return actor


def present(request: Request) -> Actor:
    """Dependency of the pages where second factors are set up and given: whoever is signed in, by a password alone as well."""
    actor = visitor(request)
    if actor is None:
        raise refuse("sign_in_required", "Sign in to open this page.")
    return actor


def signed_in(request: Request) -> Actor:
    """Dependency: the signed-in person; others are sent to the sign-in page and back, staff without a second factor to set one up."""
    actor = present(request)
    if actor.is_staff and actor.second_factor_at is None:
        raise refuse("second_factor_required", "Staff give a second factor before anything else. Set one up, or give its code.")
    return actor


def partner(request: Request) -> Actor:
    """Dependency: a signed-in person of a partner; staff see such objects on the desk instead."""
    actor = signed_in(request)
    if actor.is_staff or not actor.roles - {Role.AUDITOR}:
        raise refuse("role_required", "This page is for partners. Your own first page is behind the name at the top.")
    return actor


def requires(*roles: Role) -> Callable[[Request], Actor]:
    """Dependency factory: a signed-in person with one of the roles, as `Depends(requires(Role.STEWARD))`."""

    def allowed(request: Request) -> Actor:
        actor = signed_in(request)
        actor.require(*roles)
        return actor

    return allowed


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The template with the person, the platform's words, navigation and a CSRF token; a visitor cookie where it holds a form."""
    portal, house, actor = portal_of(request), house_of(request), visitor(request)
    token = CsrfToken(request, portal.csrf)
    nav = words.navigation(actor)
    shown = {
        "request": request,
        "path": request.url.path,
        "actor": actor,
        "platform": house.settings.platform,
        "demo": house.settings.profile == "demo",
        "mailbox": house.settings.shows_mailbox,
        "home": words.home_of(actor),
        "nav": nav,
        "here": words.current_item(nav, request.url.path),
        "now": house.clock.now(),
        "done": words.DONE.get(request.query_params.get("done", "")),
        "csrf_token": token,
    }
    response = HTMLResponse(portal.templates.get_template(template).render(shown | context), status)
    response.headers["cache-control"] = "no-store" if actor or token.used else "no-cache"
    return response


def go(path: str, done: str = "") -> Response:
    """Send the browser on after a form, with a code of `words.DONE` to say what was done."""
    if done and done not in words.DONE:
        raise KeyError(done)
    address, mark, place = path.partition("#")
    joint = "&" if "?" in address else "?"
    return RedirectResponse(f"{address}{joint}done={done}{mark}{place}" if done else path, 303)


def safe_path(path: str) -> str:
    """A path on this portal, or empty: what a visitor names as the next page never leads elsewhere."""
    inside = path.startswith("/") and not path.startswith("//")
    return path if inside and path.isprintable() and "\\" not in path and len(path) <= 500 else ""


def sign_in_path(next_path: str) -> str:
    """The sign-in page that leads back to a path."""
    return f"/sign-in?next={quote(next_path, safe='')}" if safe_path(next_path) else "/sign-in"


def factor_path(next_path: str) -> str:
    """The page that sets up or asks for a second factor and leads back to a path."""
    return f"/account/second-factor?next={quote(next_path, safe='')}" if safe_path(next_path) else "/account/second-factor"


class CsrfToken:
    """Renders as the token. The visitor cookie is made only when a template asks, so plain pages set no cookie."""

    def __init__(self, request: Request, csrf: Csrf) -> None:
        self._request, self._csrf = request, csrf
        self.used = False

    def __str__(self) -> str:
        self.used = True
        if not cookies.holder_of(self._request):
            cookies.put(self._request, cookies.VISITOR, new_visitor())
        return self._csrf.token(cookies.holder_of(self._request))

    def __html__(self) -> str:
        return str(self)


def _read_actor(request: Request) -> Actor | None:
    token = cookies.session_of(request)
    if not token:
        return None
    house = house_of(request)
    with house.store.read() as session:
        actor = people.actor_of(session, token, house.clock.now(), network_of(request))
        stale = actor is not None and people.needs_touch(session, token, house.clock.now())
    if stale and not house.store.writing:
        # Reading goes on where the store takes no writes: when someone was last here is no entry.
        with suppress(StoreUnavailable), house.store.write("touch") as unit:
            people.touch(unit, token)
    return actor
