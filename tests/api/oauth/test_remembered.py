"""Requests in words that were decided before: not decided anew, and answered as if they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.front import Front
from api.oauth import hot_routes
from api.oauth.form import words_of
from api.oauth.pace import PaceLimits
from api.oauth.remembered import Remembered, Standing
from api.oauth.server import TokenServer
from api.oauth.shell import Shell
from contracts.clock import FixedClock
from contracts.credentials import service as credentials
from contracts.credentials.renewal import rotate_client
from contracts.credentials.tokens import Claims, Plan
from contracts.ledger.stage import Entry
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.store import epochs
from tests.api.oauth.conftest import ADDRESS, ISSUER, World
from tests.contracts.credentials.sealed import contract_in_force
from tests.contracts.people.people import person

GRANT = {"grant_type": "client_credentials"}
AGAIN = (0, 200)


class _Counted(Shell):
    """A shell that counts how many requests were decided."""

    decided = 0

    def server(self, address: str) -> TokenServer:
        self.decided += 1
        return super().server(address)


class _Worker:
    """One worker of a world, and who asks it."""

    def __init__(self, world: World, limits: PaceLimits | None = None) -> None:
        self._shell = _Counted(world.house)
        self._front = Front(hot_routes(world.house, limits, self._shell), self._front_ends)
        self._world = world

    async def _front_ends(self, *_: object) -> None:
        raise AssertionError("only hot addresses are asked for here")

    def ask(self, auth: tuple[str, str], address: str = ADDRESS, headers: Mapping[str, str] | None = None, **form: str) -> Any:
        caller = TestClient(self._front, base_url=ISSUER, client=(address, 1234))
        return caller.post("/oauth/token", data=GRANT | form, auth=auth, headers=headers)

    def told(self, auth: tuple[str, str], **asked: str) -> tuple[int, int]:
        """How many decisions a request took, and how it was answered."""
        before = self._shell.decided
        status = self.ask(auth, **asked).status_code
        return self._shell.decided - before, status


@pytest.fixture
def worker(sqlite_world: World) -> _Worker:
    """A worker that has the words of the client for the API in mind."""
    made = _Worker(sqlite_world)
    assert [made.told(sqlite_world.api) for _ in range(3)] == [(1, 200), (1, 200), AGAIN]
    return made


def test_a_remembered_request_is_answered_and_recorded_as_one_that_was_decided(sqlite_world: World) -> None:
    world, worker = sqlite_world, _Worker(sqlite_world)
    answers = [worker.ask(world.api, scope="records:read", resource=f"{ISSUER}/v1") for _ in range(4)]
    bodies = [answer.json() for answer in answers]
    claims = [world.house.tokens.verify(body.pop("access_token"), f"{ISSUER}/v1") for body in bodies]
    assert all(isinstance(each, Claims) for each in claims)
    own = [{"jti": each.jti} for each in claims if isinstance(each, Claims)]
    assert [dict(each.payload) for each in claims if isinstance(each, Claims)] == [{**claims[0].payload, **jti} for jti in own]  # type: ignore[union-attr]  # asserted above
    assert bodies == [{"token_type": "Bearer", "expires_in": 600, "scope": "records:read"}] * 4
    assert [dict(each.headers) | {"content-length": ""} for each in answers] == [dict(answers[0].headers) | {"content-length": ""}] * 4
    assert world.entries() == [{**world.entries()[0], "subject": each["jti"]} for each in own]


def _suspend(world: World) -> None:
    with world.store.write() as unit:
        unit.lock(Contract, world.contract.id).state = "suspended"
        unit.session.flush()
        epochs.bump(unit, "grants")


def _revoke(world: World) -> None:
    with world.store.write() as unit:
        credentials.revoke_client(unit, world.lead, world.api[0])


def _rotate(world: World) -> None:
    with world.store.write() as unit:
        rotate_client(unit, world.lead, world.api[0], timedelta())


@pytest.mark.parametrize(("change", "status"), [(_suspend, 400), (_revoke, 401), (_rotate, 401)])
@pytest.mark.parametrize("polled", [False, True])
def test_nothing_is_remembered_beyond_a_change(
    sqlite_world: World, worker: _Worker, change: Callable[[World], None], status: int, polled: bool
) -> None:
    change(sqlite_world)
    if polled:
        sqlite_world.house.watch.poll()
    assert worker.ask(sqlite_world.api).status_code == status
    assert sqlite_world.entries()[-1]["event"] == "token.refused"


def test_nothing_is_remembered_beyond_the_day(sqlite_world: World, worker: _Worker, clock: FixedClock) -> None:
    clock.advance(days=1)
    assert [worker.told(sqlite_world.api) for _ in range(2)] == [(1, 200), AGAIN]
    clock.advance(days=400)
    assert worker.told(sqlite_world.api) == (2, 400)


def test_nothing_is_remembered_beyond_what_it_was_decided_by(sqlite_world: World) -> None:
    shell = Shell(sqlite_world.house)
    known = shell.directory.find(sqlite_world.api[0])
    assert known is not None
    standing = Standing(known, shell.today(), "", Plan(b""), {}, Entry(event="token.issued"))
    kept = Remembered(shell.directory, shell.today)
    kept.keep(b"1", ADDRESS, standing)
    assert kept.find(b"1", ADDRESS) is standing
    shell.directory.forget(sqlite_world.api[0])
    assert shell.directory.find(sqlite_world.api[0]) is not known
    assert kept.find(b"1", ADDRESS) is None


def test_other_words_and_other_addresses_are_decided_for_themselves(sqlite_world: World, worker: _Worker) -> None:
    world = sqlite_world
    assert worker.told(world.api, address="198.51.100.7") == (1, 200)
    assert worker.told(world.api, scope="records:read") == (1, 200)
    assert worker.told(world.api, scope="records:read site:fetch") == (2, 400)
    assert worker.told((world.api[0], world.api[1][:-1] + "x")) == (2, 401)
    assert worker.told(world.api) == AGAIN


def test_a_network_outside_the_contract_gets_nothing_by_what_one_inside_got(sqlite_world: World) -> None:
    world, worker = sqlite_world, _Worker(sqlite_world)
    steward = person(world.store, "kim@agora.example", Role.STEWARD)
    contract = contract_in_force(world.store, world.lead, steward, networks=("198.51.100.0/24",))
    with world.store.write() as unit:
        client, secret = credentials.create_client(unit, world.lead, contract, name="Loader", audience="api")
    inside = [worker.told((client.id, secret), address="198.51.100.7") for _ in range(3)]
    assert (inside[-1], worker.told((client.id, secret))) == (AGAIN, (2, 400))


def test_a_secret_that_ends_within_the_day_is_not_remembered(sqlite_world: World, worker: _Worker, clock: FixedClock) -> None:
    world = sqlite_world
    with world.store.write() as unit:
        rotate_client(unit, world.lead, world.api[0], timedelta(hours=1))
    world.house.watch.poll()
    worker.ask(world.api)
    assert [worker.told(world.api) for _ in range(2)] == [(1, 200)] * 2
    clock.advance(hours=1)
    assert worker.ask(world.api).status_code == 401


def test_a_proof_is_looked_at_each_time(sqlite_world: World, worker: _Worker) -> None:
    assert worker.ask(sqlite_world.api, headers={"dpop": "x"}).json()["error"] == "invalid_dpop_proof"


def test_remembered_requests_are_counted_like_others(sqlite_world: World) -> None:
    world, worker = sqlite_world, _Worker(sqlite_world, PaceLimits(client="4/minute"))
    assert [worker.ask(world.api).status_code for _ in range(6)] == [200] * 4 + [429] * 2
    assert [each["rule"] for each in world.entries() if "rule" in each] == ["too_many_requests"]


def test_only_so_many_are_remembered(sqlite_world: World) -> None:
    shell = Shell(sqlite_world.house)
    known = shell.directory.find(sqlite_world.api[0])
    assert known is not None
    standing = Standing(known, shell.today(), "", Plan(b""), {}, Entry(event="token.issued"))
    kept = Remembered(shell.directory, shell.today, most=2)
    for words in (b"1", b"2", b"3"):
        kept.keep(words, ADDRESS, standing)
    assert [kept.find(words, ADDRESS) for words in (b"1", b"2", b"3")] == [None, standing, standing]


def test_words_are_all_that_a_form_is_read_from() -> None:
    def words(body: bytes | None = b"a=b", query: bytes = b"", **headers: str) -> bytes | None:
        sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return words_of({"type": "http", "headers": sent, "query_string": query}, body)

    assert words(authorization="Basic x", host="one") == words(authorization="Basic x", host="two")
    told = [words(), words(b"a=c"), words(authorization="x"), words(content_type="x"), words(b"a=b", authorization="y")]
    assert None not in told
    assert len(set(told)) == len(told)
    assert [words(None), words(query=b"a=b"), words(dpop="proof")] == [None] * 3
