"""Signers that we did not write, against a gate that answers over HTTP: npm web-bot-auth signs, PyPI botgate signs and tampers.

The gate stands before a site that says of each request whether its signature was believed, which is what botgate asks.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.types import Receive, Scope, Send

from contracts.access.grants import GrantCache
from contracts.clock import SystemClock
from contracts.crawlers import service as crawlers
from contracts.crawlers.decide import challenge, keys_in
from contracts.credentials.tokens import Tokens
from contracts.gate.facts import Facts, Signed
from contracts.gate.recognised import Recognised
from contracts.gate.service import Gate
from contracts.people.roles import Role
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from contracts.terms.model import CrawlTerms
from tests.contracts.credentials.sealed import RING, contract_in_force
from tests.contracts.people.people import person
from tests.harness import node
from tests.harness.asgi import serving
from tests.harness.gates import gate_settings

CRAWL = CrawlTerms(hosts=("127.0.0.1",), paths=("/posts/",), requests_per_second=1000)
AGENT = "https://bot.example"


@dataclass
class Site:
    """The site behind the gate; how each request was judged stands in its answer."""

    gate: Gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = {name.decode(): value.decode() for name, value in scope["headers"]}
        signed = Signed(*(sent.get(name, "") for name in ("signature-input", "signature", "signature-agent", "content-digest")))
        target = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        facts = Facts(
            scope["method"], sent["host"], target, "127.0.0.1", sent.get("user-agent", ""), signature=signed if signed.input else None
        )
        decision = await self.gate.decide(facts)
        told = [("x-gate-reason", decision.reason), ("x-authenticated", "yes" if decision.contract_id else "no"), ("content-length", "0")]
        headers = [(name.encode(), value.encode()) for name, value in told]
        await send({"type": "http.response.start", "status": decision.status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Proved:
    """A running gate that knows one crawler's key, given by value; botgate made it in `folder`."""

    url: str
    jwk: dict[str, Any]
    folder: Path

    def get(self, headers: dict[str, str], path: str = "/posts/1") -> tuple[int, str]:
        """Status and reason of one request."""
        answer = httpx.get(f"{self.url}{path}", headers=headers, trust_env=False)
        return answer.status_code, answer.headers["x-gate-reason"]


def botgate(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a folder, where it keeps its key."""
    program = Path(sys.executable).with_name("botgate")
    return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def proved(sqlite_store: Store, tmp_path: Path) -> Iterator[Proved]:
    assert botgate(tmp_path, "init").returncode == 0
    # PKCS #8 with the public half behind the private one (RFC 5958), which `cryptography` does not read; the seed stands before it.
    seed = (tmp_path / ".botgate/private.key").read_bytes().partition(b"\x04\x22\x04\x20")[2][:32]
    private = Ed25519PrivateKey.from_private_bytes(seed)
    jwk, clock = (tmp_path / ".botgate/public.jwk").read_text(), SystemClock()
    store = Store(sqlite_store.engine, clock)
    lead, steward = person(store, "ada@northfield.example", Role.LEAD), person(store, "sam@agora.example", Role.STEWARD)
    contract = contract_in_force(store, lead, steward, crawl=CRAWL)
    settings, watch = gate_settings(tmp_path, budget=1), EpochWatch(store)
    with store.write() as unit:
        row = crawlers.register(unit, lead, contract.id, "LabBot", keys_in(jwk))[0]
    with store.write() as unit:
        signature = base64.b64encode(private.sign(challenge(row, settings.base_url).encode())).decode()
        crawlers.prove(unit, lead, row.id, signature, settings.base_url)
    grants = GrantCache(store, RING, clock, watch)
    tokens = Tokens(RING, store, clock, settings.base_url, settings.platform.site)
    gate = Gate(store, watch, tokens, grants, settings, clock, RING, Recognised(store, watch, RING, settings, clock))
    gate.deadline_seconds = 30.0  # a busy machine proves nothing here
    watch.start()
    secret = json.loads(jwk) | {"d": base64.urlsafe_b64encode(private.private_bytes_raw()).rstrip(b"=").decode()}
    with serving(Site(gate)) as port:
        yield Proved(f"http://127.0.0.1:{port}", secret, tmp_path)
    gate.close()
    watch.stop()


def test_npm_web_bot_auth_signs_what_the_gate_believes(proved: Proved) -> None:
    signer = node.start("web-bot-auth.mjs")
    assert signer.stdin is not None and signer.stdout is not None

    def signed(agent: str, **asked: Any) -> dict[str, str]:
        """The fields of a request that it signs."""
        told = {"do": "sign", "key": proved.jwk, "url": f"{proved.url}/posts/1", "agent": agent, "created": _seconds(), "seconds": 300}
        assert signer.stdin is not None and signer.stdout is not None
        signer.stdin.write(json.dumps({**told, **asked}) + "\n")
        signer.stdin.flush()
        made = json.loads(signer.stdout.readline())["result"]
        return {"signature": made["signature"], "signature-input": made["input"], **({"signature-agent": agent} if agent else {})}

    plain, legacy = signed(""), signed(json.dumps(AGENT))
    assert [proved.get(each) for each in (plain, legacy, legacy)] == [(200, "licensed"), (200, "licensed"), (429, "signature_replayed")]
    assert proved.get({**signed(json.dumps(AGENT)), "signature-agent": '"https://other.example"'}) == (401, "signature_invalid")
    assert proved.get(signed(json.dumps(AGENT), url="http://127.0.0.2/posts/1")) == (401, "signature_invalid")
    assert proved.get(signed("", created=_seconds() - 600, seconds=300)) == (401, "signature_invalid")
    signer.communicate(timeout=30)
    assert signer.returncode == 0


def test_botgate_finds_that_nothing_but_the_request_that_was_signed_is_believed(proved: Proved) -> None:
    words = ("--agent", AGENT, "--auth-header", "x-authenticated", "--authenticated-value", "yes", "--unauthenticated-value", "no")
    done = botgate(proved.folder, "test", f"{proved.url}/posts/1?a=1", *words, "--allow-http", "--allow-private-target", "--format", "json")
    cases = json.loads(done.stdout)["live"]["cases"]
    believed = {each["name"]: each["observed_authentication"] == "authenticated" for each in cases}
    # A signature may name an end that is far away, as the published vectors do; here it counts for an hour all the same.
    assert {name for name, authenticated in believed.items() if authenticated} == {"original", "long_expiration"}
    assert {each["name"] for each in cases if not each["authentication_passed"]} == {"long_expiration"}
    refused = {"changed_method", "changed_path", "changed_query", "changed_authority", "corrupted_signature", "expired", "future_created"}
    assert refused | {"missing_expires", "unknown_key", "changed_signature_agent", "removed_signature_agent"} <= believed.keys()


def _seconds() -> int:
    return int(datetime.now(UTC).timestamp())
