"""Tokens of clients that memory holds: decided in the event loop, durable with everything else that waits, and no less strict."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from api.oauth.pace import PaceLimits
from contracts.access.answers import Committed, Item
from contracts.access.writer import AccessWriter
from contracts.clock import FixedClock
from contracts.credentials.tokens import Claims
from contracts.errors import StoreUnavailable
from contracts.house import House
from contracts.lifecycle.tables import Contract
from contracts.store import epochs
from tests.api.oauth.conftest import ISSUER, World

GRANT = {"grant_type": "client_credentials"}


def _with(world: World, access: AccessWriter) -> World:
    parts = SimpleNamespace(**{**vars(world.house), "access": access})
    return replace(world, house=cast(House, parts))


def test_the_second_token_is_written_with_the_batch_and_kept(sqlite_world: World) -> None:
    world = sqlite_world
    caller = world.caller()
    first = caller.post("/oauth/token", data=GRANT, auth=world.api)
    world.house.watch.poll()
    world.store.holds.clear()
    second = caller.post("/oauth/token", data=GRANT, auth=world.api)
    claims = [world.house.tokens.verify(answer.json()["access_token"], f"{ISSUER}/v1") for answer in (first, second)]
    assert [type(each) for each in claims] == [Claims, Claims]
    assert [hold.label for hold in world.store.holds] == ["access"]
    issued = world.entries()
    assert issued[1] == issued[0] | {"subject": cast(Claims, claims[1]).jti}


def test_of_parallel_requests_exactly_as_many_as_the_limit_get_a_token(world: World) -> None:
    caller = world.caller(PaceLimits(client="12/minute"))
    caller.post("/oauth/token", data=GRANT, auth=world.api)
    world.house.watch.poll()
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: caller.post("/oauth/token", data=GRANT, auth=world.api), range(30)))
    assert Counter(answer.status_code for answer in answers) == {200: 11, 429: 19}
    tokens = {answer.json()["access_token"] for answer in answers if answer.status_code == 200}
    assert sum(isinstance(world.house.tokens.verify(token, f"{ISSUER}/v1"), Claims) for token in tokens) == 11


class _SuspendedMeanwhile(AccessWriter):
    """A writer before whose first batch the contract is suspended, as by another process."""

    def __init__(self, world: World, clock: FixedClock) -> None:
        super().__init__(world.store, world.house.watch, clock)
        self._world, self._done = world, False

    async def commit(self, item: Item) -> Committed:
        if not self._done:
            self._done = True
            with self._world.store.write() as unit:
                unit.lock(Contract, self._world.contract.id).state = "suspended"
                unit.session.flush()
                epochs.bump(unit, "grants")
        return await super().commit(item)


def test_a_contract_that_is_suspended_between_decision_and_entry_gets_no_token(world: World, clock: FixedClock) -> None:
    access = _SuspendedMeanwhile(world, clock)
    access.start()
    caller = _with(world, access).caller()
    caller.post("/oauth/token", data=GRANT, auth=world.api)
    world.house.watch.poll()
    answer = caller.post("/oauth/token", data=GRANT, auth=world.api)
    access.stop()
    assert (answer.status_code, answer.json()["error"], answer.json()["code"]) == (400, "unauthorized_client", "contract_not_active")
    assert [each["event"] for each in world.entries()] == ["token.issued", "token.refused"]


class _Closed(AccessWriter):
    """A writer that takes nothing."""

    async def commit(self, item: Item) -> Committed:
        raise StoreUnavailable("closed")


def test_without_the_writer_a_token_is_written_by_itself(world: World, clock: FixedClock) -> None:
    caller = _with(world, _Closed(world.store, world.house.watch, clock)).caller()
    caller.post("/oauth/token", data=GRANT, auth=world.api)
    world.house.watch.poll()
    token = caller.post("/oauth/token", data=GRANT, auth=world.api).json()["access_token"]
    assert isinstance(world.house.tokens.verify(token, f"{ISSUER}/v1"), Claims)
    assert len(world.entries()) == 2
