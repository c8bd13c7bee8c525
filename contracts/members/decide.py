"""Decisions on the people of a project: pure. They take what is there and what is wanted, and return what follows or a refusal."""

from __future__ import annotations

from collections.abc import Collection

from contracts.addresses import address_problem
from contracts.applications import states as application_states
from contracts.applications.decide import reason_refusal
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.members.affiliation import Shown
from contracts.members.states import Command, State, next_state
from contracts.members.tables import ProjectMember
from contracts.people.actor import Actor
from contracts.people.decide import name_problem

MOST_MEMBERS = 50
LONGEST_POSITION = 120
_NEEDS_REASON = frozenset({Command.ADMIT, Command.REFUSE})
_PERSONAL = frozenset({Command.CONFIRM, Command.ASK_REVIEW, Command.ACCEPT, Command.LEAVE})


def decide_invitation(
    application: Application, actor: Actor, email: str, name: str, open_rows: Collection[ProjectMember]
) -> Refusal | None:
    """Whether the lead may name this person. `open_rows` are those on the project now; one who has not answered is asked again."""
    if not takes_members(application):
        return Refusal("command_not_possible", "This project is closed: nobody can be named any more.", {"state": application.state})
    fields = {"email": address_problem(email), "name": name_problem(name, "Write the person’s name.")}
    if email == actor.email:
        fields["email"] = "You are on the project already, because you lead the organisation. Name your colleagues."
    known = next((each for each in open_rows if each.email == email), None)
    if known is not None and known.state != State.INVITED:
        fields["email"] = "This person is on the project already."
    if known is None and len(open_rows) >= MOST_MEMBERS:
        fields["email"] = f"A project has at most {MOST_MEMBERS} people. Take somebody off first."
    return _wrong(fields)


def takes_members(application: Application) -> bool:
    """Whether people may be named: while anything can still come of the application, and after it was approved."""
    state = application_states.State(application.state)
    return state is application_states.State.APPROVED or bool(application_states.possible(state))


def is_later(application: Application) -> bool:
    """Whether somebody who is named now comes later than what staff look at: once the application cannot be written any more."""
    return application_states.Command.SAVE not in application_states.possible(application_states.State(application.state))


def confirmation(member: ProjectMember, affiliation: Shown) -> Command:
    """What a person's confirmation is: one that stands, or one that a steward looks at."""
    return Command.ASK_REVIEW if member.later or affiliation is Shown.NOTHING else Command.CONFIRM


def decide(member: ProjectMember, actor: Actor, command: Command, reason: str = "") -> State | Refusal:
    """The state that follows, or why not: whose the row is, the state, the reason; in this order."""
    if command in _PERSONAL and actor.account_id != member.account_id and not (member.account_id is None and actor.email == member.email):
        return Refusal("not_found", "There is no such thing here.")
    after = next_state(State(member.state), command)
    if isinstance(after, Refusal):
        return after
    refusal = reason_refusal(reason) if command in _NEEDS_REASON else None
    return refusal or after


def decide_statement(position: str, agreed: bool) -> Refusal | None:
    """Whether a person's word on who they are is complete."""
    problem = name_problem(position, "Say what you are there, such as doctoral researcher.") if len(position) <= LONGEST_POSITION else ""
    too_long = "" if len(position) <= LONGEST_POSITION else f"Shorten this to at most {LONGEST_POSITION} characters."
    return _wrong({"position": problem or too_long, "agreed": "" if agreed else "Tick this, or leave the project."})


def decide_acceptance(name: str, own_name: str, read: bool) -> Refusal | None:
    """Whether a person's acceptance of the terms is complete: read, and with the own name under it."""
    typed = " ".join(name.split()).casefold()
    fields = {
        "name": "" if typed == " ".join(own_name.split()).casefold() else f"Write your name as it stands on your account: {own_name}.",
        "read": "" if read else "Say that you have read the terms and will keep them.",
    }
    return _wrong(fields)


def access_refusal(member: ProjectMember | None, signed: bool, named_users: bool, text_sha256: str) -> Refusal | None:
    """`member_required` where a person may not yet, or not any more, have anything under a contract's version.

    `member` is the person's newest row of the project, `signed` whether they signed this very version for their organisation. In a
    contract that names its users nobody else has access; in another one roles decide for those whom the project does not name.
    """
    if member is None:
        return None if signed or not named_users else Refusal("member_required", _STRANGER)
    if member.state == State.ACCEPTED and member.accepted_sha256 == text_sha256:
        return None
    if signed and member.state in (State.CONFIRMED, State.ACCEPTED):
        return None
    return Refusal("member_required", _WHY[State(member.state)], {"member": member.state})


_STRANGER = "The contract names its users, and you are not one of them who has accepted its terms. Ask a lead to put you on the project."
_AGAIN = "Accept the contract’s terms personally first; its page asks you to. Then come back to this page."
_WHY: dict[State, str] = {
    State.INVITED: "Say first who you are on the project; the project’s page asks you to. Then accept the contract’s terms.",
    State.REVIEW: "The platform looks at your place on the project first. You get a mail when that is done.",
    State.CONFIRMED: _AGAIN,
    State.ACCEPTED: _AGAIN,
    State.REFUSED: "The platform did not admit you to this project. Ask a lead of your organisation.",
    State.REMOVED: "You are not on this project any more. Ask a lead of your organisation.",
}


def _wrong(fields: dict[str, str]) -> Refusal | None:
    found = {name: problem for name, problem in fields.items() if problem}
    return Refusal("invalid_input", "Some fields need your attention.", {"fields": found}) if found else None
