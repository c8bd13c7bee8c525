"""A credential's new secret: both work until the cut-off, to the second, and never more than two."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.credentials import service as credentials
from contracts.credentials.directory import Directory
from contracts.credentials.renewal import end_earlier_secret, rotate_client
from contracts.credentials.tables import Client
from contracts.ids import is_well_formed_secret
from contracts.ledger.tables import LedgerEntry
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import RING, contract_in_force
from tests.contracts.people.people import person, race, refused

HOUR = timedelta(hours=1)


class Rotating:
    """A client, the secrets that it had, and which of them the directory takes now."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lead, self.steward = person(store, "ada@northfield.example", Role.LEAD), person(store, "sam@agora.example", Role.STEWARD)
        self.contract = contract_in_force(store, self.lead, self.steward)
        with store.write() as unit:
            client, secret = credentials.create_client(unit, self.lead, self.contract, name="Loader", audience="api")
        self.client_id, self.secrets = client.id, [secret]
        self.watch = EpochWatch(store)
        self.directory = Directory(RING, store, self.watch)

    def rotate(self, overlap: timedelta = HOUR, actor: Actor | None = None) -> Client:
        """Rotate; keeps the new secret."""
        with self.store.write() as unit:
            client, secret = rotate_client(unit, actor or self.lead, self.client_id, overlap)
        self.secrets.append(secret)
        return client

    def end_earlier(self, actor: Actor | None = None) -> None:
        """End the old secret now."""
        with self.store.write() as unit:
            end_earlier_secret(unit, actor or self.lead, self.client_id)

    @property
    def opening(self) -> list[bool]:
        """For each secret, oldest first, whether it opens the client now."""
        self.watch.poll()
        known = self.directory.find(self.client_id)
        assert known is not None
        return [known.facts.opened_by(each, self.directory.now()) for each in self.secrets]

    def last_entries(self, count: int) -> list[tuple[str, dict[str, object]]]:
        """Event and facts of the newest entries."""
        with self.store.read() as session:
            rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
        leaves = [json.loads(row.leaf) for row in rows[-count:]]
        return [(leaf["event"], leaf["facts"]) for leaf in leaves]


@pytest.fixture
def rotating(store: Store) -> Rotating:
    return Rotating(store)


def test_both_secrets_work_until_the_cut_off_and_the_id_stays(rotating: Rotating, clock: FixedClock) -> None:
    client = rotating.rotate()
    assert (client.id, client.name, client.rotated_at) == (rotating.client_id, "Loader", clock.now())
    assert client.earlier_until == clock.now() + HOUR
    assert is_well_formed_secret(rotating.secrets[1]) and rotating.secrets[1].startswith("licet_cs_")
    assert rotating.opening == [True, True]
    clock.advance(seconds=3599)
    assert rotating.opening == [True, True]
    clock.advance(seconds=1)
    assert rotating.opening == [False, True]
    facts = {"audience": "api", "scopes": ["records:read"], "overlap_seconds": 3600}
    assert rotating.last_entries(1) == [("client.rotated", facts)]


def test_without_overlap_the_old_secret_and_its_tokens_end_now(rotating: Rotating, clock: FixedClock) -> None:
    client = rotating.rotate(timedelta())
    assert (client.earlier_until, client.earlier_sha256, client.tokens_since) == (None, "", clock.now())
    assert rotating.opening == [False, True]


def test_a_second_rotation_ends_the_oldest_secret(rotating: Rotating) -> None:
    rotating.rotate()
    rotating.rotate()
    assert rotating.opening == [False, True, True]


def test_the_old_secret_can_be_ended_before_its_cut_off(rotating: Rotating, clock: FixedClock) -> None:
    rotating.rotate()
    rotating.end_earlier()
    rotating.end_earlier()
    assert rotating.opening == [False, True]
    facts = {"audience": "api", "scopes": ["records:read"]}
    assert rotating.last_entries(2) == [("client.rotated", {**facts, "overlap_seconds": 3600}), ("client.secret_ended", facts)]


def test_only_its_own_leads_and_developers_rotate_and_only_what_lives(sqlite_store: Store) -> None:
    rotating = Rotating(sqlite_store)
    reader = person(sqlite_store, "rae@northfield.example", Role.READER)
    stranger = person(sqlite_store, "eve@quotient.example", Role.LEAD, organisation="org_other")
    for act in (lambda who: rotating.rotate(actor=who), rotating.end_earlier):
        tried = {who.email: refused(lambda act=act, who=who: act(who)) for who in (reader, stranger, rotating.steward)}  # type: ignore[misc]  # bound at once
        assert tried == {reader.email: "role_required", stranger.email: "not_found", rotating.steward.email: "not_found"}
    assert refused(lambda: rotating.rotate(timedelta(days=8))) == "invalid_input"
    with sqlite_store.write() as unit:
        unit.lock(Client, rotating.client_id).auth_method = "private_key_jwt"
    assert refused(rotating.rotate) == "command_not_possible"
    with sqlite_store.write() as unit:
        unit.lock(Client, rotating.client_id).auth_method = "client_secret"
        credentials.revoke_client(unit, rotating.lead, rotating.client_id)
    assert refused(rotating.rotate) == "command_not_possible"
    rotating.watch.poll()
    assert rotating.directory.find(rotating.client_id) is None


def test_rotations_at_once_leave_two_secrets(rotating: Rotating) -> None:
    def rotate(_: int) -> str:
        with rotating.store.write() as unit:
            return rotate_client(unit, rotating.lead, rotating.client_id, HOUR)[1]

    rotating.secrets += race(rotate, 4)
    assert sum(rotating.opening) == 2
