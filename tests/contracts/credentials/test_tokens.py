"""Access tokens: what they say, and everything that must not pass for one."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.credentials.tokens import Claims, ClientFacts, Tokens, origin
from contracts.errors import Misconfigured, Refusal, Refused
from contracts.keys import KeyRing, Purpose, all_of, ec_key
from contracts.ledger.tables import LedgerEntry
from contracts.store.unit import Store
from tests.harness.tokens import issued

ISSUER = "https://data.agora.example"
API, SITE = f"{ISSUER}/v1", "https://www.agora.example"
RING = KeyRing(b"k" * 32)
CLIENT = ClientFacts("cli_1", "ctr_1", "org_1", "api", frozenset({"records:read"}))
CRAWLER = ClientFacts("cli_2", "ctr_1", "org_1", "site", frozenset({"site:fetch"}))


@pytest.fixture
def tokens(sqlite_store: Store, clock: FixedClock) -> Tokens:
    made = Tokens(RING, sqlite_store, clock, ISSUER + "/", "https://www.agora.example:443/posts")
    made.prepare()
    return made


def _code(answer: Claims | Refusal) -> str:
    assert isinstance(answer, Refusal)
    return answer.code


def _forge(tokens: Tokens, store: Store, header: dict[str, str], **changes: object) -> str:
    """A token signed by the platform's own key, with header and claims changed."""
    with store.read() as session:
        row = all_of(session, Purpose.TOKEN)[-1]
    payload = json.loads(base64.urlsafe_b64decode(tokens.issue(CLIENT, 1, "records:read").token.split(".")[1] + "=="))
    full = {"alg": "ES256", "typ": "at+jwt", "kid": row.id} | header
    kept = {name: value for name, value in (payload | changes).items() if value is not None}
    return jwt.encode(full, kept, ECKey.import_key(ec_key(RING.open(row))), algorithms=["ES256"])


def test_a_token_says_whose_it_is_and_verifies(tokens: Tokens, sqlite_store: Store, clock: FixedClock) -> None:
    made = issued(tokens, sqlite_store, CLIENT, 3)
    assert (made.expires_in, made.ends_at) == (600, clock.now() + timedelta(seconds=600))
    assert made.jti.startswith("tok_")
    assert tokens.verify(made.token, API) == Claims(
        "cli_1", "ctr_1", 3, frozenset({"records:read"}), made.jti, clock.now() + timedelta(seconds=600), API
    )


def test_the_token_has_the_form_of_rfc_9068(tokens: Tokens, clock: FixedClock) -> None:
    made = tokens.issue(CRAWLER, 1, "site:fetch")
    header, payload, _ = made.token.split(".")
    kid = tokens.jwks()["keys"][0]["kid"]
    now = int(clock.now().timestamp())
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "ES256", "typ": "at+jwt", "kid": kid}
    assert json.loads(base64.urlsafe_b64decode(payload + "==")) == {
        "iss": ISSUER,
        "aud": SITE,
        "sub": "cli_2",
        "client_id": "cli_2",
        "iat": now,
        "exp": now + 600,
        "jti": made.jti,
        "scope": "site:fetch",
        "contract": "ctr_1",
        "contract_version": 1,
    }


def test_a_token_for_one_audience_is_never_valid_for_the_other(tokens: Tokens, sqlite_store: Store) -> None:
    api, site = issued(tokens, sqlite_store, CLIENT).token, issued(tokens, sqlite_store, CRAWLER).token
    for _ in range(2):  # the second round is answered from the cache of verified tokens
        assert _code(tokens.verify(api, SITE)) == "token_invalid"
        assert _code(tokens.verify(site, API)) == "token_invalid"
        assert isinstance(tokens.verify(api, API), Claims)
        assert isinstance(tokens.verify(site, SITE), Claims)


def test_a_token_ends_to_the_second_even_when_it_was_seen_before(tokens: Tokens, sqlite_store: Store, clock: FixedClock) -> None:
    token = issued(tokens, sqlite_store, CLIENT).token
    clock.advance(seconds=599.999)
    assert isinstance(tokens.verify(token, API), Claims)
    clock.advance(seconds=0.001)
    assert _code(tokens.verify(token, API)) == "token_invalid"


@pytest.mark.parametrize("scope", ["", "  ", "site:fetch", "records:read site:fetch"])
def test_a_scope_beyond_the_client_is_refused(tokens: Tokens, scope: str) -> None:
    with pytest.raises(Refused) as refused:
        tokens.issue(CLIENT, 1, scope)
    assert refused.value.refusal.code == "scope_not_granted"


