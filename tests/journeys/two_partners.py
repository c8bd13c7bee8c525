"""A platform with two partners, each with things in every state, served whole in a thread: the ground for proofs of isolation.

The clock stands still and no worker runs, so that a page differs from itself only by what a test did. The lab is the partner whose
things others may not see; the rival looks for them. Each has one person for every role, holding that role alone, and a founder.
"""

from __future__ import annotations

import base64
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import SQLModel, select

from contracts.agreements.tables import Agreement
from contracts.amendments.tables import Amendment
from contracts.appeals import service as appeals
from contracts.appeals.decide import Asked as Objection
from contracts.appeals.queries import waiting
from contracts.applications import service as applications
from contracts.applications.form import ApplicationForm
from contracts.applications.tables import Application
from contracts.bars import service as bars
from contracts.bars.states import Scope
from contracts.clock import FixedClock, SystemClock
from contracts.coordinator import service as coordinator
from contracts.coordinator.decide import Received, Wanted
from contracts.coordinator.states import Command
from contracts.coordinator.states import Ground as Ground40
from contracts.crawlers import service as crawlers
from contracts.crawlers.decide import challenge, keys_in
from contracts.crawlers.tables import CrawlerKey
from contracts.credentials import authorizations
from contracts.credentials.authorizations import Asked
from contracts.credentials.registration import make_registration_token
from contracts.datasets.load import ordinal_of, refresh
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.service import erase, held
from contracts.forms.files import current
from contracts.holds import service as holds
from contracts.holds.decide import Wanted as HoldWanted
from contracts.house import House
from contracts.ids import new_id, secret_hash
from contracts.ledger.service import note_value
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle import offers
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.tables import Contract
from contracts.lifecycle.wishes import Wish
from contracts.members import access as member_access
from contracts.members import service as members
from contracts.people import hand_over, lost, passkeys, proposals
from contracts.people import service as people
from contracts.people.accounts import give_role
from contracts.people.actor import Actor
from contracts.people.roles import Role, Side
from contracts.people.tables import Account, Membership, OneTimeLink, Organisation, SignInSession
from contracts.policies.service import changes, hold
from contracts.sandbox import service as sandbox
from contracts.sandbox.grant import clients_of
from contracts.settings import load, write_master_key
from contracts.uploads import service as uploads
from contracts.uploads.files import Incoming
from contracts.visits import service as visits
from contracts.visits.decide import Wanted as VisitWanted
from contracts.webhooks import queries as webhook_queries
from contracts.webhooks import service as webhooks
from portal.commands.demo import running
from portal.commands.init import prepare
from portal.demo.answers import usual
from portal.demo.people import PEOPLE, CastOrganisation, CastPerson
from portal.demo.story import MadeClient, Story
from portal.jobs import handlers_of
from portal.serve import Rooms, build
from tests.harness import migrated, partner
from tests.harness.asgi import serving
from tests.harness.authenticator import Authenticator
from tests.harness.crawler import crawler_key
from tests.harness.installation import FIELDS, MAILBOX, TOML, write_trees
from tests.harness.server import free_port
from tests.harness.visitor import Visitor

Row = TypeVar("Row", bound=SQLModel)
PASSWORD = "a hedge of hornbeam and yew"
STAFF = tuple(replace(each, password=PASSWORD) for each in PEOPLE if each.organisation == "agora")
PARTNER_ROLES = (Role.LEAD, Role.SIGNATORY, Role.DEVELOPER, Role.BILLING, Role.READER)
LAB = CastOrganisation("lab", "Zephyrine Laboratory", Side.PARTNER, "university", "SE")
RIVAL = CastOrganisation("rival", "Quillon Analytics", Side.PARTNER, "company", "DE")

BENCHES = """
[datasets.benches]
title = "Benches"
location = "benches.csv"
key = "id"
[datasets.benches.fields]
id = { type = "integer", class = "key" }
"""


def _person(organisation: CastOrganisation, part: str, *roles: Role) -> CastPerson:
    name = f"{organisation.name.split()[0]} {part.capitalize()}"
    return CastPerson(f"{organisation.key}-{part}", name, f"{part}@{organisation.key}.example", PASSWORD, organisation.key, roles, part, "")


