"""Reports of secrets found in the open: what is live ends at once and its people are told; nothing else is."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from api.oauth.leaked import MAX_BODY_BYTES
from contracts.clock import FixedClock
from contracts.credentials import service as credentials
from contracts.credentials.renewal import rotate_client
from contracts.credentials.tables import Client, TokenFamily
from contracts.credentials.tokens import Claims
from contracts.ids import new_secret
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import values_of
from contracts.people import links, sessions
from contracts.people.tables import OneTimeLink, SignInSession
from contracts.sandbox import service as sandbox
from contracts.sandbox.tables import SandboxClient
from contracts.store.outbox import OutboxRow
from contracts.terms.grant import Grant, compile_grant
from tests.api.oauth.conftest import World
from tests.api.oauth.programs import allowed_code, exchange, program
from tests.contracts.credentials.sealed import RING

WHERE = "https://code.example/lab/tool/settings.py"


def report(caller: TestClient, *secrets: str) -> list[dict[str, str]]:
    """Report secrets as scanners do; the answers."""
    items = [{"token": each, "type": "licet", "url": WHERE} for each in secrets]
    answer = caller.post("/oauth/leaked", json=items)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    found: list[dict[str, str]] = answer.json()
    return found


def statuses(caller: TestClient, *secrets: str) -> list[str]:
    return [each["status"] for each in report(caller, *secrets)]


def api_key(world: World) -> tuple[str, str]:
    with world.store.write() as unit:
        row, secret = credentials.create_client(unit, world.lead, world.contract, name="Sheet", audience="api", kind="api_key")
    return row.id, secret


def client(world: World, client_id: str) -> Client:
    with world.store.read() as session:
        return session.get_one(Client, client_id)


def leaves(world: World, count: int) -> list[dict[str, Any]]:
    with world.store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
    told = ("event", "rule", "subject", "facts")
    return [{name: leaf[name] for name in told if name in leaf} for leaf in (json.loads(row.leaf) for row in rows[-count:])]


def mails(world: World) -> list[tuple[str, str]]:
    with world.store.read() as session:
        rows = session.exec(select(OutboxRow).where(OutboxRow.kind == "mail")).all()
    return [(row.payload["to"], row.payload["subject"]) for row in rows]


def test_a_live_client_secret_and_key_end_and_their_people_are_told(world: World) -> None:
    key_id, key = api_key(world)
    client_id, secret = world.api
    caller = world.caller()
    assert statuses(caller, secret, key, new_secret("cs"), "hunter2") == ["revoked", "revoked", "unknown", "unknown"]
    assert [(row.revoked_at is not None, row.revoked_why) for row in (client(world, client_id), client(world, key_id))] == [
        (True, "leaked")
    ] * 2
    asked = caller.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
    assert (asked.status_code, asked.json()["error"]) == (401, "invalid_client")
    bounds = {"audience": "api", "scopes": ["records:read"]}
    assert [each for each in leaves(world, 6) if each["event"] != "token.refused"] == [
        {"event": "client.revoked", "rule": "leaked", "subject": client_id, "facts": bounds},
        {"event": "leak.ended", "rule": "leaked", "subject": client_id},
        {"event": "client.revoked", "rule": "leaked", "subject": key_id, "facts": bounds},
        {"event": "leak.ended", "rule": "leaked", "subject": key_id},
        {"event": "leak.reported", "rule": "leaked", "facts": {"reported": 4, "revoked": 2}},
    ]
    assert mails(world) == [
        (world.lead.email, '"Loader" was revoked: its secret was found in the open'),
        (world.lead.email, '"Sheet" was revoked: its secret was found in the open'),
    ]
    assert statuses(caller, secret, key) == ["unknown", "unknown"]


def test_only_the_old_secret_ends_where_only_that_was_found(world: World, clock: FixedClock) -> None:
    key_id, old = api_key(world)
    with world.store.write() as unit:
        _, new = rotate_client(unit, world.lead, key_id, timedelta(hours=1))
    assert statuses(world.caller(), old, old) == ["revoked", "unknown"]
    row = client(world, key_id)
    assert (row.revoked_at, row.earlier_until, row.earlier_sha256) == (None, None, "")
    assert [subject for _, subject in mails(world)] == ['The old secret of "Sheet" was found in the open']
    with world.store.write() as unit:
        rotate_client(unit, world.lead, key_id, timedelta(hours=1))
    clock.advance(seconds=3600)
    assert statuses(world.caller(), new) == ["unknown"]
    assert client(world, key_id).revoked_at is None


def test_an_access_token_ends_alone(world: World) -> None:
    client_id, secret = world.api
    caller = world.caller()
    token = caller.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)).json()["access_token"]
    claims = world.house.tokens.read(token)
    assert isinstance(claims, Claims)
    assert statuses(caller, token, token, token[:-1] + "A", "a.b.c") == ["revoked", "unknown", "unknown", "unknown"]
    with world.store.read() as session:
        grant = compile_grant(RING, session, world.contract.id)
    assert isinstance(grant, Grant) and grant.is_over(claims)
    assert client(world, client_id).revoked_at is None
    assert [subject for _, subject in mails(world)] == ['An access token of "Loader" was found in the open']


def test_a_refresh_token_ends_its_consent_and_a_code_ends_unused(world: World) -> None:
    client_id, _ = program(world)
    caller = world.caller()
    token = exchange(caller, (client_id, ""), allowed_code(world, caller, client_id)).json()["refresh_token"]
    code = allowed_code(world, caller, client_id)
    assert statuses(caller, token, code, token, code) == ["revoked", "revoked", "unknown", "unknown"]
    with world.store.read() as session:
        assert [row.revoked_at is not None for row in session.exec(select(TokenFamily)).all()] == [True]
    assert exchange(caller, (client_id, ""), code).json()["error"] == "invalid_grant"
    assert [subject for _, subject in mails(world)] == ['"Reader" no longer reads for you: its token was found in the open']


def test_a_sign_in_and_a_link_end(world: World) -> None:
    with world.store.write() as unit:
        session_token = sessions.open_session(unit, world.lead.account_id, "")
        link, _ = links.make(unit, links.LinkKind.CONFIRM, "eve@elsewhere.example")
    assert statuses(world.caller(), session_token, link, session_token, link) == ["revoked", "revoked", "unknown", "unknown"]
    with world.store.read() as session:
        assert [row.ended_at is not None for row in session.exec(select(SignInSession)).all()] == [True]
        assert [row.expires_at <= world.store.clock.now() for row in session.exec(select(OneTimeLink)).all()] == [True]
    assert mails(world) == [(world.lead.email, "You were signed out: the secret of your sign-in was found in the open")]


def test_a_sandbox_secret_ends_its_client(sqlite_world: World) -> None:
    with sqlite_world.store.write() as unit:
        made, secret = sandbox.create(unit, sqlite_world.lead, name="first try", today=unit.now.date())
    assert statuses(sqlite_world.caller(), secret, secret) == ["revoked", "unknown"]
    with sqlite_world.store.read() as session:
        assert session.get_one(SandboxClient, made.id).revoked_at is not None
    assert leaves(sqlite_world, 3)[0]["event"] == "sandbox.revoked"


def test_one_object_and_a_form_are_taken_and_answered_alike(sqlite_world: World) -> None:
    caller, secret = sqlite_world.caller(), new_secret("ak")
    digest = base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()
    unknown = {"token_hash": digest, "token_type": "", "label": "false_positive", "status": "unknown"}
    assert caller.post("/oauth/leaked", json={"token": secret}).json() == unknown
    assert caller.post("/oauth/leaked", data={"token": secret}).json() == unknown
    assert report(caller, secret) == [unknown | {"token_type": "licet"}]


def test_neither_the_secret_nor_where_it_lies_gets_into_the_ledger_or_a_mail(
    sqlite_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (_, first), (_, second) = api_key(sqlite_world), api_key(sqlite_world)
    caller = sqlite_world.caller()
    caller.post("/oauth/leaked", json=[{"token": first, "url": WHERE}, {"token": second, "url": f"https://x.example/?key={second}"}])
    with sqlite_world.store.read() as session:
        rows = session.exec(select(LedgerEntry)).all()
        values = [each.values for each in values_of(session, [row.id for row in rows]).values()]
        places = [each["found_at"].value for each in values if "found_at" in each]
        kept = " ".join(row.leaf.decode() for row in rows)
        mailed = json.dumps([row.payload for row in session.exec(select(OutboxRow)).all()])
    assert places == [WHERE]
    assert [each in kept + mailed + str(capsys.readouterr()) for each in (first, second, WHERE)] == [False] * 3


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"7", 400),
        (b'["licet_ak_x"]', 400),
        (b'[{"type":"x"}]', 400),
        (b'[{"token":7}]', 400),
        (b'[{"token":""}]', 400),
        (b'{"token":"x","url":7}', 400),
        (json.dumps([{"token": "x"}] * 100).encode(), 200),
        (json.dumps([{"token": "x"}] * 101).encode(), 400),
        (json.dumps({"token": "x" * 8192}).encode(), 200),
        (json.dumps({"token": "x" * 8193}).encode(), 400),
        (b'{"token":"x"}'.ljust(MAX_BODY_BYTES), 200),
        (b'{"token":"x"}'.ljust(MAX_BODY_BYTES + 1), 413),
        ('{"token":"licet_ak_é\\u0000"}'.encode(), 200),
    ],
)
def test_the_form_of_a_report_is_held_to(sqlite_world: World, sent: bytes, status: int) -> None:
    answer = sqlite_world.caller().post("/oauth/leaked", content=sent, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert status == 200 or set(answer.json()) == {"error", "error_description"}


def test_reports_are_limited_by_network(sqlite_world: World) -> None:
    caller = sqlite_world.caller()
    got = [caller.post("/oauth/leaked", json={"token": "x"}) for _ in range(31)]
    assert [each.status_code for each in got] == [200] * 30 + [429]
    assert int(got[-1].headers["retry-after"]) >= 1
    other = TestClient(caller.app, base_url="https://data.agora.example", client=("198.51.100.9", 1))
    assert other.post("/oauth/leaked", json={"token": "x"}).status_code == 200