@pytest.mark.parametrize(
    "header", [{"typ": "JWT"}, {"typ": "dpop+jwt"}, {"kid": "key_unknown"}, {"kid": ""}], ids=["jwt", "dpop", "unknown-key", "no-key"]
)
def test_a_header_of_another_kind_is_refused(tokens: Tokens, sqlite_store: Store, header: dict[str, str]) -> None:
    assert _code(tokens.verify(_forge(tokens, sqlite_store, {}), API)) == "token_never_issued"
    assert _code(tokens.verify(_forge(tokens, sqlite_store, header), API)) == "token_invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": [API, SITE]},
        {"aud": None},
        {"exp": None},
        {"exp": "9999999999"},
        {"sub": "cli_other"},
        {"contract": None},
        {"contract_version": "1"},
        {"contract_version": True},
        {"jti": ""},
        {"scope": None},
    ],
)
def test_claims_of_another_shape_are_refused(tokens: Tokens, sqlite_store: Store, changes: dict[str, object]) -> None:
    assert _code(tokens.verify(_forge(tokens, sqlite_store, {}, **changes), API)) == "token_invalid"


def test_another_algorithm_is_refused_even_with_the_public_key_as_secret(tokens: Tokens, sqlite_store: Store) -> None:
    with sqlite_store.read() as session:
        row = all_of(session, Purpose.TOKEN)[-1]
    real = tokens.issue(CLIENT, 1, "records:read").token
    payload = json.loads(base64.urlsafe_b64decode(real.split(".")[1] + "=="))
    public = ECKey.import_key(ec_key(RING.open(row))).as_pem(private=False)
    # A MAC keyed with what everyone knows: the classic confusion of algorithms (RFC 8725 section 2.1).
    secret = OctKey.import_key(base64.b64encode(public).decode())
    confused = jwt.encode({"alg": "HS256", "typ": "at+jwt", "kid": row.id}, payload, secret, algorithms=["HS256"])
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt", "kid": row.id}).encode()).decode().rstrip("=")
    unsigned = f"{header}.{real.split('.')[1]}."
    assert [_code(tokens.verify(each, API)) for each in (confused, unsigned)] == ["token_invalid", "token_invalid"]


@pytest.mark.parametrize(
    "text", ["x", "a.b.c", "..", "é.é.é", "\udcff", "e30.e30.e30", "a" * 5000, "e30=.e30.e30", "bnVsbA.e30.e30", "W10.e30."]
)
def test_what_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    assert _code(tokens.verify(text, API)) == "token_invalid"


def test_no_token_is_told_from_a_wrong_one(tokens: Tokens) -> None:
    assert _code(tokens.verify("", API)) == "token_missing"


def test_a_changed_signature_is_refused(tokens: Tokens) -> None:
    token = tokens.issue(CLIENT, 1, "records:read").token
    head, _, signature = token.rpartition(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    assert _code(tokens.verify(f"{head}.{flipped}", API)) == "token_invalid"


def test_key_sets_hold_no_private_part(tokens: Tokens) -> None:
    (key,) = tokens.jwks()["keys"]
    assert {name: key[name] for name in ("kty", "crv", "use", "alg")} == {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256"}
    assert set(key) == {"kty", "crv", "use", "alg", "kid", "x", "y"}


def test_the_first_key_is_made_once_and_recorded(store: Store, clock: FixedClock) -> None:
    tokens = Tokens(RING, store, clock, ISSUER, SITE)
    made = issued(tokens, store, CLIENT)
    tokens.prepare()
    with store.read() as session:
        keys = all_of(session, Purpose.TOKEN)
        entries = [json.loads(row.leaf) for row in session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()]
    assert len(keys) == 1
    assert [(entry["event"], entry["subject"], entry["facts"]) for entry in entries] == [("key.made", keys[0].id, {"purpose": "token"})]
    assert isinstance(tokens.verify(made.token, API), Claims)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:8401", "http://127.0.0.1:8401"),
        ("HTTPS://WWW.Agora.example/", "https://www.agora.example"),
        ("www.agora.example", "https://www.agora.example"),
        ("http://[::1]:80/x", "http://[::1]"),
    ],
)
def test_origin_is_scheme_host_and_port(address: str, expected: str) -> None:
    assert origin(address) == expected


def test_a_site_without_a_host_stops_the_start() -> None:
    with pytest.raises(Misconfigured):
        origin("ftp://x")
