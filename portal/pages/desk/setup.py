"""What is still to do before a new installation can serve partners: pure, from facts already read."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from contracts.people.roles import Role


@dataclass(frozen=True, slots=True)
class SetupFacts:
    """What the list is made of. `loaded` are datasets with a current version, `stewards` people who may countersign."""

    mail: str
    datasets: int
    loaded: int
    template: bool
    stewards: int
    gate: str
    officers: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to set up: why it matters, where to do it, and whether it is done. An empty `href` means it is done in a file."""

    title: str
    detail: str
    href: str
    act: str
    done: bool


def steps(facts: SetupFacts, roles: Set[Role]) -> list[Step]:
    """The six steps in the order in which a newcomer takes them. None leads to a page that is closed to these roles."""
    return [_mail(facts), _dataset(facts), _template(facts), _second_person(facts, roles), _officer(facts, roles), _gate(facts, roles)]


def is_ready(facts: SetupFacts) -> bool:
    """Whether a partner could come now: told by mail, a dataset to apply for, two people for a contract, one for its lawful basis."""
    return facts.mail != "none" and facts.loaded > 0 and facts.stewards > 1 and facts.officers > 0


def remaining(found: list[Step]) -> int:
    """How many steps are not done."""
    return sum(not step.done for step in found)


def _mail(facts: SetupFacts) -> Step:
    details = {
        "none": "Nobody is told of anything yet. Set mail.transport to smtp in licet.toml, then start again.",
        "mailbox": "On trial it stays on this machine. Before real partners come, set mail.transport to smtp in licet.toml.",
    }
    return Step("Send mail", details.get(facts.mail, "Mail leaves."), "", "", facts.mail != "none")


def _dataset(facts: SetupFacts) -> Step:
    if facts.loaded:
        detail = "One dataset can be applied for." if facts.loaded == 1 else f"{facts.loaded} datasets can be applied for."
        return Step("Describe a dataset", detail, "/datasets", "See it", True)
    if facts.datasets:
        return Step(
            "Describe a dataset", "It is described, but not loaded yet: look for its file with licet doctor.", "/datasets", "See it", False
        )
    return Step("Describe a dataset", "Name a CSV, Parquet or NDJSON file and its fields in licet.toml, then start again.", "", "", False)


def _template(facts: SetupFacts) -> Step:
    done = facts.template
    detail = (
        "Contracts are drafted from it."
        if done
        else "Read the text that partners will sign, with your lawyer; replace it where it does not fit."
    )
    return Step("Read the contract template", detail, "/desk/templates", "Read", done)


def _second_person(facts: SetupFacts, roles: Set[Role]) -> Step:
    done = facts.stewards > 1
    detail = f"{facts.stewards} stewards work here." if done else "One steward approves, another countersigns: a contract needs two."
    title = "Invite a second steward" if facts.stewards else "Invite two stewards"
    return Step(title, detail, "/desk/people", "Invite" if Role.ADMINISTRATOR in roles else "See who works here", done)


def _officer(facts: SetupFacts, roles: Set[Role]) -> Step:
    done = facts.officers > 0
    detail = "Compliance works here." if done else "Compliance confirms the lawful basis of each application: no contract without it."
    act = "Invite" if Role.ADMINISTRATOR in roles else "See who works here"
    return Step("Invite a compliance officer", detail, "/desk/people", act, done)


def _gate(facts: SetupFacts, roles: Set[Role]) -> Step:
    if facts.gate == "enforce":
        return Step("Turn on the gate", "It stops who fetches more than its budget.", "/operator", "Open", True)
    if Role.OPERATOR in roles:
        detail = "It watches and stops nobody. Put it before the site, see whom it would stop, then enforce."
        return Step("Turn on the gate", detail, "/operator", "Open", False)
    detail = "It watches and stops nobody. Somebody with the role operator puts it before the site, sees whom it would stop, and enforces."
    invites = Role.ADMINISTRATOR in roles
    return Step("Turn on the gate", detail, "/desk/people" if invites else "", "Invite an operator" if invites else "", False)
