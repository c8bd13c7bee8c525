"""Rules about credentials, pure: who may make and revoke them, and what they may reach at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from contracts.credentials.tokens import Audience
from contracts.errors import Refusal
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.decide import name_problem, tidy
from contracts.people.roles import Role
from contracts.terms.model import Terms

SCOPES: dict[Audience, frozenset[str]] = {"api": frozenset({"records:read"}), "site": frozenset({"site:fetch"})}
MAX_LIVE_CLIENTS = 20

_ABSENT = Refusal("not_found", "There is no such thing here.")


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client that may be made."""

    name: str
    scopes: frozenset[str]


def check_client(actor: Actor, contract: Contract, terms: Terms | None, *, name: str, audience: str, live: int) -> NewClient | Refusal:
    """What the client will be, or why it may not be. `live` is how many the contract has."""
    if contract.organisation_id != actor.organisation_id:
        return _ABSENT
    if not actor.roles & {Role.LEAD, Role.DEVELOPER}:
        return Refusal("role_required", "Leads and developers make credentials. Ask your lead.")
    if contract.state != State.ACTIVE or terms is None:
        return Refusal("contract_not_active", "Credentials are made under an active contract; this one is not.", {"contract": contract.id})
    if live >= MAX_LIVE_CLIENTS:
        return Refusal("command_not_possible", "A contract has at most 20 credentials. Revoke one that is no longer used.")
    fields = {"name": name_problem(tidy(name), "Give the credential a name, for example the program that will use it.")}
    fields["audience"] = _audience_problem(terms, audience)
    wrong = {field: problem for field, problem in fields.items() if problem}
    if wrong:
        return Refusal("invalid_input", "Some fields need your attention.", {"fields": wrong})
    return NewClient(tidy(name), scopes_for(audience))


def check_revoker(actor: Actor, organisation_id: str) -> Refusal | None:
    """Why the person may not revoke a client of the organisation; a foreign one does not exist for partners."""
    if actor.roles & {Role.STEWARD, Role.COMPLIANCE}:
        return None
    if actor.organisation_id != organisation_id:
        return _ABSENT
    if actor.roles & {Role.LEAD, Role.DEVELOPER}:
        return None
    return Refusal("role_required", "Leads and developers revoke credentials. Ask your lead.")


def scopes_for(audience: str) -> frozenset[str]:
    """The most that a credential for an audience may reach; nothing for an unknown audience."""
    return next((scopes for name, scopes in SCOPES.items() if name == audience), frozenset())


def _audience_problem(terms: Terms, audience: str) -> str:
    if audience not in get_args(Audience):
        return "Choose whether the credential reads the API or fetches the site."
    if audience == "site" and terms.crawl is None:
        return "This contract does not allow fetching the site."
    return ""
