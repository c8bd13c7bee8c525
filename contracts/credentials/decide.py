"""Rules about credentials, pure: who may make and revoke them, and what they may reach at most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import get_args

from contracts.credentials.bounds import datasets_problem, last_day_problem, networks_problem
from contracts.credentials.redirects import redirects_problem
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Audience, CredentialKind
from contracts.errors import Refusal
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.decide import name_problem, tidy
from contracts.people.roles import Role
from contracts.terms.model import Terms

CLIENT_KIND: CredentialKind = "oauth_client"
KEY_KIND: CredentialKind = "api_key"
READ, LOOK, FETCH = "records:read", "contract:read", "site:fetch"
SCOPES: dict[Audience, frozenset[str]] = {"api": frozenset({READ, LOOK}), "site": frozenset({FETCH})}
# What a credential may do for which nobody chose.
USUAL: dict[str, frozenset[str]] = {"api": frozenset({READ}), "site": frozenset({FETCH})}
MAX_LIVE_CLIENTS = 20
# What a client may send to the token address, by whom it reads for.
ALONE, WITH_PEOPLE = ("client_credentials",), ("authorization_code", "refresh_token")
# How those prove themselves that have a secret of ours.
WITH_SECRET = ("client_secret", "bearer")
OVERLAPS = (timedelta(), timedelta(hours=1), timedelta(days=1), timedelta(days=7))

_ABSENT = Refusal("not_found", "There is no such thing here.")


@dataclass(frozen=True, slots=True)
class ForPeople:
    """A program that people let read for them: where it has them sent back to, and whether it can keep a secret.

    One on people's own machines cannot (RFC 6749 section 2.1, RFC 8252 section 8.5): what proves it then is PKCE alone.
    """

    redirect_uris: tuple[str, ...]
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks of a new credential. Without `people` it reads for itself; empty `scopes` are the usual ones of its audience."""

    name: str
    audience: str
    networks: tuple[str, ...] = ()
    last_day: date | None = None
    people: ForPeople | None = None
    kind: str = "oauth_client"
    scopes: frozenset[str] = frozenset()
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewClient:
    """A credential that may be made."""

    name: str
    scopes: frozenset[str]
    grant_types: tuple[str, ...] = ALONE
    auth_method: str = "client_secret"
    redirect_uris: tuple[str, ...] = ()


def check_client(actor: Actor, contract: Contract, terms: Terms | None, wanted: Wanted, *, live: int, now: datetime) -> NewClient | Refusal:
    """What the client will be, or why it may not be. `live` is how many the contract has."""
    if contract.organisation_id != actor.organisation_id:
        return _ABSENT
    if not actor.roles & {Role.LEAD, Role.DEVELOPER}:
        return Refusal("role_required", "Leads and developers make credentials. Ask your lead.")
    if refusal := assurance.refusal(actor, Act.CREDENTIAL, now):
        return refusal
    if contract.state != State.ACTIVE or terms is None:
        return Refusal("contract_not_active", "Credentials are made under an active contract; this one is not.", {"contract": contract.id})
    if live >= MAX_LIVE_CLIENTS:
        return Refusal("command_not_possible", "A contract has at most 20 credentials. Revoke one that is no longer used.")
    if wanted.kind == KEY_KIND and (refusal := key_refusal(terms)):
        return refusal
    scopes = wanted.scopes or USUAL.get(wanted.audience, frozenset())
    fields = {
        "name": name_problem(tidy(wanted.name), "Give the credential a name, for example the program that will use it."),
        "who": _who_problem(terms, wanted),
        "audience": _audience_problem(terms, wanted),
        "redirect_uris": "" if wanted.people is None else redirects_problem(wanted.people.redirect_uris),
        "scopes": "" if scopes <= scopes_for(wanted.audience) else "Choose from what such a credential can reach.",
        "networks": networks_problem(wanted.networks, terms),
        "last_day": last_day_problem(wanted.last_day, terms, now.date()),
        "datasets": datasets_problem(wanted.datasets, terms),
    }
    wrong = {field: problem for field, problem in fields.items() if problem}
    if wrong:
        return Refusal("invalid_input", "Some fields need your attention.", {"fields": wrong})
    if wanted.kind == KEY_KIND:
        return NewClient(tidy(wanted.name), scopes, (), "bearer")
    if wanted.people is None:
        return NewClient(tidy(wanted.name), scopes)
    method = "client_secret" if wanted.people.secret else "none"
    return NewClient(tidy(wanted.name), scopes, WITH_PEOPLE, method, wanted.people.redirect_uris)


