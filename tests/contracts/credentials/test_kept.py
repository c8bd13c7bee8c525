"""A token that the platform's key signed and that was never issued: refused, with an incident, and only it."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import text
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.credentials.kept import keep, sweep_kept
from contracts.credentials.tables import KeptToken
from contracts.credentials.tokens import Claims, ClientFacts, Tokens
from contracts.errors import Refusal, StoreUnavailable
from contracts.incidents.tables import Incident
from contracts.keys import KeyRing, Purpose, all_of, ec_key
from contracts.ledger.tables import LedgerEntry
from contracts.store.unit import Store
from tests.harness.tokens import issued

ISSUER = "https://data.agora.example"
API = f"{ISSUER}/v1"
RING = KeyRing(b"k" * 32)
CLIENT = ClientFacts("cli_1", "ctr_1", "org_1", "api", frozenset({"records:read"}))


@pytest.fixture
def tokens(store: Store, clock: FixedClock) -> Tokens:
    made = Tokens(RING, store, clock, ISSUER, "https://www.agora.example", reload_seconds=0.0)
    made.prepare()
    return made


def _resigned(store: Store, token: str, **changes: object) -> str:
    """The token's claims changed and signed again by the platform's own key, as whoever stole it would."""
    with store.read() as session:
        row = all_of(session, Purpose.TOKEN)[-1]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")) | changes
    header = {"alg": "ES256", "typ": "at+jwt", "kid": row.id}
    return jwt.encode(header, claims, ECKey.import_key(ec_key(RING.open(row))), algorithms=["ES256"])


def _incidents(store: Store) -> list[tuple[str, str, dict[str, str]]]:
    with store.read() as session:
        return [(each.kind, each.title, each.facts) for each in session.exec(select(Incident)).all()]


def _code(answer: Claims | Refusal) -> str:
    return answer.code if isinstance(answer, Refusal) else ""


def test_a_token_that_was_never_issued_opens_one_incident_and_is_refused(tokens: Tokens, store: Store) -> None:
    real = issued(tokens, store, CLIENT)
    never = [_resigned(store, real.token, jti=f"tok_{number}") for number in range(3)]
    wider = _resigned(store, real.token, scope="records:read site:fetch")
    for token in [*never, wider, *never]:
        assert _code(tokens.verify(token, API)) == "token_never_issued"
        assert _code(asyncio.run(tokens.check(token, API))) == "token_never_issued"
    kid = tokens.jwks()["keys"][0]["kid"]
    facts = {"key": kid, "jti": "tok_0", "credential": "cli_1", "contract": "ctr_1"}
    assert _incidents(store) == [("token_forged", f"The key {kid} signs tokens that were never issued", facts)]
    with store.read() as session:
        leaves = [json.loads(row.leaf) for row in session.exec(select(LedgerEntry)).all()]
    assert [leaf["facts"] for leaf in leaves if leaf["event"] == "incident.opened"] == [{"kind": "token_forged"}]
    assert isinstance(tokens.verify(real.token, API), Claims)


def test_a_token_that_ended_opens_none(tokens: Tokens, store: Store, clock: FixedClock) -> None:
    token = issued(tokens, store, CLIENT).token
    clock.advance(minutes=12)
    assert sweep_kept(store) == 1
    assert _code(tokens.verify(token, API)) == "token_invalid"
    assert _incidents(store) == []


def test_tokens_are_forgotten_once_they_have_ended_and_not_before(tokens: Tokens, store: Store, clock: FixedClock) -> None:
    for _ in range(3):
        issued(tokens, store, CLIENT)
    clock.advance(minutes=5)
    late = issued(tokens, store, CLIENT)
    clock.advance(minutes=5, seconds=59)
    assert sweep_kept(store) == 0
    clock.advance(seconds=1)
    assert [sweep_kept(store, most=2) for _ in range(3)] == [2, 1, 0]
    with store.read() as session:
        assert session.exec(select(KeptToken.jti)).all() == [late.jti]


def test_a_token_whose_entry_was_not_written_is_none(tokens: Tokens, store: Store) -> None:
    made = tokens.issue(CLIENT, 1, "records:read")
    with pytest.raises(RuntimeError), store.write() as unit:
        keep(unit, made)
        raise RuntimeError
    assert _code(tokens.verify(made.token, API)) == "token_never_issued"


def test_a_token_is_looked_up_once_and_not_vouched_for_without_the_store(tokens: Tokens, store: Store) -> None:
    seen, new = issued(tokens, store, CLIENT).token, issued(tokens, store, CLIENT).token
    assert isinstance(asyncio.run(tokens.check(seen, API)), Claims)
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE issued_token RENAME TO away"))
    assert isinstance(tokens.verify(seen, API), Claims)
    assert isinstance(asyncio.run(tokens.check(seen, API)), Claims)
    with pytest.raises(StoreUnavailable):
        tokens.verify(new, API)
    with pytest.raises(StoreUnavailable):
        asyncio.run(tokens.check(new, API))
