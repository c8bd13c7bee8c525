"""Every error that OAuth's addresses and the API name: each is brought about on a running server, with its status and headers.

The table is complete: an error that `api.oauth.errors` lists, or that the specifications have for an address, and that stands in no
row, fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from api.oauth.errors import ERRORS
from contracts.credentials.dpop import ALGORITHMS
from tests.clients.caller import BACK, Caller
from tests.clients.platform import Platform

# What a client goes by, beside status and body.
HEADERS = ("cache-control", "www-authenticate", "retry-after", "dpop-nonce")
KEEP_OUT = {"cache-control": "no-store"}
BASIC = KEEP_OUT | {"www-authenticate": 'Basic realm="licet", charset="UTF-8"'}
TOKEN_REFUSED = KEEP_OUT | {"www-authenticate": 'Bearer error="invalid_token"'}
LATER = KEEP_OUT | {"retry-after": re.compile(r"[1-9]\d*")}
NONCE = {"dpop-nonce": re.compile(r"\S{16,}")}


@dataclass(frozen=True)
class Row:
    """One error of one address."""

    address: str
    error: str
    ask: Callable[[Caller], httpx.Response] = field(repr=False)
    status: int = 400
    headers: dict[str, str | re.Pattern[str]] = field(default_factory=lambda: dict(KEEP_OUT))


def flood(ask: Callable[[], httpx.Response], most: int = 700) -> httpx.Response:
    """The answer to whoever asks too often."""
    for _ in range(most):
        answer = ask()
        if answer.status_code == 429:
            return answer
    raise AssertionError("nobody was told to slow down")


def unsealed(caller: Caller, ask: Callable[[dict[str, str]], httpx.Response]) -> httpx.Response:
    """The answer while the client's contract is not the one that was sealed."""
    with caller.broken_seal() as client:
        return ask(client)


WRONG = {"id": "cli_nobody", "secret": "wrong"}

TOKEN = [
    Row("token", "invalid_request", lambda c: c.post("/oauth/token", params={"grant_type": "client_credentials"})),
    Row("token", "invalid_request", lambda c: c.token(scope="x" * 9_000), 413),
    Row("token", "invalid_client", lambda c: c.token(WRONG), 401, BASIC),
    Row("token", "invalid_client", lambda c: c.http.post("/oauth/token", data={"grant_type": "client_credentials"}), 401, BASIC),
    Row("token", "invalid_grant", lambda c: c.program_token(grant_type="refresh_token", refresh_token="licet_rt_unknown")),
    Row("token", "unauthorized_client", lambda c: c.token(grant_type="refresh_token", refresh_token="x")),
    Row("token", "unsupported_grant_type", lambda c: c.token(grant_type="password")),
    Row("token", "invalid_scope", lambda c: c.token(scope="records:read site:fetch")),
    Row("token", "invalid_target", lambda c: c.token(resource="https://elsewhere.example")),
    Row("token", "invalid_dpop_proof", lambda c: c.token(c.served.client("client_secret_basic", dpop_bound=True)), 400, KEEP_OUT),
    Row("token", "invalid_dpop_proof", lambda c: c.proved_token(nonce=c.nonce(), htm="GET"), 400, KEEP_OUT | NONCE),
    Row("token", "use_dpop_nonce", lambda c: c.proved_token(), 400, KEEP_OUT | NONCE),
    Row("token", "invalid_authorization_details", lambda c: c.token(authorization_details='[{"type":"payment"}]')),
    Row("token", "slow_down", lambda c: flood(c.token), 429, LATER),
    Row("token", "temporarily_unavailable", lambda c: unsealed(c, c.token), 503, LATER),
]

AUTHORIZE = [
    Row("authorize", "invalid_request", lambda c: c.authorize(code_challenge=None), 303),
    Row("authorize", "invalid_request", lambda c: c.authorize(redirect_uri="https://evil.example/")),
    Row("authorize", "invalid_client", lambda c: c.authorize(client_id="cli_nobody"), 401),
    Row(
        "authorize",
        "unauthorized_client",
        lambda c: c.authorize(client_id=c.served.client("client_secret_basic", BACK, grant_types=("refresh_token",))["id"]),
        303,
    ),
    Row("authorize", "unsupported_response_type", lambda c: c.authorize(response_type="token"), 303),
    Row("authorize", "invalid_scope", lambda c: c.authorize(scope="everything"), 303),
    Row("authorize", "invalid_authorization_details", lambda c: c.authorize(authorization_details="[]"), 303),
    Row("authorize", "invalid_target", lambda c: c.authorize(resource="https://elsewhere.example"), 303),
    Row("authorize", "invalid_request_uri", lambda c: c.authorize(request_uri="urn:ietf:params:oauth:request_uri:unknown")),
    Row("authorize", "access_denied", lambda c: c.denied(), 303),
    Row("authorize", "slow_down", lambda c: flood(c.authorize), 429, LATER),
]

