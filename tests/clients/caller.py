"""Whoever brings errors about: a caller of the served platform with a client, a program, a key and ways to ask."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc.jwk import ECKey

from contracts.clock import SystemClock
from portal.demo.people import person
from tests.clients.platform import RECORDS, Platform
from tests.harness.felt import felt
from tests.harness.jose import proof
from tests.harness.visitor import Visitor

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
BACK = "http://127.0.0.1/back"
_networks = itertools.count(1)


@dataclass
class Caller:
    """A caller of the served platform, from a network of its own, so that no row uses up another's pace."""

    served: Platform
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    def __post_init__(self) -> None:
        headers = {"x-forwarded-for": f"198.18.{next(_networks)}.9"}
        self.http = httpx.Client(base_url=self.served.base_url, headers=headers, timeout=60, trust_env=False)
        self.own = self.served.client("client_secret_basic")
        self.program = self.served.client("none", BACK)

    def post(self, path: str, values: dict[str, str] | None = None, client: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """A form, by default of a client with a secret in the header."""
        own = client or self.own
        return self.http.post(path, data=values, auth=(own["id"], own.get("secret", "")), **more)

    def token(self, client: dict[str, Any] | None = None, **values: str) -> httpx.Response:
        """A request for a token of a client's own."""
        return self.post("/oauth/token", {"grant_type": "client_credentials"} | values, client)

    def program_token(self, **values: str) -> httpx.Response:
        """A request for a token of the program that has no secret."""
        return self.http.post("/oauth/token", data={"client_id": self.program["id"]} | values)

    def proved_token(self, **changed: Any) -> httpx.Response:
        """A request for a token with a proof of this caller's key; `changed` changes the proof."""
        return self.post(
            "/oauth/token", {"grant_type": "client_credentials"}, headers={"dpop": self.proof("POST", "/oauth/token", **changed)}
        )

    def proved_read(self, **changed: Any) -> httpx.Response:
        """A request for records with a bound token and a proof."""
        token = self.bound_token()
        return self.read(f"DPoP {token}", dpop=self.proof("GET", RECORDS, token=token, **changed))

    def denied(self) -> httpx.Response:
        """What the program gets where the person does not allow it."""
        lead, browser = person("lead"), Visitor(self.served.base_url)
        browser.sign_in(lead.email, lead.password)
        try:
            return browser.post(self.authorize().headers["location"], {"answer": "deny"})
        finally:
            browser.close()

    def authorize(self, **changed: str | None) -> httpx.Response:
        """A request of a program for a person; None leaves a parameter out."""
        return self.http.get("/oauth/authorize", params=self._asked(changed))

    def push(self, **changed: str | None) -> httpx.Response:
        """The same, pushed ahead."""
        return self.http.post("/oauth/par", data=self._asked(changed))

    def push_with(self, proof: str) -> httpx.Response:
        """A pushed request with a DPoP proof."""
        return self.http.post("/oauth/par", data=self._asked({}), headers={"dpop": proof})

    def register(self, token: str = "", **changed: Any) -> httpx.Response:
        """A program that registers itself, with a good token unless another is named."""
        asked = {"client_name": "Self-made", "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"]}
        bearer = {"authorization": f"Bearer {token or self.served.registration_token()}"}
        return self.http.post("/oauth/register", json=asked | changed, headers=bearer)

    def licence(self, **changed: Any) -> httpx.Response:
        """A request for the first licence that /license.xml offers."""
        served = self.http.get("/license.xml").text
        found = re.search(r'<content url="([^"]+)".*?(<license>.*?</license>)', served, re.DOTALL)
        assert found is not None, served
        asked = {"grant_type": "client_credentials", "resource": found.group(1), "license": found.group(2)}
        client = changed.pop("client", None)
        return self.post("/token", asked | changed, client)

    def _asked(self, changed: dict[str, str | None]) -> dict[str, str]:
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.program["id"],
            "redirect_uri": BACK,
            "scope": "records:read",
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (asked | changed).items() if value is not None}

    def read(self, *authorization: str, **headers: str) -> httpx.Response:
        """A request for records."""
        return self.http.get(RECORDS, headers=[("authorization", each) for each in authorization] + list(headers.items()))

    def proof(self, method: str, path: str, **more: Any) -> str:
        """A DPoP proof of this caller's key."""
        return proof(self.key, method, self.served.base_url + path, SystemClock().now().timestamp(), **more)

    def nonce(self) -> str:
        """A nonce of the token address."""
        bare = self.post("/oauth/token", {"grant_type": "client_credentials"}, headers={"dpop": self.proof("POST", "/oauth/token")})
        return bare.headers["dpop-nonce"]

    def bound_token(self) -> str:
        """A token bound to this caller's key."""
        client = self.served.client("client_secret_basic", dpop_bound=True)
        sent = {"dpop": self.proof("POST", "/oauth/token", nonce=self.nonce())}
        return str(self.post("/oauth/token", {"grant_type": "client_credentials"}, client, headers=sent).json()["access_token"])

    def access_token(self, **more: Any) -> str:
        """A bearer token; `more` changes its client."""
        return str(self.token(self.served.client("client_secret_basic", **more)).json()["access_token"])

    def narrowed_read(self) -> httpx.Response:
        """A request for records with a token whose client lost the scope since; that is known everywhere within two seconds."""
        client = self.served.client("client_secret_basic", name="Narrowed")
        token = self.token(client).json()["access_token"]
        self.served.execute("UPDATE client SET scopes = '[]' WHERE id = :id", id=client["id"])
        with felt() as since:
            while (answer := self.read(f"Bearer {token}")).status_code == 200 and since.seconds < 2:
                time.sleep(0.02)
        return answer

    @contextmanager
    def broken_seal(self) -> Iterator[dict[str, Any]]:
        """The client of a contract whose terms are not the sealed ones, while the block lasts."""
        licence = self.served.made.others["broken"]
        statement = "UPDATE contract_version SET terms_json = replace(terms_json, :old, :new) WHERE contract_id = :id"
        self.served.execute(statement, old="records_per_day", new="records_per_week", id=licence.contract.id)
        try:
            yield {"id": licence.client.client_id, "secret": licence.client.client_secret}
        finally:
            self.served.execute(statement, old="records_per_week", new="records_per_day", id=licence.contract.id)
