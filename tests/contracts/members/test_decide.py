"""The table of people on projects is total, and every rule about them says what it says; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.applications.states import State as ApplicationState
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.members.affiliation import Shown, shown
from contracts.members.decide import (
    MOST_MEMBERS,
    access_refusal,
    confirmation,
    decide,
    decide_acceptance,
    decide_invitation,
    decide_statement,
    is_later,
    takes_members,
)
from contracts.members.states import MEANING, ROLES, TABLE, Command, State, next_state
from contracts.members.tables import ProjectMember
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.sections import SignIn

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ADA = Actor("acc_ada", "org_lab", "Ada Moss", "ada@lab.example", frozenset({Role.READER}))
EVE = Actor("acc_eve", "org_lab", "Eve Moss", "eve@lab.example", frozenset({Role.READER}))
ENDED = {State.REFUSED, State.REMOVED}
POSSIBLE = {
    (State.INVITED, Command.INVITE_AGAIN): State.INVITED,
    (State.INVITED, Command.CONFIRM): State.CONFIRMED,
    (State.INVITED, Command.ASK_REVIEW): State.REVIEW,
    (State.REVIEW, Command.ADMIT): State.CONFIRMED,
    (State.CONFIRMED, Command.ACCEPT): State.ACCEPTED,
    (State.ACCEPTED, Command.ACCEPT): State.ACCEPTED,
    **{(state, Command.REFUSE): State.REFUSED for state in State if state not in ENDED},
    **{(state, command): State.REMOVED for state in State if state not in ENDED for command in (Command.REMOVE, Command.LEAVE)},
}


def member(state: State = State.INVITED, **changed: Any) -> ProjectMember:
    row = ProjectMember(
        id="prm_1",
        application_id="app_1",
        organisation_id="org_lab",
        state=state.value,
        email="ada@lab.example",
        name="Ada",
        later=False,
        invited_by="acc_lead",
        invited_at=NOW,
    )
    for name, value in changed.items():
        setattr(row, name, value)
    return row


def application(state: str) -> Application:
    return Application(id="app_1", organisation_id="org_lab", created_by="acc_lead", state=state, dataset="posts", created_at=NOW)


def code(found: object) -> str:
    return found.code if isinstance(found, Refusal) else ""


def fields(found: Refusal | None) -> set[str]:
    return set() if found is None else set(found.facts["fields"])


def test_tables_name_every_state_and_command() -> None:
    assert (set(TABLE), set(MEANING), set(ROLES)) == (set(State), set(State), set(Command))
    assert all(set(row) == set(Command) for row in TABLE.values())


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", Command)
def test_every_state_and_command(state: State, command: Command) -> None:
    facts = {"state": state.value, "command": command.value}
    refusal = Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    assert next_state(state, command) == POSSIBLE.get((state, command), refusal)


@pytest.mark.parametrize("command", [Command.CONFIRM, Command.ASK_REVIEW, Command.ACCEPT, Command.LEAVE])
@pytest.mark.parametrize("state", State)
def test_what_is_personal_is_done_by_the_person_alone(state: State, command: Command) -> None:
    for row in (member(state), member(state, account_id="acc_ada")):
        assert code(decide(row, EVE, command)) == "not_found"
        assert decide(row, ADA, command) == next_state(state, command)
    # An account that took the place keeps it, whoever has the address later.
    assert code(decide(member(state, account_id="acc_before"), ADA, command)) == "not_found"


def test_staff_give_a_reason() -> None:
    assert [code(decide(member(State.REVIEW), EVE, command, " ")) for command in (Command.ADMIT, Command.REFUSE)] == ["reason_required"] * 2
    assert decide(member(State.REVIEW), EVE, Command.ADMIT, "Known by telephone.") is State.CONFIRMED


@pytest.mark.parametrize("state", ApplicationState)
def test_who_is_named_once_the_application_cannot_be_written_comes_later(state: ApplicationState) -> None:
    assert is_later(application(state)) is (state.value not in ("draft", "returned"))


def test_nobody_is_named_on_a_project_that_is_closed() -> None:
    assert (takes_members(application("approved")), takes_members(application("draft"))) == (True, True)
    assert code(decide_invitation(application("withdrawn"), EVE, "ada@lab.example", "Ada", [])) == "command_not_possible"


def test_an_invitation_names_somebody_who_is_not_on_the_project_yet() -> None:
    draft = application("draft")

    def invited(email: str, name: str = "Ada", there: int = 0, *rows: ProjectMember) -> set[str]:
        others = [member(State.CONFIRMED, email=f"{number}@lab.example") for number in range(there)]
        return fields(decide_invitation(draft, EVE, email, name, [*rows, *others]))

    assert (invited("ada@lab.example"), invited("ada@lab.example", "Ada", 0, member())) == (set(), set())
    assert invited("ada@lab.example", "Ada", 0, member(State.REVIEW)) == {"email"}
    assert (invited("no address"), invited("eve@lab.example"), invited("ada@lab.example", "")) == ({"email"}, {"email"}, {"name"})
    assert (invited("ada@lab.example", "Ada", MOST_MEMBERS - 1), invited("ada@lab.example", "Ada", MOST_MEMBERS)) == (set(), {"email"})


def test_a_confirmation_stands_where_the_place_of_work_shows_and_the_person_is_no_late_comer() -> None:
    found = {(later, each): confirmation(member(later=later), each) for later in (False, True) for each in Shown}
    stands = {(False, Shown.DOMAIN), (False, Shown.INSTITUTION)}
    assert found == {key: Command.CONFIRM if key in stands else Command.ASK_REVIEW for key in found}


def test_a_statement_and_an_acceptance_are_whole_or_refused() -> None:
    assert (fields(decide_statement("reader", True)), fields(decide_statement("", False))) == (set(), {"position", "agreed"})
    assert (fields(decide_statement("x" * 120, True)), fields(decide_statement("x" * 121, True))) == (set(), {"position"})
    assert (decide_acceptance(" ada  moss ", "Ada Moss", True), fields(decide_acceptance("Ada", "Ada Moss", False))) == (
        None,
        {"name", "read"},
    )


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("ada@lab.example", Shown.DOMAIN),
        ("ada@ml.lab.example", Shown.DOMAIN),
        ("ada@evil-lab.example", Shown.NOTHING),
        ("ada@lab.example.evil.example", Shown.NOTHING),
        ("ada@example", Shown.NOTHING),
    ],
)
def test_an_address_shows_an_organisation_by_its_domain_or_one_below(email: str, expected: Shown) -> None:
    assert shown(email, "org_lab", {"lab.example"}, [], []) is expected


def test_an_institution_shows_it_where_the_settings_tie_it_to_this_organisation_alone() -> None:
    def provider(**more: Any) -> SignIn:
        return SignIn(name="Lab", issuer="https://idp.lab.example", client_id="licet", **more)

    def by(*providers: SignIn, issuer: str = "https://idp.lab.example") -> Shown:
        return shown("ada@elsewhere.example", "org_lab", {"lab.example"}, [issuer], providers)

    assert by(provider(organisation="org_lab")) is Shown.INSTITUTION
    assert by(provider(domains=["LAB.example", "ml.lab.example"])) is Shown.INSTITUTION
    assert by(provider(organisation="org_lab"), issuer="https://idp.other.example") is Shown.NOTHING
    # One provider of many institutions says that somebody is at one of them, not at which.
    assert by(provider(domains=["lab.example", "other.example"])) is Shown.NOTHING
    assert (by(provider()), by(provider(organisation="org_other"))) == (Shown.NOTHING, Shown.NOTHING)


@pytest.mark.parametrize("named_users", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_who_has_access_under_a_version(named_users: bool, signed: bool) -> None:
    def may(row: ProjectMember | None) -> bool:
        found = access_refusal(row, signed, named_users, "now")
        assert found is None or found.code == "member_required"
        return found is None

    assert may(None) is (signed or not named_users)
    assert may(member(State.ACCEPTED, accepted_sha256="now"))
    assert may(member(State.ACCEPTED, accepted_sha256="before")) is signed
    assert may(member(State.CONFIRMED)) is signed
    assert [may(member(state)) for state in (State.INVITED, State.REVIEW, State.REFUSED, State.REMOVED)] == [False] * 4