def people_of(organisation: CastOrganisation) -> tuple[CastPerson, ...]:
    """A founder, who leads and signs, and one person for each role."""
    founder = _person(organisation, "founder", Role.LEAD, Role.SIGNATORY)
    return (founder, *(_person(organisation, role.value, role) for role in PARTNER_ROLES))


AUTHORITY = "Commission for the Right to Know"
AUDITOR = CastPerson("auditor", "Ada Auditor", "ada@authority.example", PASSWORD, "authority", (Role.AUDITOR,), "auditor", "")
CAST = (*STAFF, AUDITOR, *people_of(LAB), *people_of(RIVAL))


@dataclass
class Things:
    """What one partner has: ids by state, and its clients under the active contract."""

    applications: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)
    clients: dict[str, MadeClient] = field(default_factory=dict)
    authorizations: list[str] = field(default_factory=list)
    crawler: str = ""
    registration: str = ""
    sandboxes: list[str] = field(default_factory=list)
    passkeys: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    hand_overs: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    member: str = ""
    amendments: list[str] = field(default_factory=list)
    rounds: list[str] = field(default_factory=list)
    agreements: list[str] = field(default_factory=list)
    webhook: str = ""
    message: str = ""
    bar: str = ""
    policy: str = ""
    proposal: str = ""
    request: str = ""
    hold: str = ""
    appeal: str = ""
    visit: str = ""
    search: str = ""


