"""API keys: same contract, same bounds, same life as an OAuth client; known by hash, and unknown without a look at the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from contracts.clock import FixedClock
from contracts.credentials import service as credentials
from contracts.credentials.api_keys import ApiKeys
from contracts.credentials.client_keys import require_dpop, use_keys
from contracts.credentials.directory import Directory
from contracts.credentials.renewal import end_earlier_secret, rotate_client
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.ids import is_well_formed_secret, new_secret, secret_hash
from contracts.people.roles import Role
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from contracts.terms.grant import Grant, compile_grant
from tests.contracts.credentials.sealed import CRAWL, RING, contract_in_force
from tests.contracts.people.people import person, refused

AUDIENCE = "https://data.agora.example/v1"
FOREVER = datetime.max.replace(tzinfo=UTC)
HOUR = timedelta(hours=1)


class Keyed:
    """A contract with one API key, and a process that looks keys up."""

    def __init__(self, store: Store, **terms: object) -> None:
        self.store = store
        self.lead = person(store, "ada@northfield.example", Role.LEAD)
        self.contract = contract_in_force(store, self.lead, person(store, "sam@agora.example", Role.STEWARD), **terms)
        self.watch = EpochWatch(store)
        self.keys = ApiKeys(store, self.watch, AUDIENCE)
        self.row, self.secret = self.make()

    def make(self, **wanted: object) -> tuple[Client, str]:
        with self.store.write() as unit:
            return credentials.create_client(
                unit,
                self.lead,
                self.contract,
                **{"name": "Sheet", "audience": "api", "kind": "api_key", **wanted},  # type: ignore[arg-type]  # as given
            )

    def check(self, secret: str) -> Claims | Refusal:
        return asyncio.run(self.keys.check(secret))

    def opens(self, *secrets: str) -> list[bool]:
        return [isinstance(self.check(each), Claims) for each in secrets]

    def rotate(self, overlap: timedelta) -> str:
        with self.store.write() as unit:
            return rotate_client(unit, self.lead, self.row.id, overlap)[1]

    def grant(self) -> Grant:
        with self.store.read() as session:
            found = compile_grant(RING, session, self.contract.id)
        assert isinstance(found, Grant)
        return found


@pytest.fixture
def keyed(store: Store) -> Keyed:
    return Keyed(store)


@contextmanager
def reads(store: Store) -> Iterator[list[str]]:
    """The statements that the store runs meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield seen
    event.remove(store.engine, "before_cursor_execute", note)


def test_a_key_is_known_by_its_hash_and_stands_for_its_credential(keyed: Keyed) -> None:
    row, secret = keyed.row, keyed.secret
    assert (row.id[:4], secret[:9], is_well_formed_secret(secret)) == ("key_", "licet_ak_", True)
    assert (row.kind, row.auth_method, row.secret_sha256, row.scopes) == ("api_key", "bearer", secret_hash(secret), ["records:read"])
    scopes = frozenset({"records:read"})
    expected = Claims(row.id, keyed.contract.id, 0, scopes, "", FOREVER, AUDIENCE, kind="api_key", key_sha256=secret_hash(secret))
    assert keyed.check(secret) == expected
    assert secret not in repr(expected) and secret_hash(secret) not in repr(expected)
    assert keyed.grant().keys == {secret_hash(secret): row.id}
    assert keyed.grant().refusal_of(expected) is None


def test_what_nobody_knows_costs_no_look_at_the_store(sqlite_store: Store) -> None:
    keyed = Keyed(sqlite_store)
    keyed.watch.poll()
    assert keyed.opens(keyed.secret, new_secret("ak")) == [True, False]
    strangers = [new_secret("ak") for _ in range(20)] + [keyed.secret[:-1] + "-", "licet_ak_", "licet_ak_" + "é" * 50]
    with reads(sqlite_store) as seen:
        assert keyed.opens(*strangers, keyed.secret) == [False] * 23 + [True]
    assert seen == []


def test_a_fresh_epoch_makes_one_look_however_many_ask(sqlite_store: Store) -> None:
    keyed = Keyed(sqlite_store)
    keyed.watch.poll()

    async def many() -> list[Claims | Refusal]:
        return await asyncio.gather(*(keyed.keys.check(keyed.secret) for _ in range(20)))

    with reads(sqlite_store) as seen:
        assert all(isinstance(each, Claims) for each in asyncio.run(many()))
    assert len([each for each in seen if "client" in each]) == 1


def test_a_rotated_key_works_until_its_cut_off_to_the_second(keyed: Keyed, clock: FixedClock) -> None:
    new = keyed.rotate(HOUR)
    assert new.startswith("licet_ak_")
    keyed.watch.poll()
    assert keyed.opens(keyed.secret, new) == [True, True]
    clock.advance(seconds=3599)
    assert keyed.opens(keyed.secret, new) == [True, True]
    clock.advance(seconds=1)
    assert keyed.opens(keyed.secret, new) == [False, True]


