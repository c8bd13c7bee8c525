"""Leadership goes over by the lead and the member, or by two independent members of staff; nothing else moves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.credentials.tables import Client, TokenFamily
from contracts.people import hand_over, team
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Account, HandOver
from contracts.store.unit import Store, Unit
from tests.contracts.people.people import entries, mails, person, race, refused
from tests.contracts.people.tokens import family

LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)
GONE = "Mail to the lead comes back since September."


@dataclass
class Cast:
    """A partner with a lead, a signatory and a reader; four of staff, of whom `hired` got the role from `sam`."""

    ada: Actor
    bea: Actor
    cid: Actor
    sam: Actor
    tess: Actor
    hired: Actor
    olaf: Actor


@pytest.fixture
def cast(store: Store) -> Cast:
    def made(email: str, *roles: Role, given_by: str | None = None) -> Actor:
        return replace(
            person(store, email, *roles, given_by=given_by), reauthenticated_at=store.clock.now(), second_factor_at=store.clock.now()
        )

    ada = made("ada@lab.example", Role.LEAD)
    bea, cid = made("bea@lab.example", Role.SIGNATORY), made("cid@lab.example", Role.READER)
    sam, tess = made("sam@agora.example", Role.STEWARD), made("tess@agora.example", Role.COMPLIANCE)
    hired = made("hired@agora.example", Role.STEWARD, given_by=sam.account_id)
    return Cast(ada, bea, cid, sam, tess, hired, made("olaf@agora.example", Role.OPERATOR))


def _do(store: Store, act: Callable[[Unit], HandOver]) -> HandOver:
    with store.write() as unit:
        return act(unit)


def _offer(store: Store, cast: Cast) -> str:
    return _do(store, lambda unit: hand_over.offer_lead(unit, cast.ada, cast.bea.account_id)).id


def _propose(store: Store, cast: Cast, by: Actor | None = None) -> str:
    home, named = cast.ada.organisation_id, cast.bea.account_id
    return _do(store, lambda unit: hand_over.propose_lead(unit, by or cast.sam, home, named, GONE)).id


def _leads(store: Store, cast: Cast) -> set[str]:
    with store.read() as session:
        roles = team.team_of(session, cast.ada.organisation_id).roles
    return {name for name in ("ada", "bea", "cid") if Role.LEAD in roles.get(getattr(cast, name).account_id, ())}


def _code(store: Store, act: Callable[[Unit], HandOver]) -> str:
    return refused(lambda: _do(store, act))


def test_a_member_accepts_what_the_lead_offered(store: Store, cast: Cast) -> None:
    family(store, cast.ada)
    with store.write() as unit:
        tokens = [people.open_session(unit, each.account_id, "") for each in (cast.ada, cast.bea)]
    before = len(entries(store))
    offered = _offer(store, cast)
    assert _leads(store, cast) == {"ada"}
    _do(store, lambda unit: hand_over.accept_lead(unit, cast.bea, offered))
    assert _leads(store, cast) == {"bea"}
    with store.read() as session:
        # A lead who held no other role stays as a reader.
        assert team.team_of(session, cast.ada.organisation_id).roles[cast.ada.account_id] == {Role.READER}
        alive = [people.actor_of(session, token, store.clock.now(), "") is not None for token in tokens]
        families = [each.revoked_at is None for each in session.exec(select(TokenFamily)).all()]
        clients = [each.revoked_at is None for each in session.exec(select(Client)).all()]
    assert (alive, families, clients) == ([False, True], [False], [True])
    assert [event for event, _ in entries(store)[before:] if event.startswith(("leadership", "role"))] == [
        "leadership.offered",
        "leadership.done",
        "role.given",
        "role.given",
        "role.taken",
    ]
    told = sorted((mail["to"].split("@")[0], mail["subject"]) for mail in mails(store))
    assert told == sorted(
        [
            ("bea", "Ada asks you to lead: accept or decline within 7 days"),
            *((each, "Bea now leads The partner") for each in ("ada", "bea", "cid")),
        ]
    )


def test_nobody_but_the_named_member_accepts(store: Store, cast: Cast) -> None:
    offered = _offer(store, cast)
    eve = replace(
        person(store, "eve@rival.example", Role.LEAD, organisation="org_rival"),
        reauthenticated_at=store.clock.now(),
        second_factor_at=store.clock.now(),
    )
    codes = {
        name: _code(store, lambda unit, actor=actor: hand_over.accept_lead(unit, actor, offered))  # type: ignore[misc]  # bound at once
        for name, actor in {"ada": cast.ada, "cid": cast.cid, "eve": eve, "sam": cast.sam}.items()
    }
    assert codes == {"ada": "role_required", "cid": "role_required", "eve": "not_found", "sam": "role_required"}
    stale = replace(cast.bea, reauthenticated_at=None, second_factor_at=LONG_AGO)
    assert _code(store, lambda unit: hand_over.accept_lead(unit, stale, offered)) == "reauthentication_required"
    assert _leads(store, cast) == {"ada"}


def test_only_a_lead_offers_and_only_to_a_member_who_does_not_lead(store: Store, cast: Cast) -> None:
    assert _code(store, lambda unit: hand_over.offer_lead(unit, cast.bea, cast.cid.account_id)) == "role_required"
    assert _code(store, lambda unit: hand_over.offer_lead(unit, cast.ada, cast.ada.account_id)) == "invalid_input"
    assert _code(store, lambda unit: hand_over.offer_lead(unit, cast.ada, cast.sam.account_id)) == "invalid_input"
    _offer(store, cast)
    assert _code(store, lambda unit: hand_over.offer_lead(unit, cast.ada, cast.cid.account_id)) == "command_not_possible"


def test_an_offer_can_be_declined_taken_back_and_ends_after_seven_days(store: Store, cast: Cast, clock: FixedClock) -> None:
    declined = _offer(store, cast)
    _do(store, lambda unit: hand_over.decline_lead(unit, cast.bea, declined))
    withdrawn = _offer(store, cast)
    _do(store, lambda unit: hand_over.withdraw_lead(unit, cast.ada, withdrawn))
    for ended in (declined, withdrawn):
        assert _code(store, lambda unit, ended=ended: hand_over.accept_lead(unit, cast.bea, ended)) == "command_not_possible"  # type: ignore[misc]  # bound at once
    late = _offer(store, cast)
    clock.advance(days=7)
    fresh = replace(cast.bea, reauthenticated_at=store.clock.now(), second_factor_at=store.clock.now())
    assert _code(store, lambda unit: hand_over.accept_lead(unit, fresh, late)) == "command_not_possible"
    assert _leads(store, cast) == {"ada"}


def test_two_independent_members_of_staff_appoint_another_where_the_lead_is_gone(store: Store, cast: Cast) -> None:
    family(store, cast.ada)
    with store.write() as unit:
        unit.lock(Account, cast.ada.account_id).disabled_at = unit.now
    proposed = _propose(store, cast)
    assert _leads(store, cast) == {"ada"}
    alone = {
        each: _code(store, lambda unit, by=getattr(cast, each): hand_over.confirm_lead(unit, by, proposed)) for each in ("sam", "hired")
    }  # type: ignore[misc]  # bound at once
    assert alone == {"sam": "second_person_required", "hired": "second_person_required"}
    others = {
        each: _code(store, lambda unit, by=getattr(cast, each): hand_over.confirm_lead(unit, by, proposed)) for each in ("olaf", "bea")
    }  # type: ignore[misc]  # bound at once
    assert others == {"olaf": "not_found", "bea": "role_required"}
    _do(store, lambda unit: hand_over.confirm_lead(unit, cast.tess, proposed))
    assert _leads(store, cast) == {"bea"}
    with store.read() as session:
        assert [each.revoked_at is None for each in session.exec(select(TokenFamily)).all()] == [False]
        assert [each.revoked_at is None for each in session.exec(select(Client)).all()] == [True]
    told = sorted(mail["to"].split("@")[0] for mail in mails(store))
    assert told == ["bea", "bea", "cid", "cid"]  # all the people who are not disabled, twice


def test_a_proposal_needs_staff_a_reason_and_the_password(store: Store, cast: Cast) -> None:
    home, named = cast.ada.organisation_id, cast.bea.account_id
    assert _code(store, lambda unit: hand_over.propose_lead(unit, cast.olaf, home, named, GONE)) == "role_required"
    assert _code(store, lambda unit: hand_over.propose_lead(unit, cast.ada, home, named, GONE)) == "role_required"
    assert _code(store, lambda unit: hand_over.propose_lead(unit, cast.sam, home, named, "gone")) == "invalid_input"
    assert _code(store, lambda unit: hand_over.propose_lead(unit, cast.sam, home, cast.tess.account_id, GONE)) == "invalid_input"
    stale = replace(cast.sam, reauthenticated_at=None, second_factor_at=LONG_AGO)
    assert _code(store, lambda unit: hand_over.propose_lead(unit, stale, home, named, GONE)) == "reauthentication_required"


def test_a_lead_who_is_there_stops_what_staff_proposed(store: Store, cast: Cast) -> None:
    proposed = _propose(store, cast)
    assert sorted(mail["to"].split("@")[0] for mail in mails(store)) == ["ada", "bea", "cid"]
    assert _code(store, lambda unit: hand_over.withdraw_lead(unit, cast.cid, proposed)) == "role_required"
    _do(store, lambda unit: hand_over.withdraw_lead(unit, cast.ada, proposed))
    assert _code(store, lambda unit: hand_over.confirm_lead(unit, cast.tess, proposed)) == "command_not_possible"
    assert _leads(store, cast) == {"ada"}


def test_of_several_who_decide_at_once_one_does(store: Store, cast: Cast) -> None:
    proposed = _propose(store, cast)

    def decide(number: int) -> str:
        with store.write() as unit:
            act = hand_over.confirm_lead if number % 2 else hand_over.withdraw_lead
            act(unit, cast.tess if number % 2 else cast.ada, proposed)
        return "decided"

    results = race(decide, 6)
    assert (results.count("decided"), len(_leads(store, cast))) == (1, 1)
