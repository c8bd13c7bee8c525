"""A bar through the store: what it stops and suspends, whom it keeps out, how it is lifted, and a race against a signature."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from contracts.applications import service as applications
from contracts.applications.form import read_form
from contracts.applications.tables import Application
from contracts.bars import service
from contracts.bars.standing import alike_projects, refusal_of, resembling
from contracts.bars.states import Scope, State
from contracts.bars.tables import Bar
from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.tables import Contract
from contracts.people import accounts, sessions
from contracts.people import service as people
from contracts.people.links import LinkKind, make
from contracts.people.queries import actor_of
from contracts.people.roles import Role
from contracts.people.tables import Account, Organisation
from contracts.store.unit import Store, Unit
from tests.harness.cast import FORM, SETTINGS, Cast, active, events, mails, person, signed

WHY = "Records were sold on, and the questions about it went unanswered."


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing(b"m" * 32)


def do(store: Store, act: Callable[[Unit], Any]) -> Any:
    with store.write() as unit:
        return act(unit)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught:
        do(store, act)
    return caught.value.refusal.code


def submitted(store: Store, cast: Cast, project: str = FORM["project"]) -> Application:
    def act(unit: Unit) -> Application:
        begun = applications.begin(unit, cast.tove, "posts")
        applications.save(unit, cast.tove, begun.id, begun.revision, read_form({**FORM, "project": project}))
        return applications.submit(unit, cast.tove, begun.id, begun.revision, SETTINGS)

    made: Application = do(store, act)
    return made


def states(store: Store) -> tuple[list[str], list[str]]:
    with store.read() as session:
        return sorted(session.exec(select(Application.state)).all()), sorted(session.exec(select(Contract.state)).all())


def barred(store: Store, cast: Cast, scope: Scope = Scope.ORGANISATION, subject: str = "") -> Bar:
    bar, _ = do(store, lambda unit: service.impose(unit, cast.cora, scope, subject or cast.lab, WHY))
    assert isinstance(bar, Bar)
    return bar


def test_a_bar_stops_what_is_open_and_suspends_what_is_live(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    waiting = submitted(store, cast, "A second project")
    held = signed(store, cast, project="A third project")
    draft = do(store, lambda unit: applications.begin(unit, cast.tove, "posts"))
    before = len(events(store))
    bar, found = do(store, lambda unit: service.impose(unit, cast.cora, Scope.ORGANISATION, cast.lab, f" {WHY} "))
    assert ({each.id for each in found.applications}, [each.id for each in found.contracts], [each.id for each in found.held]) == (
        {waiting.id, draft.id},
        [contract.id],
        [held.id],
    )
    assert states(store) == (["approved", "approved", "stopped", "stopped"], ["signed", "suspended"])
    assert events(store)[before:] == ["application.stopped", "application.stopped", "contract.suspended", "bar.imposed"]
    assert (bar.reason, bar.name, bar.domains) == (WHY, "Northfield University, Media Lab", [f"{cast.lab[-6:].lower()}.example"])
    with store.read() as session:
        stopped, suspended = session.get_one(Application, waiting.id), session.get_one(Contract, contract.id)
    assert (stopped.decision_reason, stopped.decided_by, suspended.suspension_reason) == (WHY, cast.cora.account_id, WHY)
    told = [mail for mail in mails(store) if "barred" in mail[1] or "stopped" in mail[1]]
    assert [name for name, _ in told] == ["tove", "tove", "tove"]


def test_who_is_barred_acts_no_more_and_may_read(store: Store) -> None:
    cast = Cast(store)
    held = signed(store, cast)
    again = submitted(store, cast, "A second project")
    bar = barred(store, cast)
    token = do(store, lambda unit: sessions.open_session(unit, cast.tove.account_id, "", second_factor=True))
    with store.read() as session:
        tove = actor_of(session, token, store.clock.now(), "")
    assert tove is not None and tove.barred == refusal_of(bar)
    acts: dict[str, Callable[[Unit], Any]] = {
        "apply": lambda unit: applications.begin(unit, cast.tove, "posts"),
        "apply as the page knows them": lambda unit: applications.begin(unit, tove, "posts"),
        "approve": lambda unit: applications.approve(unit, cast.mara, again.id, again.revision, "Sound."),
        "countersign": lambda unit: lifecycle.countersign(unit, cast.jon, KeyRing(b"m" * 32), held.id, 3, name="Jon", capacity="Head"),
        "invite": lambda unit: people.invite(unit, cast.tove, email="new@lab.example", role=Role.READER, base_url="http://x"),
        "bar twice": lambda unit: service.impose(unit, cast.mara, Scope.ORGANISATION, cast.lab, WHY),
    }
    assert {name: refused(store, act) for name, act in acts.items()} == {
        **dict.fromkeys(acts, "barred"),
        "bar twice": "command_not_possible",
    }


def test_a_barred_person_is_neither_invited_nor_let_in(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    invited = do(store, lambda unit: people.invite(unit, cast.eve, email=cast.dev.email, role=Role.READER, base_url="http://x"))
    bar = barred(store, cast, Scope.PERSON, cast.tove.account_id)
    assert states(store) == (["approved"], ["suspended"])
    barred(store, cast, Scope.PERSON, cast.dev.account_id)
    for inviter, address in ((cast.eve, cast.tove.email), (cast.eve, cast.dev.email), (cast.admin, cast.tove.email)):
        role = Role.STEWARD if inviter is cast.admin else Role.READER
        assert refused(store, lambda unit: people.invite(unit, inviter, email=address, role=role, base_url="http://x")) == "barred"  # noqa: B023 - called at once
    token = invited.rpartition("/")[2]
    assert refused(store, lambda unit: people.accept_invitation(unit, token, name="Dev", password_hash="-")) == "barred"
    lifted = do(store, lambda unit: service.ask_lift(unit, cast.cora, bar.id, bar.revision, "It was somebody else."))
    do(store, lambda unit: service.lift(unit, cast.mara, bar.id, lifted.revision))
    with store.read() as session:
        assert session.get_one(Contract, contract.id).state == "suspended"


def test_a_barred_project_comes_back_under_no_other_application(store: Store) -> None:
    cast = Cast(store)
    first = submitted(store, cast, "Oak & Ash")
    other = submitted(store, cast, "Something else")
    barred(store, cast, Scope.PROJECT, first.id)
    assert states(store)[0] == ["stopped", "submitted"]
    begun = do(store, lambda unit: applications.begin(unit, cast.tove, "posts"))
    do(store, lambda unit: applications.save(unit, cast.tove, begun.id, 1, read_form({**FORM, "project": "OAK  ash"})))
    assert refused(store, lambda unit: applications.submit(unit, cast.tove, begun.id, 2, SETTINGS)) == "barred"
    with store.read() as session:
        foreign = replace_organisation(session.get_one(Application, first.id), cast.rival)
        assert [each.name for each in alike_projects(session, foreign)] == ["Oak & Ash"]
        assert alike_projects(session, session.get_one(Application, other.id)) == []


def replace_organisation(application: Application, organisation_id: str) -> Application:
    return Application(**{**application.model_dump(), "organisation_id": organisation_id})


@pytest.mark.parametrize(
    ("name", "email", "seen"),
    [
        ("northfield university media lab", "new@elsewhere.example", True),
        ("Another house", "new@sub.DOMAIN", True),
        ("Another house", "new@elsewhere.example", False),
    ],
)
def test_the_desk_hears_of_whoever_resembles_a_barred_one(store: Store, name: str, email: str, seen: bool) -> None:
    cast = Cast(store)
    bar = barred(store, cast)
    address = email.replace("DOMAIN", bar.domains[0])

    def sign_up(unit: Unit) -> str:
        home = Organisation(id="org_new", name=name, side="partner", created_at=unit.now)
        account = Account(id="acc_new", email=address, name="New Person", password_hash="-", created_at=unit.now)
        unit.session.add(home)
        unit.session.add(account)
        unit.session.flush()
        accounts.give_role(unit, account.id, home.id, Role.LEAD, None)
        return make(unit, LinkKind.CONFIRM, address, account_id=account.id)[0]

    token = do(store, sign_up)
    do(store, lambda unit: accounts.confirm(unit, token))
    told = [mail for mail in mails(store) if "resembles" in mail[1]]
    with store.read() as session:
        found = [each.id for each in resembling(session, session.get_one(Organisation, "org_new"))]
    assert (bool(told), found, "bar.resembled" in events(store)) == (seen, [bar.id] if seen else [], seen)


def test_lifting_takes_two_who_are_independent(store: Store) -> None:
    cast = Cast(store)
    bar = barred(store, cast)
    assert refused(store, lambda unit: service.ask_lift(unit, cast.cora, bar.id, 1, " ")) == "reason_required"
    assert refused(store, lambda unit: service.lift(unit, cast.mara, bar.id, 1)) == "command_not_possible"
    asked = do(store, lambda unit: service.ask_lift(unit, cast.cora, bar.id, 1, "It was settled."))
    second = do(store, lambda unit: person(unit, cast.platform, "Puppet One", Role.STEWARD, given_by=cast.cora))
    assert refused(store, lambda unit: service.lift(unit, cast.cora, bar.id, asked.revision)) == "second_person_required"
    assert refused(store, lambda unit: service.lift(unit, second, bar.id, asked.revision)) == "second_person_required"
    # Who gave a role is read from the store as well, not from the session alone.
    forgotten = replace(second, roles_given_by=frozenset())
    assert refused(store, lambda unit: service.lift(unit, forgotten, bar.id, asked.revision)) == "second_person_required"
    assert refused(store, lambda unit: service.lift(unit, cast.tove, bar.id, asked.revision)) == "role_required"
    kept = do(store, lambda unit: service.keep(unit, cast.mara, bar.id, asked.revision))
    again = do(store, lambda unit: service.ask_lift(unit, cast.cora, bar.id, kept.revision, "It was settled."))
    lifted = do(store, lambda unit: service.lift(unit, cast.mara, bar.id, again.revision))
    assert (lifted.state, lifted.lifted_by) == (State.LIFTED, cast.mara.account_id)
    assert events(store)[-5:] == ["bar.imposed", "bar.lift_asked", "bar.kept", "bar.lift_asked", "bar.lifted"]
    assert do(store, lambda unit: applications.begin(unit, cast.tove, "posts")).state == "draft"


@pytest.mark.parametrize(
    ("scope", "subject", "code"),
    [
        (Scope.ORGANISATION, "platform", "command_not_possible"),
        (Scope.PERSON, "mara", "command_not_possible"),
        (Scope.ORGANISATION, "nothing", "not_found"),
        (Scope.PROJECT, "nothing", "not_found"),
    ],
)
def test_staff_and_what_is_not_there_are_not_barred(store: Store, scope: Scope, subject: str, code: str) -> None:
    cast = Cast(store)
    known = {"platform": cast.platform, "mara": cast.mara.account_id}.get(subject, subject)
    assert refused(store, lambda unit: service.impose(unit, cast.cora, scope, known, WHY)) == code
    assert refused(store, lambda unit: service.impose(unit, cast.tove, scope, known, WHY)) == "role_required"


def test_no_contract_comes_into_force_past_a_bar_at_the_same_moment(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    held = [signed(store, cast, project=f"Project number {number}") for number in range(3)]
    start = threading.Barrier(len(held) + 1)

    def countersign(contract: Contract) -> None:
        start.wait()
        try:
            do(store, lambda unit: lifecycle.countersign(unit, cast.jon, keys, contract.id, 3, name="Jon", capacity="Head"))
        except Refused as error:
            assert error.refusal.code == "barred"

    threads = [threading.Thread(target=countersign, args=(each,)) for each in held]
    for each in threads:
        each.start()
    start.wait()
    barred(store, cast)
    for each in threads:
        each.join()
    assert set(states(store)[1]) <= {"suspended", "signed"}
