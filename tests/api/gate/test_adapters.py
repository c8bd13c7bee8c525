"""What each proxy is answered, as a table; and that a decision comes back from nginx as it was handed out."""

from __future__ import annotations

import asyncio
import base64
import hmac
from dataclasses import replace
from pathlib import Path

import pytest

from api.gate import replay
from api.gate.adapters import ADAPTERS, NOT_A_PROXY, STOPPED, endpoints_of
from api.gate.asked import Asked
from api.gate.reply import Reply
from contracts.clock import FixedClock
from contracts.gate import queries
from contracts.gate.decide import Decision
from contracts.gate.facts import Facts
from contracts.gate.telling import Telling
from contracts.keys import KeyRing
from contracts.store.unit import Store
from tests.harness.gates import gate_over, gate_settings

PASSED = Decision("dec_1", "within_budget", "enforce")
LICENSED = Decision("dec_2", "licensed", "enforce", licensed=True, contract_id="ctr_1")
STOPPED_BY_BUDGET = Decision("dec_3", "budget_exceeded", "enforce", 60)
LATER = Decision("dec_4", "ledger_behind", "enforce", 2, licensed=True)
IN_SHADOW = Decision("dec_5", "budget_exceeded", "shadow")
FOUND = {"x-gate-status": "200", "x-gate-credential": "none", "content-length": "0"}
REPLAYS = replay.Replays(b"k" * 32)


def asked(authorization: str = "", accept: str = "") -> Asked:
    return Asked(Facts("GET", "site.example", "/posts/1", "198.51.100.7", "curl/8", authorization), accept)


@pytest.fixture
def telling(tmp_path: Path) -> Telling:
    return Telling(gate_settings(tmp_path))


def answered(path: str, telling: Telling, decision: Decision, about: Asked) -> tuple[int, dict[str, str], bytes]:
    reply = ADAPTERS[path].answer(decision, about, telling, REPLAYS.seal)
    return reply.status, {name.decode(): value.decode() for name, value in reply.headers}, reply.body


@pytest.mark.parametrize("path", ADAPTERS)
def test_a_pass_is_exactly_200_and_empty(path: str, telling: Telling) -> None:
    told = {"x-gate-decision": "dec_1", "x-gate-reason": "within_budget", "x-licet-decision": "dec_1"}
    assert answered(path, telling, PASSED, asked()) == (200, FOUND | told, b"")
    told = {"x-gate-decision": "dec_5", "x-gate-reason": "budget_exceeded", "x-licet-decision": "dec_5"}
    assert answered(path, telling, IN_SHADOW, asked()) == (200, FOUND | told, b"")


KEEPS = {"/gate/nginx": {}, "/gate/envoy/{target:path}": {}, "/gate/haproxy": {}}
TAKES = {
    "/gate/nginx": {},
    "/gate/envoy/{target:path}": {"x-envoy-auth-headers-to-remove": "authorization"},
    "/gate/haproxy": {},
    "/gate/traefik": {},
    "/gate/caddy": {},
}


@pytest.mark.parametrize("path", ADAPTERS)
def test_a_credential_of_the_gate_stays_with_it_and_the_sites_own_goes_on(path: str, telling: Telling) -> None:
    told = {"x-gate-decision": "dec_2", "x-gate-reason": "licensed", "x-licet-decision": "dec_2", "x-licet-contract": "ctr_1"}
    taken = FOUND | told | {"x-gate-credential": "licence"} | TAKES[path]
    assert answered(path, telling, LICENSED, asked("Bearer ours")) == (200, taken, b"")
    for credential in ("LICENSE of-somebody", "Bearer  licet_key_lost"):
        status, headers, _body = answered(path, telling, PASSED, asked(credential))
        assert (status, headers["x-gate-credential"], "authorization" in headers) == (200, "licence", False)
    _status, headers, _body = answered(path, telling, PASSED, replace(asked(), doubtful=True))
    assert headers["x-gate-credential"] == "licence"
    _status, headers, _body = answered(path, telling, PASSED, asked("Basic eA=="))
    handed = {name: headers[name] for name in ("authorization", "x-envoy-auth-headers-to-remove") if name in headers}
    assert (headers["x-gate-credential"], handed) == ("none", KEEPS.get(path, {"authorization": "Basic eA=="}))


