"""Every address of both faces is held to a limit, or listed here as exempt with the reason, which is tried as well.

The routes are read from the apps, so a new address fails until it is limited or listed. People's pages are limited by slowapi's
decorator on the very function that the route calls. Machines' addresses are asked from one network until they say 429 (the gate: until
the budget of pages stops the network), whatever counts behind them.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from api.app import create_machines
from contracts.house import House
from contracts.settings import Mail, Settings, write_master_key
from portal.app import create_portal
from portal.commands.demo import running
from portal.commands.init import prepare
from portal.limits import limiter
from portal.serve import build
from tests.harness import migrated

Key = tuple[str, str]

# Machines' addresses without a limit. None of them lets a caller guess a secret, send mail or make the house compute at length.
EXEMPT = {
    "/healthz": "the operator's own look; does nothing",
    "/readyz": "the operator's own look; one statement",
    "/metrics": "the operator's own look; figures in memory",
    "/robots.txt": "made once at start, kept by caches",
    "/license.xml": "made once at start, kept by caches",
    "/v1/openapi.json": "made once, the same for everyone",
    "/.well-known/oauth-authorization-server": "a constant document, kept by caches",
    "/.well-known/oauth-protected-resource": "a constant document, kept by caches",
    "/.well-known/oauth-protected-resource/v1": "a constant document, kept by caches",
    "/.well-known/http-message-signatures-directory": "signed once in five minutes, kept by caches",
    "/oauth/jwks": "public keys, kept by caches; each client of every partner may ask",
    "/ledger/consistency/{old}": "some tens of rows by their keys; whoever kept a checkpoint must not be kept from comparing it",
    "/ledger/retention": "a few rows by their keys; whoever follows the log asks for it once a time",
    "/ledger/verify_licet.py": "a constant file, kept by caches",
    "/ledger/checkpoint": "one row by its key; witnesses and monitors ask often, and must not be kept from it",
    "/ledger/logs/{number}/checkpoint": "one row by its key, as that of the log that is written",
    "/ledger/logs/{number}/tile/{level}/{place:path}": "one row by its key, kept by caches for ever",
    "/ledger/tile/{level}/{place:path}": "one row by its key, kept by caches for ever; who verifies the whole ledger asks for all",
    "/gate/nginx/stopped": "says a sealed decision once more; nothing else is answered",
    "/inbox/stripe": "refused before anything is stored unless the payment service signed it; a limit would lose its events",
}
# People's pages that nobody uses without being signed in: who asks is known, and what binds or sends mail is limited all the same.
SIGNED_IN = ("/account", "/partner", "/desk", "/compliance", "/audit", "/operator")
# Pages that exist on the operator's own machine only, and what leaves things as they are.
ELSEWHERE = {
    "/demo": "in the demo only, which listens on this machine",
    "/mailbox": "never in production; shown to this machine only",
    "/sign-out": "ends a session; needs the token of that session's forms",
}
# Forms that check a password or send mail: limited although signed in.
BINDING = (
    "/account/password",
    "/partner/team/{account_id}/roles",
    "/partner/team/{account_id}/remove",
    "/partner/team/{account_id}/lead",
    "/desk/partners/{organisation_id}/lead",
    "/desk/partners/{organisation_id}/lead/{hand_over_id}/confirm",
    "/partner/contracts/{contract_id}/sign",
    "/partner/contracts/{contract_id}/signatory",
    "/partner/contracts/{contract_id}/signed-pdf",
    "/desk/contracts/{contract_id}/paper",
    "/partner/contracts/{contract_id}/signatory/remind",
    "/partner/contracts/{contract_id}/certificate",
    "/partner/amendments/{amendment_id}/sign",
    "/desk/amendments/{amendment_id}/countersign",
    "/desk/agreements/{agreement_id}/confirm",
    "/desk/contracts/{contract_id}/countersign",
    "/partner/team",
    "/desk/people",
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A whole house without contracts, whose gate stops a network after a few pages."""
    home = tmp_path_factory.mktemp("limits")
    write_master_key(home)
    gate = {"mode": "enforce", "anonymous_budget": 2, "network_factor": 1}
    settings = Settings(profile="demo", home=home, mail=Mail(transport="mailbox"), gate=gate)
    migrated.copy_to(settings.home / "licet.db")
    prepare(settings)
    with running(build(settings)) as made:
        yield made


def pages(house: House) -> dict[Key, Callable[..., object]]:
    """People's routes with the function that each calls."""
    contexts = iter_route_contexts(create_portal(house).routes)
    return {
        (method, each.path or ""): each.original_route.endpoint
        for each in contexts
        if isinstance(each.original_route, APIRoute)
        for method in each.methods or ()
    }


