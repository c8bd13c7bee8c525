"""Rules about people, pure: what a sign-up may hold, where a link may lead, who may invite whom."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from contracts.addresses import address, address_problem
from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.people.roles import ROLES, Role, Side

KINDS = ("university", "company", "public body", "other")

_COUNTRY = re.compile(r"[A-Z]{2}")
_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,500}")


@dataclass(frozen=True, slots=True)
class SignUp:
    """A checked sign-up."""

    name: str
    email: str
    organisation_name: str
    organisation_kind: str
    country: str


def check_sign_up(
    *, name: str, email: str, organisation_name: str, organisation_kind: str, country: str, rest_later: bool = False
) -> SignUp | Refusal:
    """The sign-up in its kept form, or `invalid_input` whose `fields` has one sentence for each wrong field.

    With `rest_later` the kind and the country are not asked for: they are left empty, whatever was sent.
    """
    if rest_later:
        organisation_kind = country = ""
    form = SignUp(tidy(name), address(email), tidy(organisation_name), organisation_kind.strip(), country.strip().upper())
    wrong = {
        "name": name_problem(form.name, "Tell us your name."),
        "email": address_problem(form.email),
        "organisation_name": name_problem(form.organisation_name, "Tell us the name of your organisation."),
        **({} if rest_later else description_problems(form.organisation_kind, form.country)),
    }
    fields = {field: problem for field, problem in wrong.items() if problem}
    return Refusal("invalid_input", "Some fields need your attention.", {"fields": fields}) if fields else form


def description_problems(kind: str, country: str) -> dict[str, str]:
    """What is wrong with an organisation's kind and country, by field; empty sentences where nothing is."""
    return {
        "organisation_kind": "" if kind in KINDS else "Choose what kind of organisation it is.",
        "country": "" if _COUNTRY.fullmatch(country) else "Choose the country where the organisation is based.",
    }


def check_description(actor: Actor, known: tuple[str, str], kind: str, country: str) -> Refusal | None:
    """Why the person may not say what their organisation is. `known` is what was said before, which stays; the same again is fine."""
    if Role.LEAD not in actor.roles:
        return Refusal("role_required", "Your lead says what the organisation is and where.")
    if known[0] and known != (kind, country):
        return Refusal("command_not_possible", "This was said before. Write to the platform where it is wrong.")
    fields = {field: problem for field, problem in description_problems(kind, country).items() if problem}
    return Refusal("invalid_input", "Some fields need your attention.", {"fields": fields}) if fields else None


def check_invitation(actor: Actor, email: str, role: Role) -> Refusal | None:
    """Administrators invite staff, leads invite members of their own organisation, and nobody gives a role to themselves."""
    if ROLES[role].side is Side.OUTSIDE:
        return Refusal("role_required", "Auditors are invited by compliance, with the visit that they come for.")
    inviter = Role.ADMINISTRATOR if ROLES[role].side is Side.PLATFORM else Role.LEAD
    if inviter not in actor.roles:
        return Refusal("role_required", f"Only people with the role {inviter.value} may invite someone to this role.")
    if problem := address_problem(email):
        return Refusal("invalid_input", "The invitation needs an address.", {"fields": {"email": problem}})
    if email == actor.email:
        return Refusal("second_person_required", "Nobody gives a role to themselves; ask a colleague who may invite.")
    return None


def name_problem(name: str, missing: str) -> str:
    """What is wrong with a name of a person or organisation; `missing` is the sentence for an empty one."""
    if not name:
        return missing
    return "" if len(name) <= 120 and name.isprintable() else "Use at most 120 letters, on one line."


def tidy(text: str) -> str:
    """A name in one Unicode form (NFC), with single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def safe_path(path: str) -> str:
    """The path where it is one on this portal, else "/": a link in a mail never leads elsewhere (open redirect)."""
    return path if _PATH.fullmatch(path) else "/"
