"""Passkeys against an authenticator in software: what fits is taken once, and everything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.clock import FixedClock
from contracts.keys import KeyRing
from contracts.people import passkeys
from contracts.people import service as people
from contracts.people.passkeys import Challenge, Party, Used
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.contracts.people.people import person, race, refused
from tests.harness.authenticator import Authenticator
from tests.harness.cast import mails

KEYS = KeyRing(b"m" * 32)
PARTY = Party("data.agora.example", "https://data.agora.example", "Agora")
BROWSER = "licet_ss_of-this-browser"


def _key(**changes: object) -> Authenticator:
    return replace(Authenticator(PARTY.origin, PARTY.id), **changes)  # type: ignore[arg-type]  # fields by name


def _register(store: Store, account_id: str, key: Authenticator, name: str = "laptop") -> list[str]:
    challenge, _ = passkeys.new_challenge(KEYS, "register", BROWSER, store.clock.now())
    with store.read() as session:
        account, held = session.get_one(Account, account_id), passkeys.passkeys_of(session, account_id)
    sent = key.make(passkeys.creation_options(PARTY, account, held, challenge))
    made = passkeys.verified_new(PARTY, challenge, sent, account_id, name, store.clock.now())
    with store.write() as unit:
        return passkeys.add_passkey(unit, challenge, made)


def _answer(store: Store, key: Authenticator, account_id: str = "") -> tuple[Challenge, str]:
    challenge, _ = passkeys.new_challenge(KEYS, "confirm" if account_id else "sign-in", BROWSER, store.clock.now())
    with store.read() as session:
        held = passkeys.passkeys_of(session, account_id) if account_id else ()
    return challenge, key.answer(passkeys.request_options(PARTY, held, challenge))


def _used(store: Store, challenge: Challenge, sent: str, account_id: str = "") -> Used:
    with store.read() as session:
        return passkeys.verified_use(session, PARTY, challenge, sent, account_id)


def _keep(store: Store, challenge: Challenge, used: Used) -> str:
    with store.write() as unit:
        passkeys.use_passkey(unit, challenge, used, "203.0.113.0/24")
    return "used"


def test_a_passkey_is_registered_used_and_removed(store: Store) -> None:
    ada, key = person(store, "ada@lab.example", Role.LEAD).account_id, _key()
    assert len(_register(store, ada, key)) == 10
    assert _register(store, ada, _key(), "phone") == []
    with store.read() as session:
        held = passkeys.passkeys_of(session, ada)
        assert ([each.name for each in held], people.has_factor(session, ada)) == (["laptop", "phone"], True)
    for account in ("", ada):
        challenge, sent = _answer(store, key, account)
        used = _used(store, challenge, sent, account)
        assert (used.account_id, used.verified, _keep(store, challenge, used)) == (ada, True, "used")
    with store.write() as unit:
        passkeys.remove_passkey(unit, ada, held[0].id)
    challenge, sent = _answer(store, key)
    assert refused(lambda: _used(store, challenge, sent)) == "code_wrong"
    told = [f"A passkey was {what} your account: tell us if it was not you" for what in ("added to", "added to", "removed from")]
    assert mails(store) == [("ada", subject) for subject in told]


def test_one_challenge_is_answered_once_however_many_try(store: Store) -> None:
    ada, key = person(store, "ada@lab.example", Role.LEAD).account_id, _key()
    _register(store, ada, key)
    challenge, sent = _answer(store, key)
    used = _used(store, challenge, sent)
    assert sorted(map(str, race(lambda _: _keep(store, challenge, used), racers=8))) == ["link_unusable"] * 7 + ["used"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://data.agora.example.evil.example"},
        {"origin": "http://data.agora.example"},
        {"rp_id": "agora.example"},
        {"verifies": False},
        {"count": -1},
    ],
)
def test_what_does_not_fit_is_refused(sqlite_store: Store, wrong: dict[str, object]) -> None:
    ada, key = person(sqlite_store, "ada@lab.example", Role.LEAD).account_id, _key(count=7)
    _register(sqlite_store, ada, key)
    for name, value in wrong.items():
        setattr(key, name, value)
    challenge, sent = _answer(sqlite_store, key)
    assert refused(lambda: _used(sqlite_store, challenge, sent)) == "code_wrong"


def test_a_count_that_goes_back_under_the_lock_is_a_copy(sqlite_store: Store) -> None:
    ada, key = person(sqlite_store, "ada@lab.example", Role.LEAD).account_id, _key(count=3)
    _register(sqlite_store, ada, key)
    first, second = _answer(sqlite_store, key, ada), _answer(sqlite_store, key, ada)
    used = [_used(sqlite_store, *each, ada) for each in (first, second)]
    assert _keep(sqlite_store, second[0], used[1]) == "used"
    assert refused(lambda: _keep(sqlite_store, first[0], used[0])) == "code_wrong"


def test_a_passkey_stands_for_its_owner_and_its_challenge_alone(sqlite_store: Store) -> None:
    ada, eve = (person(sqlite_store, f"{name}@lab.example", Role.LEAD).account_id for name in ("ada", "eve"))
    key, foreign = _key(), _key()
    _register(sqlite_store, ada, key)
    _register(sqlite_store, eve, foreign)
    challenge, sent = _answer(sqlite_store, key, ada)
    assert refused(lambda: _used(sqlite_store, challenge, sent, eve)) == "code_wrong"
    other, _ = passkeys.new_challenge(KEYS, "confirm", BROWSER, sqlite_store.clock.now())
    assert refused(lambda: _used(sqlite_store, other, sent, ada)) == "code_wrong"
    foreign.credential_id = key.credential_id
    forged = foreign.answer(passkeys.request_options(PARTY, (), challenge))
    assert refused(lambda: _used(sqlite_store, challenge, forged, ada)) == "code_wrong"
    for broken in ("", "{}", "[]", "null", '{"rawId": 7}', '{"rawId": "!"}'):
        assert refused(lambda broken=broken: _used(sqlite_store, challenge, broken, ada)) == "code_wrong"
    assert refused(lambda: _register(sqlite_store, eve, key)) == "command_not_possible"
    with sqlite_store.read() as session:
        held = passkeys.passkeys_of(session, ada)[0].id
    assert refused(lambda: _remove(sqlite_store, eve, held)) == "not_found"


def test_a_sealed_challenge_belongs_to_one_browser_purpose_and_five_minutes(sqlite_store: Store, clock: FixedClock) -> None:
    now = clock.now()
    challenge, sealed = passkeys.new_challenge(KEYS, "sign-in", BROWSER, now)
    opened: Callable[..., Challenge] = passkeys.opened_challenge
    assert opened(KEYS, "sign-in", BROWSER, sealed, now) == challenge
    for purpose, browser, given in (
        ("confirm", BROWSER, sealed),
        ("sign-in", "another", sealed),
        ("sign-in", BROWSER, ""),
        ("sign-in", BROWSER, "é"),
    ):
        assert refused(lambda args=(KEYS, purpose, browser, given, now): opened(*args)) == "link_unusable"
    clock.advance(minutes=5, seconds=1)
    assert refused(lambda: opened(KEYS, "sign-in", BROWSER, sealed, clock.now())) == "link_unusable"


def test_answered_challenges_are_forgotten_once_nobody_could_answer_them(store: Store, clock: FixedClock) -> None:
    _register(store, person(store, "ada@lab.example", Role.LEAD).account_id, _key())
    clock.advance(minutes=4, seconds=59)
    assert passkeys.sweep_challenges(store) == 0
    clock.advance(seconds=1)
    assert (passkeys.sweep_challenges(store), passkeys.sweep_challenges(store)) == (1, 0)


def test_a_person_has_ten_passkeys_at_most(sqlite_store: Store) -> None:
    ada = person(sqlite_store, "ada@lab.example", Role.LEAD).account_id
    for number in range(passkeys.MAX_PASSKEYS):
        _register(sqlite_store, ada, _key(), f"key {number}")
    assert refused(lambda: _register(sqlite_store, ada, _key())) == "command_not_possible"
    assert refused(lambda: _register(sqlite_store, ada, _key(), "")) == "invalid_input"


@pytest.mark.parametrize(
    ("base_url", "takes"),
    [
        ("https://data.agora.example", True),
        ("https://data.agora.example:8443", True),
        ("http://localhost:8400", True),
        ("http://data.agora.example", False),
        ("http://127.0.0.1:8400", False),
        ("https://192.0.2.7", False),
    ],
)
def test_browsers_take_passkeys_under_a_name_by_https_or_on_localhost(base_url: str, takes: bool) -> None:
    chosen = Settings(profile="test", base_url=base_url)
    assert (passkeys.party_of(chosen).origin, passkeys.takes_passkeys(chosen)) == (base_url, takes)


def _remove(store: Store, account_id: str, passkey_id: str) -> None:
    with store.write() as unit:
        passkeys.remove_passkey(unit, account_id, passkey_id)
