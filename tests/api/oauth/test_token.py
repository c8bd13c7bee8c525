"""POST /oauth/token over HTTP: what a genuine client gets, and every way to be refused."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from api.oauth import hot_routes
from api.oauth.pace import PaceLimits
from contracts.clock import FixedClock
from contracts.credentials import service as credentials
from contracts.credentials.tokens import Claims
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import values_of
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.roles import Role
from contracts.store import epochs
from tests.api.oauth.conftest import ISSUER, World
from tests.contracts.credentials.sealed import contract_in_force
from tests.contracts.people.people import person

GRANT = {"grant_type": "client_credentials"}
BAD_CLIENT = {"error": "invalid_client", "error_description": "No such client, or the secret is wrong, or the client was revoked."}


def _ask(caller: TestClient, auth: tuple[str, str] | None, **form: str) -> Any:
    return caller.post("/oauth/token", data=GRANT | form, auth=auth)


def _suspend(world: World) -> None:
    with world.store.write() as unit:
        unit.lock(Contract, world.contract.id).state = "suspended"
        unit.session.flush()
        epochs.bump(unit, "grants")


def _refused(world: World, rule: str, *, known: bool = True, granted: bool = True) -> dict[str, Any]:
    whose: dict[str, Any] = {}
    if known:
        whose = {
            "organisation": world.lead.organisation_id,
            "contract": world.contract.id,
            "credential": world.api[0],
            "credential_kind": "oauth_client",
        }
    if granted:
        with world.store.read() as session:
            whose |= {"contract_version": 1, "contract_hash": session.exec(select(ContractVersion)).first().terms_sha256}  # type: ignore[union-attr]  # the fixture made it
    return {"event": "token.refused", "decision": "refuse", "rule": rule} | whose


def test_a_client_gets_a_token_that_the_ledger_knows(world: World) -> None:
    answer = _ask(world.caller(), world.api)
    body = answer.json()
    claims = world.house.tokens.verify(body["access_token"], f"{ISSUER}/v1")
    assert isinstance(claims, Claims)
    assert (answer.status_code, answer.headers["cache-control"], answer.headers["pragma"]) == (200, "no-store", "no-cache")
    assert answer.headers["content-type"] == "application/json"
    assert body == {"access_token": body["access_token"], "token_type": "Bearer", "expires_in": 600, "scope": "records:read"}
    with world.store.read() as session:
        version = session.exec(select(ContractVersion)).one()
        opened = values_of(session, session.exec(select(LedgerEntry.id)).all())
        assert [each.values["network"].value for each in opened.values() if "network" in each.values] == ["203.0.113.0/24"]
    assert world.entries() == [
        {
            "event": "token.issued",
            "decision": "allow",
            "subject": claims.jti,
            "organisation": world.lead.organisation_id,
            "contract": world.contract.id,
            "contract_version": 1,
            "contract_hash": version.terms_sha256,
            "credential": world.api[0],
            "credential_kind": "oauth_client",
            "facts": {"audience": "api", "scope": "records:read"},
        }
    ]


def test_credentials_may_stand_in_the_body(sqlite_world: World) -> None:
    world = sqlite_world
    answer = _ask(world.caller(), None, client_id=world.api[0], client_secret=world.api[1], scope="records:read", unknown="ignored")
    assert (answer.status_code, answer.json()["scope"]) == (200, "records:read")


def test_a_client_for_the_site_gets_a_token_for_the_site_alone(world: World) -> None:
    token = _ask(world.caller(), world.site, resource="https://www.agora.example").json()["access_token"]
    assert isinstance(world.house.tokens.verify(token, "https://www.agora.example"), Claims)
    assert not isinstance(world.house.tokens.verify(token, f"{ISSUER}/v1"), Claims)


def test_asking_for_another_audience_is_refused(sqlite_world: World) -> None:
    world = sqlite_world
    answer = _ask(world.caller(), world.api, resource="https://www.agora.example")
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_target", "error_description": f"This credential is for {ISSUER}/v1 only."},
    )


def test_a_wider_scope_is_refused_and_not_narrowed(world: World) -> None:
    answer = _ask(world.caller(), world.api, scope="records:read site:fetch")
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_scope", "error_description": "The credential reaches only: records:read"},
    )
    assert world.entries() == [_refused(world, "invalid_scope")]


def test_wrong_unknown_and_revoked_credentials_cannot_be_told_apart(world: World) -> None:
    caller, (client_id, secret) = world.caller(), world.api
    unknown = "cli_" + "0" * 26
    with world.store.write() as unit:
        credentials.revoke_client(unit, world.lead, world.site[0])
    tried = [
        (client_id, "wrong"),
        (client_id, world.site[1]),
        (unknown, secret),
        world.site,
        ("", ""),
        ("cli\x00", secret),
        (client_id, ""),
    ]
    by_header = [_ask(caller, each) for each in tried]
    by_body = [_ask(caller, None, client_id=each[0], client_secret=each[1]) for each in tried] + [_ask(caller, None)]
    answers = [(answer.status_code, answer.json(), answer.headers["www-authenticate"]) for answer in by_header + by_body]
    assert answers == [(401, BAD_CLIENT, 'Basic realm="licet", charset="UTF-8"')] * 15
    assert world.entries()[:3] == [_refused(world, "invalid_client")] * 2 + [_refused(world, "invalid_client", known=False, granted=False)]


def test_no_refusal_writes_a_secret_or_a_claimed_name_down(world: World) -> None:
    _ask(world.caller(), ("someone@b.example", world.api[1]))
    _ask(world.caller(), (world.api[0], "hunter2hunter2"))
    with world.store.engine.connect() as connection:
        leaves = connection.execute(text("SELECT leaf FROM ledger_entry")).scalars().all()
        ids = connection.execute(text("SELECT id FROM ledger_entry")).scalars().all()
    with world.store.read() as session:
        values = [kept.value for each in values_of(session, ids).values() for kept in each.values.values()]
    written = b"".join(map(bytes, leaves)) + " ".join(values).encode()
    assert [each in written for each in (b"someone", b"hunter2", world.api[1].encode())] == [False] * 3


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"params": {"client_secret": "x"}}, "Send the parameters in the body, never in the address: addresses end up in logs."),
        ({"content": b"{}", "headers": {"content-type": "application/json"}}, "Send the parameters as application/x-www-form-urlencoded."),
        ({"content": b"grant_type=a&grant_type=b"}, "A parameter is repeated."),
        ({"content": b"grant_type=%ff"}, "The body cannot be read as form parameters in UTF-8."),
        ({"content": b"\xff"}, "The body cannot be read as form parameters in UTF-8."),
        ({"content": b"&".join(b"p%d=1" % n for n in range(30))}, "The body cannot be read as form parameters in UTF-8."),
        ({"content": b"a=" + b"x" * 9000}, "The body is larger than 8 KiB."),
        (
            {"content": b"grant_type=client_credentials&client_secret=x", "auth": ("a", "b")},
            "Send the credentials in one place: the Authorization header or the body.",
        ),
        (
            {"content": b"grant_type=client_credentials&client_id=x", "auth": ("a", "b")},
            "Send the credentials in one place: the Authorization header or the body.",
        ),
    ],
)
def test_what_is_no_token_request_is_told_why(sqlite_world: World, request_: dict[str, Any], expected: str) -> None:
    world = sqlite_world
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = world.caller().post("/oauth/token", **({"headers": form} | request_))
    status = 413 if "8 KiB" in expected else 400
    assert (answer.status_code, answer.json()) == (status, {"error": "invalid_request", "error_description": expected})
    assert world.entries() == [{"event": "token.refused", "decision": "refuse", "rule": "invalid_request"}]


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic /w==", "Bearer abc", "Basic " + base64.b64encode(b"no-colon").decode(), "\xe4"]
)
def test_a_broken_authorization_header_is_no_authentication(sqlite_world: World, header: str) -> None:
    world = sqlite_world
    answer = world.caller().post("/oauth/token", data=GRANT, headers={"authorization": header.encode("latin-1")})  # type: ignore[dict-item]  # bytes are sent as they are
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("grant_type", ["", "password", 'x"\\ä', "implicit"])
def test_another_grant_type_is_refused(sqlite_world: World, grant_type: str) -> None:
    world = sqlite_world
    answer = world.caller().post("/oauth/token", data={"grant_type": grant_type, "x": "y"}, auth=world.api)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "unsupported_grant_type",
            "error_description": "Send grant_type=client_credentials, authorization_code or refresh_token.",
        },
    )


def test_a_suspension_refuses_the_next_token_at_once(world: World) -> None:
    caller = world.caller()
    assert _ask(caller, world.api).status_code == 200
    _suspend(world)
    # The epochs were not polled since: what is kept in memory still says "active", the transaction does not.
    answer = _ask(caller, world.api)
    assert (answer.status_code, answer.json()["error"], answer.json()["code"]) == (400, "unauthorized_client", "contract_not_active")
    assert world.entries()[1:] == [_refused(world, "contract_not_active", granted=False)]


def test_a_revoked_client_gets_no_token_even_before_the_epoch_is_polled(world: World) -> None:
    caller = world.caller()
    assert _ask(caller, world.api).status_code == 200
    with world.store.write() as unit:
        credentials.revoke_client(unit, world.lead, world.api[0])
    assert (_ask(caller, world.api).status_code, len(world.entries())) == (401, 2)


def test_a_contracts_days_are_those_of_the_platforms_time_zone(world: World, clock: FixedClock) -> None:
    caller = world.caller()
    clock.advance(days=363, hours=5, minutes=59)  # 31 October 2027, 23:59 in Tokyo
    assert _ask(caller, world.api).status_code == 200
    clock.advance(minutes=1)
    answer = _ask(caller, world.api)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "unauthorized_client",
            "error_description": "The contract ended with 2027-10-31. Apply for a new one.",
            "code": "contract_not_active",
        },
    )


def test_edited_terms_stop_tokens(world: World) -> None:
    with world.store.write() as unit:
        version = unit.session.exec(select(ContractVersion)).one()
        version.terms_json = version.terms_json.replace("1000", "9999")
    answer = _ask(world.caller(), world.api)
    assert (answer.status_code, answer.json()["error"], answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "temporarily_unavailable",
        "seal_broken",
        "2",
    )


def test_a_contract_with_networks_gives_tokens_there_only(sqlite_world: World) -> None:
    world = sqlite_world
    steward = person(world.store, "kim@agora.example", Role.STEWARD)
    contract = contract_in_force(world.store, world.lead, steward, networks=("198.51.100.0/24",))
    with world.store.write() as unit:
        client, secret = credentials.create_client(unit, world.lead, contract, name="Loader", audience="api")
    outside = world.caller().post("/oauth/token", data=GRANT, auth=(client.id, secret), headers={"x-forwarded-for": "198.51.100.7"})
    inside = _ask(world.caller(address="198.51.100.7"), (client.id, secret))
    proxied = world.caller(address="127.0.0.1").post(
        "/oauth/token", data=GRANT, auth=(client.id, secret), headers={"x-forwarded-for": "198.51.100.7"}
    )
    assert [(answer.status_code, answer.json().get("code")) for answer in (outside, inside, proxied)] == [
        (400, "network_not_in_contract"),
        (200, None),
        (200, None),
    ]


def test_too_many_requests_are_told_when_to_come_back_and_recorded_once_a_minute(world: World) -> None:
    caller = world.caller(PaceLimits(client="3/minute"))
    answers = [_ask(caller, world.api) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 3
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json() == {
        "error": "slow_down",
        "error_description": "Too many requests. Keep a token until it ends.",
        "code": "too_many_requests",
    }
    assert _ask(caller, world.site).status_code == 200
    assert [entry.get("rule", "") for entry in world.entries()] == ["", "", "", "too_many_requests", ""]


def test_guessing_secrets_ends_for_the_network_and_not_for_the_client(sqlite_world: World) -> None:
    world = sqlite_world
    endpoint = PaceLimits(failures="5/day")
    caller = world.caller(endpoint)
    answers = [_ask(caller, (world.api[0], f"guess-{number}")).status_code for number in range(7)]
    assert answers == [401] * 5 + [429] * 2
    assert _ask(caller, world.api).status_code == 429
    elsewhere = TestClient(caller.app, base_url=ISSUER, client=("192.0.2.1", 1))
    assert _ask(elsewhere, world.api).status_code == 200


def test_a_store_that_takes_no_entry_gives_no_token(world: World) -> None:
    caller = world.caller()
    with world.store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE ledger_entry RENAME TO ledger_away"))
    answer = _ask(caller, world.api)
    assert (answer.status_code, answer.json()["error"], answer.headers["retry-after"]) == (503, "temporarily_unavailable", "2")
    with world.store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE ledger_away RENAME TO ledger_entry"))
    assert _ask(caller, world.api).status_code == 200


@pytest.mark.anyio
async def test_the_entry_is_durable_before_the_first_byte_leaves(world: World) -> None:
    route = hot_routes(world.house)[0]
    basic = base64.b64encode(":".join(world.api).encode())
    headers = [(b"authorization", b"Basic " + basic), (b"content-type", b"application/x-www-form-urlencoded")]
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/oauth/token",
        "query_string": b"",
        "headers": headers,
        "client": ("203.0.113.9", 1),
    }
    seen: list[tuple[str, int]] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"grant_type=client_credentials", "more_body": False}

    async def send(message: Message) -> None:
        with world.store.engine.connect() as connection:  # another connection sees only what is committed
            leaves = connection.execute(text("SELECT leaf FROM ledger_entry")).scalars().all()
        seen.append((message["type"], sum(json.loads(bytes(leaf))["event"] == "token.issued" for leaf in leaves)))

    await route.handler(scope, receive, send, {})
    assert seen == [("http.response.start", 1), ("http.response.body", 1)]


def test_requests_at_once_get_a_token_and_an_entry_each(world: World) -> None:
    caller = world.caller()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _ask(caller, world.api), range(24)))
    claims = [world.house.tokens.verify(answer.json()["access_token"], f"{ISSUER}/v1") for answer in answers]
    assert {answer.status_code for answer in answers} == {200}
    assert {claim.jti for claim in claims if isinstance(claim, Claims)} == {entry["subject"] for entry in world.entries()}
    assert len(world.entries()) == 24
