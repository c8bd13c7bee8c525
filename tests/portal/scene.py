"""Scenes for page tests: an application or a contract brought to a state by the domain's own services."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlmodel import select

from contracts.applications import service as applications
from contracts.applications.form import ApplicationForm
from contracts.applications.tables import Application
from contracts.house import House
from contracts.ids import new_id
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.queries import find_account, members
from contracts.people.roles import Role
from contracts.people.tables import Membership
from contracts.signing.document import facts_of, render
from contracts.terms.defaults import propose
from portal.demo.answers import usual

STATES = ("draft", "offered", "signed", "active", "suspended")


def actor(house: House, email: str) -> Actor:
    """The person as pages see them, with a password given just now."""
    with house.store.read() as session:
        account = find_account(session, email)
        assert account is not None
        home = session.exec(select(Membership.organisation_id).where(Membership.account_id == account.id)).first()
        assert home is not None
        row = next(each for each in members(session, home) if each.account_id == account.id)
    made = Actor(account.id, home, account.name, account.email, frozenset(row.roles))
    return replace(made, reauthenticated_at=house.clock.now(), second_factor_at=house.clock.now())


def submitted(
    house: House, lead: str, *, kind: str = "research", crawl: bool = False, project: str = "Weather talk in three languages"
) -> Application:
    """An application for the posts, handed in."""
    saved = begun(house, lead, kind=kind, crawl=crawl, project=project)
    with house.store.write() as unit:
        return applications.submit(unit, actor(house, lead), saved.id, saved.revision, house.settings)


def begun(
    house: House, lead: str, *, kind: str = "research", crawl: bool = False, project: str = "Weather talk in three languages"
) -> Application:
    """An application for the posts, filled in and not handed in."""
    person = actor(house, lead)
    today = house.clock.now().date()
    form = ApplicationForm(
        project=project,
        kind=kind,  # type: ignore[arg-type]  # tests name a kind that exists
        purpose="research" if kind == "research" else "market-analysis",
        purpose_text="How people talk about the weather when it turns, by language and country.",
        fields=("id", "author_id", "created_at", "lang", "country", "text"),
        answers=usual(["text"]),
        rows={"lang": ("en", "de")},
        crawl=crawl,
        starts=today,
        ends=today + timedelta(days=365),
    )
    with house.store.write() as unit:
        draft = applications.begin(unit, person, "posts")
        return applications.save(unit, person, draft.id, draft.revision, form)


def checked(house: House, application: Application, steward: Actor) -> Application:
    """It, found complete, with its lawful basis confirmed: ready to be decided."""
    officer = replace(steward, roles=frozenset({Role.COMPLIANCE}))
    with house.store.write() as unit:
        found = applications.check(unit, steward, application.id, application.revision)
        return applications.confirm_basis(unit, officer, found.id, found.revision, "public-task", "The law on research names it.")


def contract(
    house: House,
    state: str,
    *,
    lead: str,
    stewards: tuple[str, str],
    kind: str = "research",
    crawl: bool = False,
    named_users: bool = False,
    bound_tokens: bool = False,
    application: Application | None = None,
) -> Contract:
    """A contract brought to a state of `STATES`; of an application that was handed in, where one is given."""
    application = application or submitted(house, lead, kind=kind, crawl=crawl)
    first, second = (actor(house, each) for each in stewards)
    application = checked(house, application, first)
    with house.store.write() as unit:
        applications.approve(unit, first, application.id, application.revision, "A clear question and few fields.")
    terms = propose(application, house.settings.datasets["posts"], house.settings.platform.site)
    terms = terms.model_copy(update={"named_users": named_users, "bound_tokens": bound_tokens})
    contract_id = new_id("ctr")
    with house.store.read() as session:
        rendered = render(house.settings, facts_of(session, application), terms, contract_id)
    with house.store.write() as unit:
        made = lifecycle.draft(unit, first, contract_id, application.id, rendered, terms, house.settings)
    return _on(house, made, state, actor(house, lead), first, second)


def _on(house: House, made: Contract, state: str, lead: Actor, first: Actor, second: Actor) -> Contract:
    steps = (
        lambda unit: lifecycle.offer(unit, first, made.id, made.revision),
        lambda unit: lifecycle.sign(unit, lead, made.id, made.revision, name=lead.name, capacity="Head of laboratory"),
        lambda unit: lifecycle.countersign(unit, second, house.keys, made.id, made.revision, name=second.name, capacity="Data access"),
        lambda unit: lifecycle.suspend(unit, first, made.id, made.revision, "Records were found on a public web page."),
    )
    for step in steps[: STATES.index(state)]:
        with house.store.write() as unit:
            made = step(unit)
    return made
