"""Programs that people let read for them, and the steps of the code flow as such a program takes them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from starlette.testclient import TestClient

from contracts.credentials import authorizations
from contracts.credentials.tables import Client
from contracts.ids import new_id, new_secret, secret_hash
from contracts.store import epochs
from tests.api.oauth.conftest import World

BACK = "https://tool.example/back?x=1"
HERE = "http://127.0.0.1/back"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def program(world: World, *, public: bool = True, back: tuple[str, ...] = (HERE,), scopes: tuple[str, ...] = ("records:read",)) -> Any:
    """A registered program as (id, secret); a public one has no secret."""
    secret = "" if public else new_secret("cs")
    with world.store.write() as unit:
        client = Client(
            id=new_id("cli"),
            contract_id=world.contract.id,
            organisation_id=world.lead.organisation_id,
            name="Reader",
            audience="api",
            scopes=list(scopes),
            secret_sha256=secret_hash(secret) if secret else "",
            auth_method="none" if public else "client_secret",
            grant_types=["authorization_code", "refresh_token"],
            redirect_uris=list(back),
            created_by=world.lead.account_id,
            created_at=unit.now,
        )
        unit.session.add(client)
        epochs.bump(unit, "grants")
    world.house.watch.poll()
    return client.id, secret


def asked(registered: str, /, **changed: str | None) -> dict[str, str]:
    """The parameters of an authorization request; None leaves one out."""
    values: dict[str, str | None] = {
        "response_type": "code",
        "client_id": registered,
        "redirect_uri": HERE,
        "scope": "records:read",
        "state": "af0ifjsldkj",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (values | changed).items() if value is not None}


def authorize(caller: TestClient, params: Any) -> Any:
    """The answer to an authorization request."""
    return caller.get("/oauth/authorize", params=params, follow_redirects=False)


def answered(response: Any) -> dict[str, str]:
    """What came back to the program."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query, keep_blank_values=True))


def allowed_code(world: World, caller: TestClient, client_id: str, **changed: str | None) -> str:
    """A code, after the lead allowed it."""
    where = authorize(caller, asked(client_id, **changed)).headers["location"]
    assert where.startswith("/consent/aut_"), where
    with world.store.write() as unit:
        return authorizations.allow(unit, world.lead, where.removeprefix("/consent/"))[1]


def exchange(caller: TestClient, client: tuple[str, str], value: str, /, **changed: str | None) -> Any:
    """The answer to a code; a public client names itself in the body."""
    return _post(caller, client, code_form(value) | changed)


def code_form(code: str) -> dict[str, Any]:
    """The parameters that redeem a code."""
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": HERE, "code_verifier": VERIFIER}


def at_once(caller: TestClient, form: dict[str, str], times: int) -> dict[int, int]:
    """How often each status came back from so many token requests in flight together, in one loop as in a server."""

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(caller.app, client=("203.0.113.9", 1234))
        async with httpx.AsyncClient(transport=transport, base_url=str(caller.base_url)) as client:
            answers = await asyncio.gather(*(client.post("/oauth/token", data=form) for _ in range(times)))
        return [answer.status_code for answer in answers]

    return dict(Counter(asyncio.run(ask())))


def refresh(caller: TestClient, client: tuple[str, str], token: str, **more: str) -> Any:
    """The answer to a refresh token."""
    return _post(caller, client, {"grant_type": "refresh_token", "refresh_token": token, **more})


def _post(caller: TestClient, client: tuple[str, str], values: dict[str, Any]) -> Any:
    kept = {name: value for name, value in values.items() if value is not None}
    if client[1]:
        return caller.post("/oauth/token", data=kept, auth=client)
    return caller.post("/oauth/token", data={"client_id": client[0]} | kept)