@pytest.mark.parametrize("path", [each for each in ADAPTERS if each != "/gate/nginx"])
@pytest.mark.parametrize(("decision", "status"), [(STOPPED_BY_BUDGET, 403), (LATER, 503)])
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_a_refusal_is_told_whole(path: str, telling: Telling, decision: Decision, status: int, accept: str) -> None:
    whole = telling.answer(decision, accept)
    expected = (whole.status, dict([*whole.headers[1:], ("content-length", str(len(whole.body)))]), whole.body)
    got_status, headers, body = answered(path, telling, decision, asked(accept=accept))
    assert whole.status == status
    # Envoy takes a 5xx for a failure of the gate, which open routes let pass.
    assert got_status == (424 if status == 503 and path.startswith("/gate/envoy") else status)
    assert (headers.items() >= expected[1].items() - {("link", expected[1]["link"])}, body) == (True, expected[2])


def test_nginx_is_told_403_and_hands_the_decision_back(tmp_path: Path, sqlite_store: Store, clock: FixedClock) -> None:
    settings = gate_settings(tmp_path, budget=1)
    parts = gate_over(sqlite_store, clock, settings)
    endpoints = endpoints_of(parts.gate, settings, KeyRing(b"k" * 32))

    def ask(path: str, *headers: tuple[bytes, bytes], peer: str = "127.0.0.1") -> Reply:
        return asyncio.run(endpoints[path][1].reply("GET", path, headers, peer))

    def page(number: int) -> tuple[bytes, bytes]:
        return (b"x-original-uri", f"/posts/{number}".encode())

    assert ask("/gate/nginx", page(1)).status == 200
    stopped = dict(ask("/gate/nginx", page(2)).headers)
    assert {name: stopped[name] for name in (b"x-gate-status", b"x-gate-reason", b"content-length")} == {
        b"x-gate-status": b"403",
        b"x-gate-reason": b"budget_exceeded",
        b"content-length": b"0",
    }
    # Another process of the same installation answers the second question.
    elsewhere = endpoints_of(parts.gate, settings, KeyRing(b"k" * 32))[STOPPED][1]
    handed = (b"x-gate-replay", stopped[b"x-gate-replay"])
    whole = asyncio.run(elsewhere.reply("GET", STOPPED, [handed], "127.0.0.1"))
    told = dict(whole.headers)
    assert (whole.status, told[b"x-gate-decision"], told[b"content-length"]) == (
        403,
        stopped[b"x-gate-decision"],
        str(len(whole.body)).encode(),
    )
    assert [
        ask(STOPPED, *headers, peer=peer)
        for headers, peer in (((), "127.0.0.1"), ((handed,), "198.51.100.7"), ((handed, handed), "127.0.0.1"))
    ] == [NOT_A_PROXY] * 3
    parts.gate.flush_counts()
    with sqlite_store.read() as session:
        assert [hour.total for hour in queries.hours(session, clock.now()) if hour.total] == [2]


def test_who_is_no_proxy_asks_in_vain_and_is_not_counted(tmp_path: Path, sqlite_store: Store, clock: FixedClock) -> None:
    settings = gate_settings(tmp_path)
    parts = gate_over(sqlite_store, clock, settings)
    endpoints = endpoints_of(parts.gate, settings, KeyRing(b"k" * 32))
    asked_of = [
        asyncio.run(endpoint.reply("GET", path, [(b"x-original-uri", b"/posts/1"), (b"x-forwarded-uri", b"/posts/1")], "198.51.100.7"))
        for path, (_methods, endpoint) in endpoints.items()
    ]
    assert asked_of == [NOT_A_PROXY] * 6
    parts.gate.flush_counts()
    with sqlite_store.read() as session:
        assert sum(hour.total for hour in queries.hours(session, clock.now())) == 0


def test_a_sealed_decision_opens_as_it_was_and_nothing_else_opens() -> None:
    sealed = REPLAYS.seal(STOPPED_BY_BUDGET)
    assert REPLAYS.open(sealed) == STOPPED_BY_BUDGET
    changed = [sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :] for place in range(0, len(sealed) - 4, 7)]
    wrong = [*changed, "", "x", "é", sealed[:-4], "A" * (replay.MAX_CHARACTERS + 1), replay.Replays(b"j" * 32).seal(STOPPED_BY_BUDGET)]
    assert [REPLAYS.open(each) for each in wrong] == [None] * len(wrong)


def test_a_decision_of_another_release_does_not_open() -> None:
    told = b'{"id":"dec_1","colour":"red"}'
    sealed = base64.urlsafe_b64encode(hmac.digest(b"k" * 32, told, "sha256")[:16] + told).decode()
    assert REPLAYS.open(sealed) is None
