"""A person sees where they are signed in and ends it there; nobody else can."""

from __future__ import annotations

from datetime import timedelta

from contracts.clock import FixedClock
from contracts.people import service as people
from contracts.people.roles import Role
from contracts.people.service import Method, SessionRow
from contracts.store.unit import Store
from tests.contracts.people.people import entries, person, race, refused

NETWORK = "203.0.113.0/24"


def _open(store: Store, account_id: str, browser: str = "", method: Method = Method.PASSWORD, instead_of: str = "") -> str:
    with store.write() as unit:
        return people.open_session(unit, account_id, NETWORK, browser=browser, method=method, instead_of=instead_of)


def _list(store: Store, account_id: str, token: str) -> list[SessionRow]:
    with store.read() as session:
        return people.sessions_of(session, account_id, token, store.clock.now())


def _is_open(store: Store, token: str) -> bool:
    with store.read() as session:
        return people.actor_of(session, token, store.clock.now(), NETWORK) is not None


def test_the_list_tells_browser_network_method_and_which_is_this(store: Store, clock: FixedClock) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    start = clock.now()
    token = _open(store, lead.account_id, "Firefox, Windows")
    clock.advance(hours=1)
    _open(store, lead.account_id, "Chrome, Android", Method.PASSKEY)
    _open(store, person(store, "c@d.example", Role.READER).account_id, "Safari, iPhone")
    rows = _list(store, lead.account_id, token)
    hour = timedelta(hours=1)
    assert rows == [
        SessionRow(rows[0].ref, start, start, NETWORK, "Firefox, Windows", Method.PASSWORD, True),
        SessionRow(rows[1].ref, start + hour, start + hour, NETWORK, "Chrome, Android", Method.PASSKEY, False),
    ]
    clock.advance(hours=11)
    assert [each.browser for each in _list(store, lead.account_id, token)] == ["Chrome, Android"]


def test_one_session_ends_at_once_and_its_ref_outlives_a_new_token(store: Store) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    here, there = _open(store, lead.account_id), _open(store, lead.account_id)
    ref = next(each.ref for each in _list(store, lead.account_id, here) if not each.is_this)
    with store.write() as unit:
        there = people.reauthenticate(unit, there)
    with store.write() as unit:
        people.end_session(unit, lead, ref)
    assert (_is_open(store, here), _is_open(store, there)) == (True, False)
    assert entries(store)[-1] == ("account.sessions_ended", lead.account_id)

    def again() -> None:
        with store.write() as unit:
            people.end_session(unit, lead, ref)

    assert refused(again) == "not_found"


def test_nobody_ends_the_session_of_another(store: Store) -> None:
    lead, other = person(store, "a@b.example", Role.LEAD), person(store, "c@d.example", Role.LEAD)
    token = _open(store, lead.account_id)
    ref = _list(store, lead.account_id, token)[0].ref

    def end() -> None:
        with store.write() as unit:
            people.end_session(unit, other, ref)

    assert (refused(end), _is_open(store, token)) == ("not_found", True)


def test_signing_out_everywhere_else_leaves_this_session_alone(store: Store) -> None:
    lead, other = person(store, "a@b.example", Role.LEAD), person(store, "c@d.example", Role.LEAD)
    here, *there = (_open(store, lead.account_id) for _ in range(3))
    theirs = _open(store, other.account_id)
    with store.write() as unit:
        assert people.end_other_sessions(unit, lead, here) == 2
        assert people.end_other_sessions(unit, lead, here) == 0
    assert [_is_open(store, each) for each in (here, theirs, *there)] == [True, True, False, False]
    assert [event for event, _ in entries(store)].count("account.sessions_ended") == 1


def test_signing_in_ends_the_session_that_the_browser_held(store: Store) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    before = _open(store, lead.account_id)
    after = _open(store, lead.account_id, instead_of=before)
    assert (before == after, _is_open(store, before), _is_open(store, after)) == (False, False, True)


def test_a_token_of_before_the_step_up_is_worth_nothing_and_is_renewed_once(store: Store) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    before = _open(store, lead.account_id)

    def step_up(_number: int) -> str:
        with store.write() as unit:
            return people.reauthenticate(unit, before)

    results = race(step_up)
    renewed = [each for each in results if each != "sign_in_required"]
    assert (len(renewed), _is_open(store, renewed[0]), _is_open(store, before)) == (1, True, False)