METADATA = re.compile(r'.*resource_metadata="http://127\.0\.0\.1:\d+/\.well-known/oauth-protected-resource/v1"')


def bearer(error: str) -> dict[str, str | re.Pattern[str]]:
    """The API's challenge to one who sent a bearer token."""
    return KEEP_OUT | {"www-authenticate": re.compile(rf'Bearer error="{error}", (scope="records:read", )?{METADATA.pattern[2:]}')}


def bound(error: str) -> dict[str, str | re.Pattern[str]]:
    """The API's challenge to one who sent a bound token."""
    return KEEP_OUT | NONCE | {"www-authenticate": re.compile(rf'DPoP algs="{ALGORITHMS}", error="{error}", {METADATA.pattern[2:]}')}


NOTHING_SENT = KEEP_OUT | {
    "www-authenticate": re.compile(rf'Bearer {METADATA.pattern[2:]}, DPoP algs="{ALGORITHMS}", {METADATA.pattern[2:]}')
}

RESOURCE = [
    Row("resource", "", lambda c: c.read(), 401, NOTHING_SENT),
    Row("resource", "invalid_request", lambda c: c.read("Bearer a", "Bearer b"), 400, bearer("invalid_request")),
    Row("resource", "invalid_token", lambda c: c.read("Bearer nonsense"), 401, bearer("invalid_token")),
    Row("resource", "invalid_token", lambda c: c.read(f"Bearer {c.bound_token()}"), 401, bound("invalid_token")),
    Row("resource", "insufficient_scope", lambda c: c.narrowed_read(), 403, bearer("insufficient_scope")),
    Row("resource", "invalid_dpop_proof", lambda c: c.read(f"DPoP {c.bound_token()}"), 401, bound("invalid_dpop_proof")),
    Row("resource", "use_dpop_nonce", lambda c: c.proved_read(), 401, bound("use_dpop_nonce")),
]

ABOUT_TOKENS = [
    row
    for address in ("introspect", "revoke")
    for row in (
        Row(address, "invalid_request", lambda c, at=f"/oauth/{address}": c.post(at, {})),
        Row(address, "invalid_client", lambda c, at=f"/oauth/{address}": c.post(at, {"token": "x"}, WRONG), 401, BASIC),
        Row(address, "slow_down", lambda c, at=f"/oauth/{address}": flood(lambda: c.post(at, {"token": "x"}, WRONG)), 429, LATER),
    )
]
REVOKE = [
    Row("revoke", "unsupported_token_type", lambda c: c.post("/oauth/revoke", {"token": "x", "token_type_hint": "id_token"})),
    Row("revoke", "invalid_grant", lambda c: c.post("/oauth/revoke", {"token": c.access_token()}, c.served.client("client_secret_post"))),
]