@dataclass
class Ground:
    """The platform while it is served."""

    house: House
    story: Story
    base_url: str
    lab: Things = field(default_factory=Things)
    rival: Things = field(default_factory=Things)
    platform: Things = field(default_factory=Things)
    _visitors: dict[str, Visitor] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    last_snapshot: tuple[int, Mapping[str, Any], dict[str, list[tuple[Any, ...]]]] = (-1, {}, {})
    _words: dict[str, frozenset[str]] = field(default_factory=dict)
    _crawlers: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    _widened: int = 0

    def visitor(self, key: str = "") -> Visitor:
        """The person's browser, signed in with the password given just now; a stranger's where no key is given."""
        if key not in self._visitors:
            made = Visitor(self.base_url, f"203.0.{len(self._visitors)}.7")
            if key:
                made.become(self.session(key))
            self._visitors[key] = made
        return self._visitors[key]

    def session(self, key: str) -> str:
        """A fresh session's cookie."""
        return self._opened(self.account_of(key))

    def account_of(self, key: str) -> str:
        """The id of a person of the cast."""
        email = next(each.email for each in CAST if each.key == key)
        with self.house.store.read() as session:
            account = people.find_account(session, email)
        assert account is not None
        return account.id

    def organisation_of(self, key: str) -> str:
        """The id of the organisation of a person of the cast."""
        with self.house.store.read() as session:
            query = select(Membership.organisation_id).where(Membership.account_id == self.account_of(key))
            return session.exec(query).one()

    def member_of(self, organisation_id: str, role: Role) -> str:
        """Somebody with a role in an organisation; nobody's id for an organisation that is none."""
        with self.house.store.read() as session:
            held = [each.account_id for each in people.members(session, organisation_id) if role in each.roles]
        return held[0] if held else new_id("acc")

    def third(self, hand_over_state: str = "") -> dict[str, str]:
        """A third partner with a lead and a reader, whose browsers are third-lead and third-reader; its ids."""
        made, accounts = new_id("org"), {}
        with self.house.store.write("ground") as unit:
            unit.session.add(Organisation(id=made, name="Third Observatory", side=Side.PARTNER, created_at=unit.now))
            for role in (Role.LEAD, Role.READER):
                email, now = f"{new_id('acc')}@third.example".lower(), unit.now
                account = Account(id=new_id("acc"), email=email, name=role.title(), password_hash="x", created_at=now, confirmed_at=now)
                unit.session.add(account)
                unit.session.flush()
                give_role(unit, account.id, made, role, None)
                accounts[role] = account.id
        for role, account_id in accounts.items():
            if f"third-{role}" in self._visitors:
                self._visitors[f"third-{role}"].close()
            visitor = self._visitors[f"third-{role}"] = Visitor(self.base_url, f"203.0.{100 + len(self._visitors)}.7")
            visitor.become(self._opened(account_id))
        ids = {"organisation_id": made, "account_id": accounts[Role.READER]}
        return {**ids, "hand_over_id": self._handed_over(hand_over_state, made, accounts)} if hand_over_state else ids

    def _handed_over(self, state: str, organisation_id: str, accounts: Mapping[Role, str]) -> str:
        lead, steward = self._actor(accounts[Role.LEAD]), self.story.actor("steward")
        with self.house.store.write("ground") as unit:
            if state == "offered":
                return hand_over.offer_lead(unit, lead, accounts[Role.READER]).id
            return hand_over.propose_lead(unit, steward, organisation_id, accounts[Role.READER], "Mail to the lead comes back.").id

    def _actor(self, account_id: str) -> Actor:
        with self.house.store.read() as session:
            found = people.actor_of(session, self._opened(account_id), self.house.clock.now(), "203.0.113.0/24")
        assert found is not None
        return found

    def _opened(self, account_id: str) -> str:
        with self.house.store.write("ground") as unit:
            return people.open_session(unit, account_id, "203.0.113.0/24", second_factor=True)

    def with_session(self, key: str, **changes: datetime | None) -> Visitor:
        """A browser of the person's own, whose session is not as pages would leave it."""
        token = self.session(key)
        with self.house.store.write("ground") as unit:
            row = unit.session.get_one(SignInSession, secret_hash(token))
            for name, value in changes.items():
                setattr(row, name, value)
        made = Visitor(self.base_url, f"203.1.{secrets.randbelow(250)}.7")
        made.become(token)
        assert made.csrf
        return made

    def crawler(self, key: str, contract_id: str) -> CrawlerKey:
        """A crawler's key that its partner registered, and has not proved yet."""
        jwk, private = crawler_key()
        actor = self.story.actor(key)
        with self.house.store.write("ground") as unit:
            (row,) = crawlers.register(unit, actor, contract_id, f"{key.split('-', maxsplit=1)[0]}-bot", keys_in(jwk))
        self._crawlers[row.id] = private
        return row

    def registration(self, key: str, contract_id: str) -> str:
        """The id of a token that programs register themselves with."""
        actor = self.story.actor(key)
        with self.house.store.write("ground") as unit:
            return make_registration_token(unit, actor, contract_id, uses=3, days=7)[0].id

    def webhook(self, key: str, path: str = "") -> tuple[str, str]:
        """The ids of a webhook of the person's organisation and of a message to it; without a path it takes the place of others like it."""
        actor = self.story.actor(key)
        with self.house.store.write("ground") as unit:
            for each in webhook_queries.of_organisation(unit.session, actor.organisation_id):
                if each.url.endswith("/again"):
                    webhooks.end(unit, actor, each.id)
            made, _ = webhooks.create(unit, actor, self.house.keys, f"https://hooks.{key}.example/{path or 'again'}", [])
            return made.id, webhooks.test(unit, actor, made.id).id

    def crawler_signature(self, crawler_id: str) -> str:
        """What the key of `crawler` signs to prove itself."""
        row = self.row(CrawlerKey, crawler_id)
        signature = self._crawlers[crawler_id].sign(challenge(row, self.house.settings.base_url).encode())
        return base64.b64encode(signature).decode()

    def bar(self, state: str = "in_force") -> str:
        """A bar on a third partner, which compliance imposed; lifting was asked for by a steward where the state says so."""
        compliance, steward = self.story.actor("compliance"), self.story.actor("steward")
        organisation = self.third()["organisation_id"]
        with self.house.store.write("ground") as unit:
            made, _ = bars.impose(unit, compliance, Scope.ORGANISATION, organisation, "Records were sold on.")
            if state == "lift_asked":
                bars.ask_lift(unit, steward, made.id, made.revision, "It was settled.")
        return made.id

    def hold(self, state: str) -> str:
        """A hold on a partner's entries that compliance proposed, confirmed by a steward and asked to be lifted as the state says."""
        compliance, steward = self.story.actor("compliance"), self.story.actor("steward")
        last = self.house.clock.now().date()
        wanted = HoldWanted(
            scope="partner",
            partner=self.third()["organisation_id"],
            ground="Case 12 of 2026",
            owner=compliance.account_id,
            last_day=last,
        )
        with self.house.store.write("ground") as unit:
            made = holds.propose(unit, compliance, wanted, ())
            if state != "proposed":
                holds.confirm(unit, steward, made.id, made.revision)
            if state == "lift_asked":
                holds.ask_lift(unit, compliance, made.id, made.revision, "The case is closed.")
        return made.id

    def appeal(self) -> str:
        """An appeal of a visitor whom the gate stopped."""
        house, whom = self.house, new_id("dec")
        named = house.gate.names.read(house.gate.names.name(house.clock.now(), "budget_exceeded", "stopped", whom))
        with house.store.write("ground") as unit:
            appeals.make(unit, named, Objection("kim@visitor.example", "I was reading about trees."), "203.0.113.0/24")
        with house.store.read() as session:
            return waiting(session, 1_000)[-1].id

    def proposal(self) -> str:
        """A role of staff, proposed by an administrator to whom nobody here gave a role."""
        home, now = self.organisation_of("administrator"), self.house.clock.now()
        email = f"{new_id('acc')}@agora.example".lower()
        with self.house.store.write("ground") as unit:
            made = Account(id=new_id("acc"), email=email, name="Zoë", password_hash="x", created_at=now, confirmed_at=now)
            unit.session.add(made)
            unit.session.flush()
            give_role(unit, made.id, home, Role.ADMINISTRATOR, None)
        with self.house.store.write("ground") as unit:
            return proposals.propose(unit, self._actor_of(made, home), f"new-{email}", Role.OPERATOR, []).id

    def _actor_of(self, account: Account, home: str) -> Actor:
        return Actor(account.id, home, account.name, account.email, frozenset({Role.ADMINISTRATOR}))

    def visit(self, partner: str, email: str = "") -> tuple[str, str]:
        """A visit about a partner, for the auditor or somebody new: its id, and the token that makes the account."""
        wanted = VisitWanted(
            authority=AUTHORITY,
            email=email or f"{new_id('acc')}@authority.example".lower(),
            slice="partner",
            partner=self.organisation_of(partner),
            last_day=self.house.clock.now().date() + timedelta(days=30),
        )
        compliance = self.story.actor("compliance")
        with self.house.store.write("ground") as unit:
            made, link = visits.open_visit(unit, compliance, wanted, visits.Found(), self.base_url)
        return made.id, link.rpartition("/")[2]

    def searched(self, value: str) -> str:
        """The entry of a search for a personal value, which compliance made."""
        compliance = self.story.actor("compliance")
        with self.house.store.write("ground") as unit:
            return note_value(unit, compliance, value, 0)

    def let_in(self) -> None:
        """The auditor's account, made by the link of a visit about the lab."""
        _, token = self.visit("lab-reader", AUDITOR.email)
        with self.house.store.write("ground") as unit:
            people.accept_invitation(unit, token, name=AUDITOR.name, password_hash="x")

    def wider_policy(self) -> str:
        """A wider policy of the trees, found in settings that nobody keeps."""
        trees, self._widened = self.house.settings.datasets["trees"], self._widened + 1
        wider = trees.model_copy(update={"max_records_per_day": trees.max_records_per_day + self._widened})
        datasets = {**self.house.settings.datasets, "trees": wider}
        hold(self.house.store, self.house.settings.model_copy(update={"datasets": datasets}))
        with self.house.store.read() as session:
            return changes(session)[0].id

    def received(self) -> Received:
        """A Coordinator's request as it came in yesterday."""
        today = self.story.today()
        return Received(
            coordinator="Coimisiún na Meán",
            reference="DSA-40-4/2026/17",
            received_on=today - timedelta(days=1),
            project="Shade in cities",
            text="Access is requested to measure how far shade reaches, from the first to the last day named.",
            fields=tuple(FIELDS),
            rows={},
            starts=today,
            ends=today + timedelta(days=180),
        )

    def reasoned_request(self, state: str = "entered", key: str = "lab-reader") -> str:
        """A Coordinator's request for the organisation of a person, brought to a state."""
        steward, settings = self.story.actor("steward"), self.house.settings
        with self.house.store.write("ground") as unit:
            made = coordinator.enter(unit, steward, self.organisation_of(key), "trees", self.received(), settings)
            if state == "amendment_asked":
                wanted = Wanted(Command.ASK_AMENDMENT, made.revision, Ground40.NO_ACCESS, "We hold no such data; heights would do.")
                coordinator.ask_amendment(unit, steward, made.id, wanted, settings)
        return made.id

    def account(self, key: str) -> str:
        """The id of a person's account."""
        email = next(each.email for each in CAST if each.key == key)
        with self.house.store.read() as session:
            found = people.find_account(session, email)
        assert found is not None
        return found.id

    def authenticator(self) -> Authenticator:
        """A fresh passkey that knows this portal."""
        party = passkeys.party_of(self.house.settings)
        return Authenticator(party.origin, party.id)

    def registered(self, key: str, with_one: Authenticator) -> str:
        """A person's passkey; what names it to its owner."""
        now, account_id, party = self.house.clock.now(), self.account(key), passkeys.party_of(self.house.settings)
        challenge, _ = passkeys.new_challenge(self.house.keys, "register", "", now)
        with self.house.store.read() as session:
            options = passkeys.creation_options(party, session.get_one(Account, account_id), (), challenge)
        made = passkeys.verified_new(party, challenge, with_one.make(options), account_id, "laptop", now)
        with self.house.store.write("ground") as unit:
            passkeys.add_passkey(unit, challenge, made)
        return made.id

    def lost(self, key: str) -> str:
        """A person's lost second factor, which nobody has looked at yet."""
        with self.house.store.write("ground") as unit:
            return lost.ask(unit, self.account(key), "").id

    def recovery_codes(self, key: str) -> list[str]:
        """Fresh recovery codes of a person, each good for one sign-in."""
        account_id = self.account_of(key)
        with self.house.store.write("ground") as unit:
            return people.new_codes(unit, account_id)

    def sessions_of(self, key: str) -> list[str]:
        """What names the person's sessions to the person."""
        with self.house.store.read() as session:
            return [each.ref for each in people.sessions_of(session, self.account_of(key), "", self.house.clock.now())]

    def token(self, client: MadeClient) -> str:
        """An access token, asked for as a program does."""
        return str(partner.token(self.base_url, client).json["access_token"])

    def ask(self, client: MadeClient, path: str, **headers: str) -> partner.Reply:
        """One request to the API with a fresh token of the client."""
        bearer = {"authorization": f"Bearer {self.token(client)}"}
        return partner.ask(self.base_url, "GET", path, headers={**bearer, **headers})

    def named_lead(self, key: str) -> str:
        """A founder names the reader of the organisation as the next lead, who has not answered."""
        lead, named = self.story.actor(key), self.account_of(f"{key.partition('-')[0]}-reader")
        with self.house.store.write("ground") as unit:
            return hand_over.offer_lead(unit, lead, named).id

    def asked_to_consent(self, things: Things) -> str:
        """A program's request, under the partner's active contract, that waits for a person's answer."""
        client = things.clients["reader"]
        with self.house.store.write("ground") as unit:
            organisation = unit.session.get_one(Contract, client.contract_id).organisation_id
            uri, challenge = "http://127.0.0.1/back", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
            asked = Asked(client.client_id, client.contract_id, organisation, uri, "state", "records:read", challenge)
            return authorizations.begin(unit, asked).id

    @cached_property
    def observer(self) -> sqlite3.Connection:
        """A connection that only looks."""
        return sqlite3.connect(self.house.settings.home / "licet.db")

    def commits(self) -> int:
        """A number that moves with every transaction that changed anything (SQLite's `data_version`)."""
        return int(self.observer.execute("PRAGMA data_version").fetchone()[0])

    def named(self, key: str, application_id: str, person: str, state: str = "invited") -> str:
        """The id of a colleague's place on a project, brought to a state: invited, review, or confirmed by staff."""
        lead, other, steward = self.story.actor(key), self._actor(self.account_of(person)), self.story.actor("steward")
        with self.house.store.write("ground") as unit:
            members.invite(unit, lead, application_id, email=other.email, name=other.name, base_url=self.base_url)
            row = member_access.row_of(unit.session, application_id, other.account_id)
            assert row is not None
            # Staff look at whoever comes later, whatever their address shows.
            row.later = state != "invited"
            if state != "invited":
                members.confirm(unit, other, application_id, position="reader", agreed=True, settings=self.house.settings)
            if state == "confirmed":
                members.admit(unit, steward, application_id, row.id, "The institute confirmed it.")
            return row.id

    def document(self, key: str, application_id: str) -> str:
        """The id of a document that a partner added to an application that is being written."""
        actor, home = self.story.actor(key), self.house.settings.home
        incoming = Incoming(home, 1_000)
        incoming.write(f"{key.upper()} has an ethics decision.".encode())
        incoming.finish()
        checked = uploads.check(home, incoming, f"{key.partition('-')[0]}-ethics.txt")
        with self.house.store.write("ground") as unit:
            return uploads.add(unit, actor, application_id, "ethics", checked, self.house.settings.uploads).id

    def handed_in_document(self, key: str) -> str:
        """The id of a document of an application that was handed in."""
        draft = self.begun(key)
        made, actor = self.document(key, draft.id), self.story.actor(key)
        with self.house.store.write("ground") as unit:
            applications.submit(unit, actor, draft.id, draft.revision, self.house.settings)
        return made

    def settle(self) -> None:
        """Do what is due and integrate every entry."""
        self.story.settle(handlers_of(self.house))

    def begun(self, key: str) -> Application:
        """A draft, filled in."""
        actor, form = self.story.actor(key), self.form(key)
        asked = current(self.house.settings, form.kind, "trees")
        with self.house.store.write("ground") as unit:
            draft = applications.begin(unit, actor, "trees", asked)
            return applications.save(unit, actor, draft.id, draft.revision, form)

    def applied(self, key: str, state: str = "submitted", **changes: Any) -> Application:
        """An application of a person who leads, brought to a state."""
        if state == "draft":
            return self.begun(key)
        dataset = changes.pop("dataset", "trees")
        made = self.story.apply(key, dataset, self.form(key).model_copy(update=changes))
        if state == "submitted":
            return made
        if state == "in_review":
            return self.story.check("steward", made)
        if state == "withdrawn":
            actor = self.story.actor(key)
            with self.house.store.write("ground") as unit:
                return applications.withdraw(unit, actor, made.id, made.revision)
        decide = self.story.approve if state == "approved" else self.story.decline
        return decide("steward", made, "The purpose was read with care.")

    def countered(self, key: str) -> Contract:
        """An offered contract of which the founder asked for a change."""
        made, actor = self.contract(key, "offered"), self.story.actor(key)
        with self.house.store.write("ground") as unit:
            offers.counter(unit, actor, made.id, made.revision, [Wish("term", "pace", "Faster.", "The archive is large.")])
            return unit.lock(Contract, made.id)

    def contract(self, key: str, state: str = "active", **changes: Any) -> Contract:
        """A contract of a founder's organisation, brought to a state by the house's own services."""
        approved = self.applied(key, "approved", **changes)
        made = self.story.offer("steward", approved) if state != "draft" else self.drafted(approved)
        if state in ("draft", "offered"):
            return made
        made = self.story.sign(key, made)
        if state == "signed":
            return made
        made = self.story.countersign("second-steward", made)
        for command in {"active": (), "suspended": ("suspend",), "lift_asked": ("suspend", "ask_lift"), "terminated": ("terminate",)}[
            state
        ]:
            made = self._by_staff(made, command)
        return made

    def drafted(self, application: Application) -> Contract:
        """A draft that was not offered yet."""
        return self.story.draft("steward", application)

    def form(self, key: str) -> ApplicationForm:
        """What a partner's founder applies for: the rival pays, the lab does not."""
        pays, today = key.startswith("rival"), self.story.today()
        return ApplicationForm(
            project=f"{key.partition('-')[0].upper()}-PROJECT on shade",
            kind="commercial" if pays else "research",
            purpose="market-analysis" if pays else "research",
            purpose_text="Where trees give shade and where they are missing, published as maps.",
            fields=FIELDS,
            answers=usual(FIELDS),
            rows={"species": ("oak", "ash")},
            crawl=True,
            starts=today,
            ends=today + timedelta(days=365),
        )

    def sandbox(self, key: str) -> str:
        """A sandbox credential's id. The oldest one makes room, because an organisation has few."""
        actor, today = self.story.actor(key), self.story.today()
        with self.house.store.write("ground") as unit:
            live = [each for each in clients_of(unit.session, actor.organisation_id) if each.revoked_at is None]
            for each in live[3:]:
                each.revoked_at = unit.now
            unit.session.flush()
            return sandbox.create(unit, actor, name=f"{key.partition('-')[0]}-sandbox", today=today)[0].id

    def entries(self, *contract_ids: str) -> list[str]:
        """Ids of ledger entries of some contracts, in the tree or still waiting for it."""
        with self.house.store.read() as session:
            found = session.exec(select(LedgerEntry)).all()
        return [each.id for each in found if any(contract.encode() in each.leaf for contract in contract_ids)]

    def words_of(self, organisation: CastOrganisation, things: Things) -> frozenset[str]:
        """What only a partner's own people may read: names, addresses, and ids of things and entries as of the first asking."""
        if organisation.key not in self._words:
            ids = {
                *things.applications.values(),
                *things.contracts.values(),
                *(each.client_id for each in things.clients.values()),
                *things.sandboxes,
                *things.evidence,
                things.member,
                *things.amendments,
                things.registration,
                things.webhook,
                things.message,
            }
            people = {word for each in people_of(organisation) for word in (each.name, each.email)}
            entries = set(self.entries(*things.contracts.values()))
            marks = {
                f"{organisation.key.upper()}-PROJECT",
                *(f"{organisation.key}-{each}" for each in ("reader", "crawler", "later", "sandbox", "ethics")),
            }
            self._words[organisation.key] = frozenset({organisation.name, *marks, *ids, *people, *entries})
        return self._words[organisation.key]

    def link_hashes(self) -> list[str]:
        """What the table of one-time links has as keys; none of them opens a link."""
        with self.house.store.read() as session:
            return list(session.exec(select(OneTimeLink.id)).all())

    def row(self, table: type[Row], key: str) -> Row:
        """A row as it stands now."""
        with self.house.store.read() as session:
            return session.get_one(table, key)

    def revision(self, thing: str) -> int:
        """The revision of an application, contract or the like; 1 for an id that nobody has."""
        table = {"app": Application, "amd": Amendment, "agr": Agreement}.get(thing[:3], Contract)
        with self.house.store.read() as session:
            found: Any = session.get(table, thing)
        return found.revision if found is not None else 1

    def erase(self, key: str) -> None:
        """Compliance erases a record by its own id."""
        actor: Actor = self.story.actor("compliance")
        version = self.house.catalogue.version_of("trees")
        assert version is not None
        ordinal = ordinal_of(self.house.settings, version, key)
        assert ordinal is not None
        with self.house.store.read() as session:
            what = held(session, "trees", Ordinals([ordinal]))
        with self.house.store.write("ground") as unit:
            erase(unit, actor, what, "The person asked for it.")

    def close(self) -> None:
        """Shut every browser."""
        self.observer.close()
        for each in self._visitors.values():
            each.close()

    def _by_staff(self, contract: Contract, command: str) -> Contract:
        actor = self.story.actor("steward")
        with self.house.store.write("ground") as unit:
            if command == "terminate":
                return lifecycle.terminate(unit, actor, contract.id, contract.revision, "The project ended early.")
            act = lifecycle.suspend if command == "suspend" else lifecycle.ask_lift
            return act(unit, actor, contract.id, contract.revision, "It has to be looked at.")


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """The platform with its people, and nothing else yet; everything ends with the block."""
    write_trees(folder / "trees.csv", 400)
    (folder / "benches.csv").write_text("id\n1\n2\n")
    port = free_port()
    (folder / "licet.toml").write_text(TOML.format(port=port, site_port=port + 1, database="", extra=BENCHES, mail=MAILBOX))
    write_master_key(folder / ".licet")
    settings = load(folder / "licet.toml", {})
    migrated.copy_to(settings.home / "licet.db")
    prepare(settings)
    clock = FixedClock(SystemClock().now().replace(microsecond=0))
    with running(build(settings, clock)) as house:
        for dataset in settings.datasets:
            refresh(house.store, settings, dataset)
        story = Story(house, clock)
        story.prepare(CAST)
        story.first_administrator("administrator")
        for each in STAFF[1:]:
            story.join("administrator", each.key)
        for organisation in (LAB, RIVAL):
            founder, *others = people_of(organisation)
            story.sign_up(organisation, founder.key)
            for each in others:
                story.join(founder.key, each.key)
        with serving(Rooms(house)) as served:
            made = Ground(house, story, f"http://127.0.0.1:{served}")
            made.let_in()
            yield made
            made.close()


