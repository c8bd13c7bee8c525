"""Apps and recovery codes: set up, given once however many try, kept sealed, and what sessions know of them."""

from __future__ import annotations

import json
import secrets

import pytest
from sqlmodel import col, select

from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.ledger.tables import LedgerEntry
from contracts.people import service as people
from contracts.people import totp
from contracts.people.factor_tables import RecoveryCode, TotpFactor
from contracts.people.roles import Role
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from tests.contracts.people.people import person, race, refused
from tests.harness.cast import mails

NETWORK = "203.0.113.0/24"
KEYS = KeyRing(b"m" * 32)


def _code(store: Store, seed: bytes, away: int = 0) -> str:
    return totp.code_at(seed, totp.step_at(store.clock.now()) + away)


def _set_up(store: Store, account_id: str) -> tuple[bytes, list[str]]:
    seed = totp.new_seed()
    with store.write() as unit:
        codes = people.add_app(unit, KEYS, account_id, seed, _code(store, seed))
    assert codes is not None
    return seed, codes


def _given(store: Store, account_id: str, typed: str) -> str:
    with store.write() as unit:
        return people.give_code(unit, KEYS, account_id, typed, NETWORK)


def _entries(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as session:
        leaves = [json.loads(row.leaf) for row in session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()]
    return [(leaf["event"], leaf["decision"], leaf.get("facts", {}).get("method", "")) for leaf in leaves]


def test_an_app_is_set_up_by_its_code_and_brings_ten_recovery_codes(store: Store) -> None:
    ada = person(store, "ada@lab.example", Role.LEAD).account_id
    seed = totp.new_seed()
    with store.write() as unit:
        assert people.add_app(unit, KEYS, ada, seed, _code(store, seed, away=5)) is None
    with store.read() as session:
        assert people.has_factor(session, ada) is False
    _, codes = _set_up(store, ada)
    with store.read() as session:
        known = people.factors_of(session, ada)
        assert (people.has_factor(session, ada), known.app_since, known.passkeys, known.codes_left) == (True, store.clock.now(), (), 10)
        kept = session.exec(select(RecoveryCode.id)).all()
    assert (len(set(codes)), {len(each.replace("-", "")) * 5 for each in codes}) == (10, {80})
    assert [each for each in codes if any(each in row or each.replace("-", "") in row for row in kept)] == []
    assert _entries(store) == [
        ("account.second_factor_given", "refuse", "app"),
        ("account.second_factor_added", "done", "app"),
        ("account.recovery_codes_made", "done", "recovery_code"),
    ]


def test_the_seed_is_kept_under_a_key_outside_the_database_and_for_one_account_alone(sqlite_store: Store) -> None:
    ada, eve = (person(sqlite_store, f"{name}@lab.example", Role.LEAD).account_id for name in ("ada", "eve"))
    seed, _ = _set_up(sqlite_store, ada)
    with sqlite_store.write() as unit:
        row = unit.session.get_one(TotpFactor, ada)
        assert seed not in row.sealed
        assert totp.as_text(seed).encode() not in row.sealed
        unit.session.add(TotpFactor(account_id=eve, sealed=row.sealed, last_step=0, created_at=unit.now))
    for keys, account in ((KeyRing(b"x" * 32), ada), (KEYS, eve)):
        with pytest.raises(Exception, match="does not open"), sqlite_store.write() as unit:
            people.give_code(unit, keys, account, _code(sqlite_store, seed, 1), NETWORK)


def test_a_code_works_once(store: Store) -> None:
    ada = person(store, "ada@lab.example", Role.LEAD).account_id
    seed, _ = _set_up(store, ada)
    assert _given(store, ada, _code(store, seed)) == "", "the code that set it up was spent by that"
    following = _code(store, seed, 1)
    assert (_given(store, ada, f" {following[:3]} {following[3:]} "), _given(store, ada, following)) == ("app", "")
    assert _entries(store)[-3:] == [
        ("account.second_factor_given", "refuse", "app"),
        ("account.second_factor_given", "done", "app"),
        ("account.second_factor_given", "refuse", "app"),
    ]


def test_of_many_who_give_one_code_at_once_one_succeeds(store: Store) -> None:
    ada = person(store, "ada@lab.example", Role.LEAD).account_id
    seed, codes = _set_up(store, ada)
    for typed, method in ((_code(store, seed, 1), "app"), (codes[3], "recovery_code")):
        assert sorted(race(lambda _, typed=typed: _given(store, ada, typed), racers=12)) == [""] * 11 + [method]
    with store.read() as session:
        assert people.factors_of(session, ada).codes_left == 9


def test_a_recovery_code_works_once_as_people_type_it_and_for_its_owner_alone(store: Store) -> None:
    ada, eve = (person(store, f"{name}@lab.example", Role.LEAD).account_id for name in ("ada", "eve"))
    _, codes = _set_up(store, ada)
    _set_up(store, eve)
    typed = codes[0].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert [_given(store, who, typed) for who in (eve, ada, ada)] == ["", "recovery_code", ""]
    with store.write() as unit:
        renewed = people.new_codes(unit, ada)
    assert (_given(store, ada, codes[1]), _given(store, ada, renewed[1])) == ("", "recovery_code")


def test_the_owner_hears_of_a_new_app_new_codes_and_a_code_that_was_used(sqlite_store: Store) -> None:
    ada = person(sqlite_store, "ada@lab.example", Role.LEAD).account_id
    seed, codes = _set_up(sqlite_store, ada)
    app = "An app for codes was set up for your account: tell us if it was not you"
    assert mails(sqlite_store) == [("ada", app)], "the codes came with it"
    assert [_given(sqlite_store, ada, typed) for typed in (_code(sqlite_store, seed, 1), codes[0], codes[0])] == [
        "app",
        "recovery_code",
        "",
    ]
    used = "A recovery code of yours was used: tell us if it was not you"
    assert mails(sqlite_store) == [("ada", used), ("ada", app)]
    with sqlite_store.write() as unit:
        people.new_codes(unit, ada)
    _set_up(sqlite_store, ada)
    made = "You have new recovery codes: tell us if it was not you"
    assert mails(sqlite_store) == [("ada", used), ("ada", app), ("ada", app), ("ada", made)]
    with sqlite_store.read() as session:
        (body,) = [row.payload["body"] for row in session.exec(select(OutboxRow)).all() if row.payload["subject"] == used]
    assert "Codes left: 9" in body


def test_codes_for_someone_without_any_are_refused_and_recorded(store: Store) -> None:
    ada = person(store, "ada@lab.example", Role.LEAD).account_id
    assert [_given(store, ada, typed) for typed in ("123456", "ABCD-EFGH-JKMN-PQRS", "")] == ["", "", ""]
    assert [decision for _, decision, _ in _entries(store)] == ["refuse"] * 3


def test_a_sealed_seed_is_good_for_its_person_for_an_hour(sqlite_store: Store, clock: object) -> None:
    now = sqlite_store.clock.now()
    seed, sealed = people.begin_app(KEYS, "acc_ada", now)
    assert people.begun_app(KEYS, "acc_ada", sealed, now) == seed
    forged = sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB")
    for account, given in (
        ("acc_eve", sealed),
        ("acc_ada", forged),
        ("acc_ada", ""),
        ("acc_ada", "é"),
        ("acc_ada", secrets.token_urlsafe(90)),
    ):
        with pytest.raises(Refused) as caught:
            people.begun_app(KEYS, account, given, now)
        assert caught.value.refusal.code == "link_unusable"
    clock.advance(hours=1)  # type: ignore[attr-defined]  # the fixture's fixed clock
    assert people.begun_app(KEYS, "acc_ada", sealed, sqlite_store.clock.now()) == seed
    clock.advance(seconds=1)  # type: ignore[attr-defined]  # as above
    assert refused(lambda: people.begun_app(KEYS, "acc_ada", sealed, sqlite_store.clock.now())) == "link_unusable"


def test_a_password_alone_opens_nothing_where_there_is_a_factor(store: Store, clock: object) -> None:
    ada = person(store, "ada@lab.example", Role.LEAD).account_id
    seed, _ = _set_up(store, ada)
    with store.write() as unit:
        waiting = people.open_session(unit, ada, NETWORK)
    with store.read() as session:
        now = store.clock.now()
        assert (people.actor_of(session, waiting, now, NETWORK), people.waiting_account(session, waiting, now)) == (None, ada)
    for act in (people.reauthenticate, people.give_second_factor):
        assert refused(lambda act=act: _in_unit(store, lambda unit: act(unit, waiting))) == "sign_in_required"
    assert _given(store, ada, _code(store, seed, 1)) == "app"
    with store.write() as unit:
        token = people.complete_session(unit, waiting, NETWORK)
    with store.read() as session:
        actor = people.actor_of(session, token, now, NETWORK)
        assert actor is not None
        assert (actor.second_factor_at, actor.reauthenticated_at) == (now, now)
        assert (token != waiting, people.waiting_account(session, waiting, now)) == (True, None)


def test_a_waiting_session_ends_after_ten_minutes_and_is_completed_once(store: Store, clock: object) -> None:
    ada = person(store, "ada@lab.example", Role.LEAD).account_id
    _set_up(store, ada)
    with store.write() as unit:
        first, second = (people.open_session(unit, ada, NETWORK) for _ in range(2))
    done = race(lambda _: _in_unit(store, lambda unit: people.complete_session(unit, first, NETWORK)), racers=6)
    assert (len(done), done.count("sign_in_required")) == (6, 5)
    clock.advance(minutes=10)  # type: ignore[attr-defined]  # the fixture's fixed clock
    with store.read() as session:
        assert people.waiting_account(session, second, store.clock.now()) is None
    assert refused(lambda: _in_unit(store, lambda unit: people.complete_session(unit, second, NETWORK))) == "sign_in_required"


def test_a_new_factor_ends_the_sessions_that_were_opened_without_it(store: Store) -> None:
    ada = person(store, "ada@lab.example", Role.LEAD).account_id
    with store.write() as unit:
        here, elsewhere = (people.open_session(unit, ada, NETWORK) for _ in range(2))
    _set_up(store, ada)
    with store.write() as unit:
        here = people.use_new_factor(unit, here, ada)
    with store.read() as session:
        now = store.clock.now()
        actor = people.actor_of(session, here, now, NETWORK)
        assert actor is not None
        assert (actor.second_factor_at, people.actor_of(session, elsewhere, now, NETWORK)) == (now, None)


def _in_unit(store: Store, act: object) -> str:
    with store.write() as unit:
        return str(act(unit))  # type: ignore[operator]  # a function of the unit