def key_refusal(terms: Terms) -> Refusal | None:
    """`oauth_required` where the contract takes no API keys, neither new ones nor those that were made before an amendment."""
    if terms.named_users:
        return Refusal("oauth_required", "The contract names its users and takes no API keys. Create a client for people.")
    if terms.oauth_only or terms.bound_tokens:
        return Refusal("oauth_required", "The contract takes no API keys. Use an OAuth client: it asks for tokens that end by themselves.")
    return None


def check_change(actor: Actor, organisation_id: str, now: datetime, act: Act) -> Refusal | None:
    """Why the person may not change or end a client of the organisation now: the role, then what the act asks of the session."""
    return check_revoker(actor, organisation_id) or assurance.refusal(actor, act, now)


def check_revoker(actor: Actor, organisation_id: str) -> Refusal | None:
    """Why the person may not revoke a client of the organisation; a foreign one does not exist for partners."""
    if actor.roles & {Role.STEWARD, Role.COMPLIANCE}:
        return None
    if actor.organisation_id != organisation_id:
        return _ABSENT
    if actor.roles & {Role.LEAD, Role.DEVELOPER}:
        return None
    return Refusal("role_required", "Leads and developers revoke credentials. Ask your lead.")


def check_rotation(actor: Actor, client: Client, overlap: timedelta, now: datetime, act: Act = Act.CREDENTIAL) -> Refusal | None:
    """Why the person may not give the client a new secret with this overlap."""
    if actor.organisation_id != client.organisation_id:
        return _ABSENT
    if not actor.roles & {Role.LEAD, Role.DEVELOPER}:
        return Refusal("role_required", "Leads and developers rotate secrets. Ask your lead.")
    if refusal := assurance.refusal(actor, act, now):
        return refusal
    if client.revoked_at is not None:
        return Refusal("command_not_possible", "The credential was revoked; create another one.")
    if client.auth_method not in WITH_SECRET:
        return Refusal("command_not_possible", "This credential has no secret of ours; its keys are its owner's.")
    if overlap not in OVERLAPS:
        return Refusal("invalid_input", "Choose how long the old secret still works.", {"fields": {"overlap": "Choose one of the times."}})
    return None


def scopes_for(audience: str) -> frozenset[str]:
    """The most that a credential for an audience may reach; nothing for an unknown audience."""
    return next((scopes for name, scopes in SCOPES.items() if name == audience), frozenset())


def _audience_problem(terms: Terms, wanted: Wanted) -> str:
    if wanted.audience not in get_args(Audience):
        return "Choose whether the credential reads the API or fetches the site."
    if wanted.audience == "site" and terms.crawl is None:
        return "This contract does not allow fetching the site."
    if wanted.audience == "site" and wanted.people is not None:
        return "The site is fetched by a program for itself."
    return ""


def _who_problem(terms: Terms, wanted: Wanted) -> str:
    if wanted.kind not in get_args(CredentialKind):
        return "Choose an OAuth client or an API key."
    if wanted.kind == KEY_KIND and (wanted.audience != "api" or wanted.people is not None):
        return "An API key reads the API, and for nobody by name. People and the site need an OAuth client."
    if terms.named_users and wanted.people is None:
        return "The contract names its users: only programs that people let read for them."
    return ""