def test_a_key_without_overlap_and_one_ended_early_are_over_in_the_grant_too(keyed: Keyed) -> None:
    claims = keyed.check(keyed.secret)
    assert isinstance(claims, Claims)
    second = keyed.rotate(HOUR)
    assert keyed.grant().refusal_of(claims) is None
    with keyed.store.write() as unit:
        end_earlier_secret(unit, keyed.lead, keyed.row.id)
    refusal = keyed.grant().refusal_of(claims)
    assert refusal is not None and refusal.code == "token_invalid"
    third = keyed.rotate(timedelta())
    keyed.watch.poll()
    assert keyed.opens(keyed.secret, second, third) == [False, False, True]
    newest = keyed.check(third)
    assert isinstance(newest, Claims) and keyed.grant().refusal_of(newest) is None


def test_a_revoked_key_is_over_everywhere(keyed: Keyed) -> None:
    claims = keyed.check(keyed.secret)
    assert isinstance(claims, Claims)
    with keyed.store.write() as unit:
        credentials.revoke_client(unit, keyed.lead, keyed.row.id)
    refusal = keyed.grant().refusal_of(claims)
    assert refusal is not None and refusal.code == "token_invalid"
    keyed.watch.poll()
    assert keyed.opens(keyed.secret) == [False]


def test_one_credentials_key_is_no_other_ones(sqlite_store: Store) -> None:
    keyed = Keyed(sqlite_store)
    other, _ = keyed.make(name="Another")
    claims = keyed.check(keyed.secret)
    assert isinstance(claims, Claims)
    crossed = Claims(other.id, claims.contract_id, 0, claims.scopes, "", FOREVER, AUDIENCE, kind="api_key", key_sha256=claims.key_sha256)
    refusal = keyed.grant().refusal_of(crossed)
    assert refusal is not None and refusal.code == "token_invalid"


def test_where_the_contract_wants_oauth_no_key_is_made_and_none_works(sqlite_store: Store) -> None:
    keyed = Keyed(sqlite_store)
    claims, grant = keyed.check(keyed.secret), keyed.grant()
    assert isinstance(claims, Claims)
    amended = Grant(
        grant.contract_id,
        2,
        grant.revision,
        grant.organisation_id,
        grant.terms_sha256,
        grant.state,
        grant.terms.model_copy(update={"oauth_only": True}),
        grant.clients,
        keys=grant.keys,
    )
    refusal = amended.refusal_of(claims)
    assert refusal is not None and refusal.code == "oauth_required"
    keyed.contract = contract_in_force(sqlite_store, keyed.lead, person(sqlite_store, "jon@agora.example", Role.STEWARD), oauth_only=True)
    assert refused(keyed.make) == "oauth_required"


def test_a_key_reads_the_api_alone_and_never_stands_for_a_client(sqlite_store: Store) -> None:
    keyed = Keyed(sqlite_store, crawl=CRAWL)
    assert refused(lambda: keyed.make(audience="site")) == "invalid_input"
    assert Directory(RING, sqlite_store, keyed.watch).find(keyed.row.id) is None
    with sqlite_store.write() as unit:
        acts = (lambda: use_keys(unit, keyed.lead, keyed.row.id, jwks={}), lambda: require_dpop(unit, keyed.lead, keyed.row.id, True))
        assert [refused(act) for act in acts] == ["command_not_possible"] * 2


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"scopes": ["site:fetch"]}, "scopes"),
        ({"scopes": ["records:read", "everything"]}, "scopes"),
        ({"datasets": ["pictures"]}, "datasets"),
        ({"last_day": date(2030, 1, 1)}, "last_day"),
        ({"kind": "oauth_client", "audience": "site"}, "audience"),
    ],
)
def test_what_the_contract_does_not_give_makes_no_credential(sqlite_store: Store, wanted: dict[str, object], field: str) -> None:
    keyed = Keyed(sqlite_store)
    with pytest.raises(Exception) as error:
        keyed.make(**wanted)
    assert list(error.value.refusal.facts["fields"]) == [field]  # type: ignore[attr-defined]  # Refused


def test_a_credential_is_held_to_its_own_datasets(sqlite_store: Store) -> None:
    keyed = Keyed(sqlite_store)
    row, _ = keyed.make(datasets=["posts"], scopes=["contract:read"])
    grant = keyed.grant()
    assert (row.scopes, row.datasets, grant.bounds[row.id].datasets) == (["contract:read"], ["posts"], frozenset({"posts"}))
    asked = {(row.id, "posts"): "", (row.id, "pictures"): "dataset_not_in_credential", (keyed.row.id, "pictures"): ""}
    assert {key: getattr(grant.refusal_of_dataset(key[1], key[0]), "code", "") for key in asked} == asked