def is_decorated(endpoint: Callable[..., object]) -> bool:
    """Whether the route calls slowapi's wrapper; a decorator above the route's own would limit a function that nobody calls."""
    plain = endpoint.func if isinstance(endpoint, functools.partial) else endpoint
    return hasattr(plain, "__wrapped__") and f"{plain.__module__}.{plain.__name__}" in limiter._route_limits


def is_below(path: str, tops: tuple[str, ...]) -> bool:
    return any(path == top or path.startswith(f"{top}/") or path.startswith(f"{top}.") for top in tops)


def test_every_page_is_limited_or_for_people_who_signed_in(house: House) -> None:
    unlimited = [
        key for key, endpoint in pages(house).items() if not is_decorated(endpoint) and not is_below(key[1], (*SIGNED_IN, *ELSEWHERE))
    ]
    assert unlimited == []


def test_forms_that_check_a_password_or_send_mail_are_limited(house: House) -> None:
    found = {path: is_decorated(endpoint) for (method, path), endpoint in pages(house).items() if method == "POST" and path in BINDING}
    assert found == dict.fromkeys(BINDING, True)


def test_pages_listed_as_for_people_who_signed_in_are_closed_to_others(house: House) -> None:
    asked = [key for key in pages(house) if is_below(key[1], SIGNED_IN)]

    async def ask() -> list[tuple[Key, int, str]]:
        async with client(create_portal(house), 1) as visitor:
            return [(key, *_told(await visitor.request(key[0], at(key[1])))) for key in asked]

    open_ones = [each for each in asyncio.run(ask()) if each[1:] not in (CLOSED, NO_FORM)]
    assert (len(asked) > 40, open_ones) == (True, [])


def test_every_machine_address_is_limited_or_listed(house: House) -> None:
    found = asyncio.run(unlimited_machines(house))
    assert sorted(found) == []


def test_nothing_is_listed_that_is_not_there(house: House) -> None:
    paths = {path for _, path in machines(house)}
    assert sorted(set(EXEMPT) - paths) == []
    assert [top for top in (*SIGNED_IN, *ELSEWHERE) if not any(is_below(path, (top,)) for _, path in pages(house))] == []


CLOSED, NO_FORM = (303, "/sign-in"), (403, "")
# More than the widest limit of one network or caller in a minute.
MOST = 700


def machines(house: House) -> list[Key]:
    """Machines' routes."""
    made = create_machines(house)
    found = {(method, route.path) for route in made.hot for method in route.methods}
    found |= {(method, each.path or "") for each in iter_route_contexts(made.app.routes) for method in each.methods or ()}
    return sorted(key for key in found if key[0] != "HEAD")


async def unlimited_machines(house: House) -> list[tuple[str, str, str]]:
    """Those that answered `MOST` requests of one network without stopping it, with the sort of request."""
    asked = [(method, path, sort) for method, path in machines(house) if path not in EXEMPT for sort in sorts(method)]
    front = create_machines(house).front()
    return [each for number, each in enumerate(asked, 1) if not await _stops(front, number, *each)]


def sorts(method: str) -> tuple[str, ...]:
    """A body that cannot be read and one that names a client that does not exist are told apart early, so both are tried."""
    return ("", "client_id=nobody&client_secret=wrong") if method == "POST" else ("",)


async def _stops(front: object, number: int, method: str, path: str, body: str) -> bool:
    headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
    async with client(front, number) as asking:
        for count in range(MOST):
            page = {"x-original-uri": f"/posts/{count}", "x-forwarded-uri": f"/posts/{count}"} if "/gate/" in path else {}
            answer = await asking.request(method, at(path, f"nobody{count}"), headers=headers | page, content=body.encode())
            if answer.status_code == 429 or answer.headers.get("x-gate-reason", "").endswith("budget_exceeded"):
                return True
    return False


def client(app: object, number: int) -> httpx.AsyncClient:
    """A caller from a network of its own; the gate is asked by the proxy of this machine on a visitor's behalf."""
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50_000))  # type: ignore[arg-type]  # any ASGI app
    headers = {"x-forwarded-for": f"198.51.{number}.7", "sec-fetch-site": "same-origin"}
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8400", headers=headers)


def at(path: str, rest: str = "nobody") -> str:
    """The path with something in each place; `rest` is what stands where all that follows may stand."""
    return re.sub(r"{\w+}", "nobody", re.sub(r"{\w+:path}", rest, path))


def _told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("location", "").partition("?")[0]