def furnish(made: Ground) -> None:
    """Give both partners things in every state, let both read, and let the lab hold an erased record."""
    for key, things in (("lab-founder", made.lab), ("rival-founder", made.rival)):
        for state in ("draft", "submitted", "approved", "declined", "withdrawn"):
            things.applications[state] = made.applied(key, state).id
        for state in ("draft", "offered", "signed", "active", "suspended", "lift_asked", "terminated"):
            things.contracts[state] = made.contract(key, state).id
        contract = made.row(Contract, things.contracts["active"])
        for name, audience in (("reader", "api"), ("crawler", "site")):
            things.clients[name] = made.story.make_client(key, contract, f"{key.split('-')[0]}-{name}", audience)
        things.authorizations.append(made.asked_to_consent(things))
        things.crawler = made.crawler(key, things.contracts["active"]).id
        things.registration = made.registration(key, things.contracts["active"])
        things.webhook, things.message = made.webhook(key, "kept")
        things.sandboxes.append(made.sandbox(key))
        member = f"{key.partition('-')[0]}-billing"
        things.passkeys.append(made.registered(member, made.authenticator()))
        things.lost.append(made.lost(member))
        things.hand_overs.append(made.named_lead(key))
        things.member = made.named(key, things.applications["draft"], f"{key.partition('-')[0]}-developer")
        things.evidence += [made.handed_in_document(key), made.document(key, things.applications["draft"])]
        things.bar, things.policy, things.proposal = made.bar(), made.wider_policy(), made.proposal()
        things.hold, things.appeal = made.hold("proposed"), made.appeal()
        things.visit = made.visit(f"{key.partition('-')[0]}-reader")[0]
        things.search = made.searched(f"{key.partition('-')[0]}-reader")
        things.request = made.reasoned_request(key=f"{key.partition('-')[0]}-reader")
    made.platform.webhook, made.platform.message = made.webhook("administrator", "kept")
    # A dataset that the rival's contract does not name and the lab's does.
    narrow = {"fields": ("id",), "rows": {}, "crawl": False}
    made.lab.contracts["benches"] = made.contract("lab-founder", "active", dataset="benches", **narrow).id
    made.settle()
    for things in (made.lab, made.rival):
        for query in ("limit=30", "limit=30&species=oak", "fields=note"):
            made.ask(things.clients["reader"], f"/v1/datasets/trees/records?{query}")
    made.erase("0")
    made.settle()
    # These entries stay staged: nothing integrates them before a test asks.
    for things in (made.lab, made.rival):
        made.ask(things.clients["reader"], "/v1/datasets/trees/records?limit=1")


def snapshot(made: Ground, but: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table. `but` names tables (with no columns) or columns of tables that may change.

    Nothing is read again where nothing was committed since the last time.
    """
    left_out, at = but or {}, made.commits()
    if made.last_snapshot[:2] != (at, left_out):
        made.last_snapshot = (at, left_out, dict(_rows(made.observer, left_out)))
    return made.last_snapshot[2]


def _rows(observer: sqlite3.Connection, left_out: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    tables = observer.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    for (table,) in tables:
        columns = [row[1] for row in observer.execute(f"PRAGMA table_info({table})") if row[1] not in left_out.get(table, ())]
        if left_out.get(table) != ():
            # The order is that of the table's own tree, which stays while its rows do.
            yield table, observer.execute("SELECT {} FROM {}".format(", ".join(f'"{each}"' for each in columns), table)).fetchall()


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The tables that differ between two snapshots."""
    return [name for name in after if before.get(name) != after[name]]
