"""The demo's cast: organisations and people who do not exist, with passwords that everyone may know.

The demo serves on 127.0.0.1 only, which is what makes printed passwords harmless.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from contracts.people.roles import Role, Side


@dataclass(frozen=True, slots=True)
class CastOrganisation:
    """An organisation of the cast; `key` is how the demo's own code names it."""

    key: str
    name: str
    side: Side
    kind: str
    country: str


@dataclass(frozen=True, slots=True)
class CastPerson:
    """A person of the cast. The first role is the one that the tour and `demo.json` name the person by."""

    key: str
    name: str
    email: str
    password: str
    organisation: str
    roles: tuple[Role, ...]
    capacity: str
    does: str

    @property
    def totp_secret(self) -> str:
        """The secret of the person's authenticator app, in base 32; as known to everyone as the password."""
        return base64.b32encode(hashlib.sha256(f"licet demo {self.email}".encode()).digest()[:20]).decode()

    @property
    def role(self) -> Role:
        """The role that the person stands for."""
        return self.roles[0]


PLATFORM = CastOrganisation("agora", "Agora Networks Ltd", Side.PLATFORM, "company", "IE")
NORTHFIELD = CastOrganisation("northfield", "Northfield University, Media Lab", Side.PARTNER, "university", "GB")
QUOTIENT = CastOrganisation("quotient", "Quotient Analytics GmbH", Side.PARTNER, "company", "DE")
LAKESIDE = CastOrganisation("lakeside", "Lakeside Institute", Side.PARTNER, "public body", "CA")

ORGANISATIONS = (PLATFORM, NORTHFIELD, QUOTIENT, LAKESIDE)

PEOPLE = (
    CastPerson(
        "administrator",
        "Ada Okafor",
        "ada.okafor@agora.example",
        "agora-administrator-ada",
        "agora",
        (Role.ADMINISTRATOR,),
        "Head of Platform Operations",
        "Invites staff and gives roles.",
    ),
    CastPerson(
        "steward",
        "Samir Lund",
        "samir.lund@agora.example",
        "agora-steward-samir",
        "agora",
        (Role.STEWARD,),
        "Data Partnerships Manager",
        "Reviews applications and drafts contracts.",
    ),
    CastPerson(
        "second-steward",
        "Sofia Marchetti",
        "sofia.marchetti@agora.example",
        "agora-steward-sofia",
        "agora",
        (Role.STEWARD,),
        "Director of Data Governance",
        "Countersigns what Samir drafted.",
    ),
    CastPerson(
        "compliance",
        "Colm Brennan",
        "colm.brennan@agora.example",
        "agora-compliance-colm",
        "agora",
        (Role.COMPLIANCE,),
        "Data Protection Officer",
        "Searches and proves the ledger.",
    ),
    CastPerson(
        "operator",
        "Olga Petrov",
        "olga.petrov@agora.example",
        "agora-operator-olga",
        "agora",
        (Role.OPERATOR,),
        "Site Reliability Engineer",
        "Runs the gate before the main site.",
    ),
    CastPerson(
        "lead",
        "Nora Whitfield",
        "nora.whitfield@northfield.example",
        "northfield-lead-nora",
        "northfield",
        (Role.LEAD, Role.SIGNATORY),
        "Principal Investigator",
        "Leads the university lab's project.",
    ),
    CastPerson(
        "developer",
        "Dev Anand Rao",
        "dev.rao@northfield.example",
        "northfield-developer-dev",
        "northfield",
        (Role.DEVELOPER,),
        "Research Software Engineer",
        "Creates the lab's credentials and reads the data.",
    ),
    CastPerson(
        "reader",
        "Rhea Castellan",
        "rhea.castellan@northfield.example",
        "northfield-reader-rhea",
        "northfield",
        (Role.READER,),
        "Doctoral Researcher",
        "Looks at contracts and usage.",
    ),
    CastPerson(
        "commercial-lead",
        "Quentin Albers",
        "quentin.albers@quotient.example",
        "quotient-lead-quentin",
        "quotient",
        (Role.LEAD, Role.DEVELOPER),
        "Head of Data",
        "Leads the commercial partner's project.",
    ),
    CastPerson(
        "signatory",
        "Sigrid Vogel",
        "sigrid.vogel@quotient.example",
        "quotient-signatory-sigrid",
        "quotient",
        (Role.SIGNATORY,),
        "Managing Director",
        "Signs for the commercial partner.",
    ),
    CastPerson(
        "billing",
        "Bela Kiss",
        "bela.kiss@quotient.example",
        "quotient-billing-bela",
        "quotient",
        (Role.BILLING,),
        "Finance Manager",
        "Watches what the data costs.",
    ),
    CastPerson(
        "applicant",
        "Leila Tremblay",
        "leila.tremblay@lakeside.example",
        "lakeside-applicant-leila",
        "lakeside",
        (Role.LEAD, Role.SIGNATORY),
        "Programme Director",
        "Waits for a decision on the institute's application.",
    ),
)


def person(key: str) -> CastPerson:
    """The person of that key; KeyError where the cast has none."""
    return _BY_KEY[key]


def people_of(organisation: str) -> tuple[CastPerson, ...]:
    """The cast of one organisation, in the order in which they joined."""
    return tuple(each for each in PEOPLE if each.organisation == organisation)


_BY_KEY = {each.key: each for each in PEOPLE}
