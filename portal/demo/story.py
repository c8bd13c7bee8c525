"""How the demo's past is told: through the house's own services, at a clock that the story moves.

Nothing is written past a rule: every person joins by a link, every contract is applied for, approved, signed and countersigned,
and every record that was ever read went through the reader with its entry. Tests use the same steps to set a scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from contracts.applications import service as applications
from contracts.applications.form import ApplicationForm
from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.credentials.decide import ForPeople
from contracts.credentials.service import create_client
from contracts.forms.files import current
from contracts.house import House
from contracts.ids import new_id
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.drafting import draft
from contracts.lifecycle.tables import Contract
from contracts.members import service as members
from contracts.people import service as people
from contracts.people import totp
from contracts.people.actor import Actor
from contracts.people.passwords import hash_password
from contracts.people.roles import Role
from contracts.signing.document import facts_of, render
from contracts.store import outbox
from contracts.store.unit import Unit
from contracts.terms.defaults import propose
from contracts.terms.model import Terms
from contracts.uploads import service as uploads
from contracts.uploads.files import Incoming
from contracts.uploads.service import Checked
from portal.demo.people import CastOrganisation, CastPerson


@dataclass(frozen=True, slots=True)
class MadeClient:
    """A client with its secret, which the demo prints and the house forgot."""

    name: str
    client_id: str
    client_secret: str
    contract_id: str
    scopes: tuple[str, ...]


class Story:
    """People do things, one after another, at the story's clock."""

    def __init__(self, house: House, clock: FixedClock) -> None:
        self.house, self.clock = house, clock
        self._accounts: dict[str, str] = {}
        self._cast: dict[str, CastPerson] = {}
        self._hashes: dict[str, str] = {}

    def prepare(self, cast: tuple[CastPerson, ...]) -> None:
        """Hash the cast's passwords, which is slow on purpose, beside each other; people who share one in a test share its hash."""
        passwords = sorted({each.password for each in cast})
        with ThreadPoolExecutor(4) as pool:
            hashed = dict(zip(passwords, pool.map(hash_password, passwords), strict=True))
        self._hashes.update({each.key: hashed[each.password] for each in cast})
        self._cast.update({each.key: each for each in cast})

    def actor(self, key: str) -> Actor:
        """The person as the edge would establish them, freshly signed in."""
        with self.house.store.write("story") as unit:
            token = people.open_session(unit, self._accounts[key], "198.51.100.0/24", second_factor=True)
        with self.house.store.read() as session:
            found = people.actor_of(session, token, self.clock.now(), "198.51.100.0/24")
        if found is None:
            raise LookupError(key)
        return found

    def first_administrator(self, key: str) -> None:
        """The person becomes the platform's first administrator."""
        person = self._cast[key]
        with self.house.store.write("story") as unit:
            link = people.first_administrator_link(unit, self.house.settings, person.email)
        self._join(person, link)

    def invite(self, inviter: str, person: CastPerson, role: Role) -> str:
        """One person invites another to a role, who does not answer yet; returns the link."""
        actor = self.actor(inviter)
        with self.house.store.write("story") as unit:
            return people.invite(unit, actor, email=person.email, role=role, base_url=self.house.settings.base_url)

    def join(self, inviter: str, key: str) -> None:
        """One person invites another to each of their roles, who accepts."""
        person = self._cast[key]
        for role in person.roles:
            self._join(person, self.invite(inviter, person, role))

    def sign_up(self, organisation: CastOrganisation, key: str) -> None:
        """A partner's first person signs up and confirms the address."""
        person, kept = self._cast[key], list[str]()

        def keep(unit: Unit, *, to: str, template: str, facts: Mapping[str, str]) -> None:
            unit.session.flush()
            kept.append(facts["link"] if to == person.email and template == "confirm" else "")

        with self.house.store.write("story") as unit:
            people.sign_up(
                unit,
                keep,
                name=person.name,
                email=person.email,
                password_hash=self._hashes[key],
                organisation_name=organisation.name,
                organisation_kind=organisation.kind,
                country=organisation.country,
                next_path="/partner",
                base_url=self.house.settings.base_url,
            )
        with self.house.store.write("story") as unit:
            account, _ = people.confirm(unit, kept[0].rsplit("/", 1)[1])
        self._accounts[key] = account.id
        self._set_up_factor(self._cast[key])

    def apply(self, key: str, dataset: str, form: ApplicationForm, documents: Mapping[str, tuple[str, bytes]] | None = None) -> Application:
        """A partner applies, with documents by their kind, each a name and its bytes."""
        actor, settings = self.actor(key), self.house.settings
        asked = current(settings, form.kind, dataset)
        checked = {kind: self._checked(*document) for kind, document in (documents or {}).items()}
        with self.house.store.write("story") as unit:
            draft = applications.begin(unit, actor, dataset, asked)
            saved = applications.save(unit, actor, draft.id, draft.revision, form)
            for kind, found in checked.items():
                uploads.add(unit, actor, saved.id, kind, found, settings.uploads)
            return applications.submit(unit, actor, saved.id, saved.revision, settings)

    def name_member(self, lead: str, application_id: str, key: str, position: str) -> None:
        """A lead names a colleague on a project, who says who they are."""
        inviter, person, settings = self.actor(lead), self.actor(key), self.house.settings
        with self.house.store.write("story") as unit:
            members.invite(unit, inviter, application_id, email=person.email, name=person.name, base_url=settings.base_url)
        with self.house.store.write("story") as unit:
            members.confirm(unit, person, application_id, position=position, agreed=True, settings=settings)

    def check(self, key: str, application: Application) -> Application:
        """A steward finds it complete."""
        actor = self.actor(key)
        with self.house.store.write("story") as unit:
            return applications.check(unit, actor, application.id, application.revision)

    def confirm_basis(self, key: str, application: Application, basis: str, reason: str) -> Application:
        """Compliance confirms the lawful basis."""
        actor = self.actor(key)
        with self.house.store.write("story") as unit:
            return applications.confirm_basis(unit, actor, application.id, application.revision, basis, reason)

    def approve(self, key: str, application: Application, reason: str) -> Application:
        """A steward finds it complete, compliance confirms the lawful basis, the steward approves."""
        checked = self.check(key, application)
        lawful = self.confirm_basis("compliance", checked, "legitimate-interests", "Weighed for this purpose, with pseudonyms for people.")
        actor = self.actor(key)
        with self.house.store.write("story") as unit:
            return applications.approve(unit, actor, lawful.id, lawful.revision, reason)

    def decline(self, key: str, application: Application, reason: str, code: str = "other") -> Application:
        """A steward declines."""
        actor = self.actor(key)
        with self.house.store.write("story") as unit:
            return applications.decline(unit, actor, application.id, application.revision, reason, code)

    def draft(self, key: str, application: Application, **changes: object) -> Contract:
        """A steward drafts the contract, with terms changed from the proposal where told."""
        actor, settings = self.actor(key), self.house.settings
        proposed = propose(application, settings.datasets[application.dataset], settings.platform.site)
        terms = Terms.model_validate({**proposed.model_dump(), **changes})
        contract_id = new_id("ctr")
        with self.house.store.read() as session:
            facts = facts_of(session, application)
        rendered = render(settings, facts, terms, contract_id)
        with self.house.store.write("story") as unit:
            return draft(unit, actor, contract_id, application.id, rendered, terms, settings)

    def offer(self, key: str, application: Application, **changes: object) -> Contract:
        """A steward drafts the contract and offers it."""
        drafted, actor = self.draft(key, application, **changes), self.actor(key)
        with self.house.store.write("story") as unit:
            return lifecycle.offer(unit, actor, drafted.id, drafted.revision)

    def sign(self, key: str, contract: Contract) -> Contract:
        """The partner signs."""
        actor, person = self.actor(key), self._cast[key]
        with self.house.store.write("story") as unit:
            return lifecycle.sign(unit, actor, contract.id, contract.revision, name=person.name, capacity=person.capacity)

    def countersign(self, key: str, contract: Contract) -> Contract:
        """A second member of staff countersigns; the contract is in force."""
        actor, person = self.actor(key), self._cast[key]
        with self.house.store.write("story") as unit:
            return lifecycle.countersign(
                unit, actor, self.house.keys, contract.id, contract.revision, name=person.name, capacity=person.capacity
            )

    def make_client(self, key: str, contract: Contract, name: str, audience: str, people: ForPeople | None = None) -> MadeClient:
        """A partner makes an OAuth client, for itself or for people."""
        actor = self.actor(key)
        with self.house.store.write("story") as unit:
            held = unit.lock(Contract, contract.id)
            client, secret = create_client(unit, actor, held, name=name, audience="site" if audience == "site" else "api", people=people)
            return MadeClient(client.name, client.id, secret, contract.id, tuple(client.scopes))

    def settle(self, handlers: Mapping[str, outbox.Handler]) -> None:
        """Do every effect that is due, and integrate every entry."""
        while outbox.run_due(self.house.store, handlers):
            pass
        while self.house.sequencer.integrate():
            pass

    def today(self) -> date:
        """The story's day."""
        return self.clock.now().date()

    def _checked(self, name: str, content: bytes) -> Checked:
        incoming = Incoming(self.house.settings.home, len(content))
        incoming.write(content)
        incoming.finish()
        return uploads.check(self.house.settings.home, incoming, name)

    def _join(self, person: CastPerson, link: str) -> None:
        with self.house.store.write("story") as unit:
            account = people.accept_invitation(unit, link.rsplit("/", 1)[1], name=person.name, password_hash=self._hashes[person.key])
        self._accounts[person.key] = account.id
        self._set_up_factor(person)

    def _set_up_factor(self, person: CastPerson) -> None:
        """The person's first sign-in ends with an app for codes, as every role of the cast asks for sooner or later."""
        keys, account_id, seed = self.house.keys, self._accounts[person.key], totp.from_text(person.totp_secret)
        code = totp.code_at(seed, totp.step_at(self.clock.now()))
        with self.house.store.write("story") as unit:
            if not people.has_factor(unit.session, account_id):
                people.add_app(unit, keys, account_id, seed, code)