PUSHED = [
    Row("par", "invalid_request", lambda c: c.push(code_challenge=None)),
    Row("par", "invalid_request", lambda c: c.push(request_uri="urn:ietf:params:oauth:request_uri:x")),
    Row("par", "invalid_request", lambda c: c.push(state="x" * 9_000), 413),
    Row("par", "invalid_client", lambda c: c.push(client_id="cli_nobody"), 401, BASIC),
    Row("par", "unsupported_response_type", lambda c: c.push(response_type="token")),
    Row("par", "invalid_scope", lambda c: c.push(scope="everything")),
    Row("par", "invalid_target", lambda c: c.push(resource="https://elsewhere.example")),
    Row("par", "invalid_authorization_details", lambda c: c.push(authorization_details="no JSON")),
    Row("par", "use_dpop_nonce", lambda c: c.push_with(c.proof("POST", "/oauth/par")), 400, KEEP_OUT | NONCE),
    Row("par", "invalid_dpop_proof", lambda c: c.push_with(c.proof("POST", "/oauth/token", nonce=c.nonce())), 400, KEEP_OUT | NONCE),
    Row("par", "slow_down", lambda c: flood(c.push), 429, LATER),
]
LICENCE = [
    Row("licence", "invalid_request", lambda c: c.licence(license_type="text/plain")),
    Row("licence", "invalid_resource", lambda c: c.licence(resource="/nowhere")),
    Row("licence", "invalid_license", lambda c: c.licence(license="<license/>")),
    Row("licence", "invalid_client", lambda c: c.licence(client=WRONG), 401, BASIC),
]
LEAKED = [
    Row("leaked", "invalid_request", lambda c: c.http.post("/oauth/leaked", json=[])),
    Row("leaked", "invalid_request", lambda c: c.http.post("/oauth/leaked", json=[{"token": "x" * 70_000}]), 413),
    Row("leaked", "slow_down", lambda c: flood(lambda: c.http.post("/oauth/leaked", json=[])), 429, LATER),
]
REGISTER = [
    Row("register", "invalid_client_metadata", lambda c: c.register(client_name="x" * 40_000), 413),
    Row("register", "invalid_token", lambda c: c.register("licet_ia_unknown"), 401, TOKEN_REFUSED),
    Row("register", "invalid_token", lambda c: c.http.get("/oauth/register/cli_nobody"), 401, TOKEN_REFUSED),
    Row(
        "register", "invalid_redirect_uri", lambda c: c.register(grant_types=["authorization_code"], redirect_uris=["http://evil.example"])
    ),
    Row("register", "invalid_client_metadata", lambda c: c.register(grant_types=["password"])),
    Row("register", "invalid_software_statement", lambda c: c.register(software_statement="x")),
    Row("register", "unapproved_software_statement", lambda c: c.register(software_statement=c.proof("POST", "/oauth/register"))),
    Row("register", "slow_down", lambda c: flood(lambda: c.http.get("/oauth/register/cli_nobody")), 429, LATER),
]

ROWS = [*TOKEN, *AUTHORIZE, *RESOURCE, *ABOUT_TOKENS, *REVOKE, *PUSHED, *LICENCE, *LEAKED, *REGISTER]

# What the specifications have for each address (RFC 6749 sections 4.1.2.1 and 5.2, 6750 section 3.1, 7009, 7591, 7662, 8707, 9126, 9396, 9449).
SPECIFIED = {
    "token": "invalid_request invalid_client invalid_grant unauthorized_client unsupported_grant_type invalid_scope invalid_target"
    " invalid_dpop_proof use_dpop_nonce invalid_authorization_details",
    "authorize": "invalid_request unauthorized_client access_denied unsupported_response_type invalid_scope invalid_target"
    " invalid_authorization_details invalid_request_uri",
    "par": "invalid_request invalid_client unsupported_response_type invalid_scope invalid_target invalid_authorization_details slow_down"
    " invalid_dpop_proof use_dpop_nonce",
    "resource": "invalid_request invalid_token insufficient_scope invalid_dpop_proof use_dpop_nonce",
    "register": "invalid_redirect_uri invalid_client_metadata invalid_software_statement unapproved_software_statement invalid_token",
    "revoke": "invalid_request invalid_client unsupported_token_type",
    "introspect": "invalid_request invalid_client",
}
# The API's own, in its challenges alone.
BY_CHALLENGE = {"", "insufficient_scope"}


@pytest.fixture
def caller(served: Platform) -> Iterator[Caller]:
    """A caller from a network that nobody else has."""
    made = Caller(served)
    yield made
    made.http.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.address}-{row.error or 'nothing'}")
def test_an_error_comes_with_its_status_and_headers(caller: Caller, row: Row) -> None:
    answer = row.ask(caller)
    given = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
    assert (answer.status_code, error_of(answer), sorted(given)) == (row.status, row.error, sorted(row.headers)), answer.text
    for name, wanted in row.headers.items():
        assert wanted == given[name] if isinstance(wanted, str) else wanted.fullmatch(given[name]), (name, given[name])


def test_no_error_is_without_a_row() -> None:
    assert {row.error for row in ROWS} - BY_CHALLENGE == set(ERRORS)
    missing = {(address, error) for address, errors in SPECIFIED.items() for error in errors.split()} - {
        (row.address, row.error) for row in ROWS
    }
    assert missing == set()


def error_of(answer: httpx.Response) -> str:
    """Where a program looks for it: in the address that people are sent back to, in the challenge, or in the body."""
    if answer.status_code == 303:
        assert answer.headers["location"].startswith(f"{BACK}?"), answer.headers["location"]
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["error"]
    if answer.headers["content-type"] == "application/problem+json":
        found = re.search(r'error="(\w+)"', answer.headers.get("www-authenticate", ""))
        return found.group(1) if found else ""
    return str(answer.json()["error"])
