"""Grants as the gate asks for them: from memory alone, within one epoch, their seals looked at by a job before anybody waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

from contracts.access.grants import LOOK_SECONDS, PAUSE_SECONDS, REMEMBERED_SECONDS
from contracts.clock import FixedClock
from contracts.credentials.tables import Client
from contracts.errors import Refusal
from contracts.lifecycle.tables import ContractVersion
from contracts.store.epochs import bump
from contracts.store.unit import Store
from contracts.terms.grant import Grant
from tests.harness.data import World, run, world


@pytest.fixture
def data(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    with world(sqlite_store, clock, tmp_path, 1) as made:
        yield made


def aged(data: World, contract: str, seconds: float) -> None:
    """As if the contract had been looked at so much earlier."""
    held = data.grants._held[contract]
    data.grants._held[contract] = replace(held, loaded_at=held.loaded_at - seconds)


def edit(data: World) -> None:
    """Change sealed terms past every service."""
    with data.store.write() as unit:
        unit.connection.execute(update(ContractVersion).values(terms_sha256="0" * 64))


def test_memory_has_what_was_looked_at_within_a_minute_and_one_epoch(data: World) -> None:
    contract, client = data.contract()
    assert data.grants.remembered(contract) is None
    grant = run(data.grants.looked_at(contract))
    assert isinstance(grant, Grant) and client in grant.clients
    assert data.grants.remembered(contract) is grant
    aged(data, contract, REMEMBERED_SECONDS - 5)
    assert data.grants.remembered(contract) is grant
    aged(data, contract, 5)
    assert data.grants.remembered(contract) is None
    assert run(data.grants.looked_at(contract)) is grant, "the seal holds, and no credential changed without the epoch"
    with data.store.write() as unit:
        unit.connection.execute(update(Client).where(col(Client.id) == client).values(revoked_at=unit.now))
        bump(unit, "grants")
    data.watch.poll()
    assert data.grants.remembered(contract) is None
    after = run(data.grants.looked_at(contract))
    assert isinstance(after, Grant) and client not in after.clients


def test_a_job_looks_at_the_seals_of_contracts_in_use(data: World) -> None:
    contract, _ = data.contract()
    run(data.grants.looked_at(contract))
    edit(data)
    data.grants.remembered(contract)
    data.grants.look_again()
    assert isinstance(data.grants.remembered(contract), Grant), "it was looked at a moment ago"
    aged(data, contract, LOOK_SECONDS + 1)
    data.grants.look_again()
    assert data.grants.remembered(contract) is None, "the incident moved the epoch"
    found = run(data.grants.looked_at(contract))
    assert isinstance(found, Refusal) and found.code == "seal_broken"


def test_the_job_pauses_between_two_seals(data: World) -> None:
    contracts = [data.contract()[0] for _ in range(3)]
    for contract in contracts:
        run(data.grants.looked_at(contract))
        aged(data, contract, LOOK_SECONDS + 1)
        data.grants.remembered(contract)
    started = time.monotonic()
    data.grants.look_again()
    assert time.monotonic() - started >= 3 * PAUSE_SECONDS
    assert [isinstance(data.grants.remembered(each), Grant) for each in contracts] == [True] * 3
    started = time.monotonic()
    data.grants.look_again()
    assert time.monotonic() - started < PAUSE_SECONDS, "none is due"


def test_what_nobody_asked_for_is_not_looked_at(data: World) -> None:
    contract, _ = data.contract()
    run(data.grants.looked_at(contract))
    data.grants.look_again()
    edit(data)
    aged(data, contract, LOOK_SECONDS + 1)
    data.grants.look_again()
    assert isinstance(data.grants.remembered(contract), Grant)
