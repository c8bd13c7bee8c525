"""The texts that contracts are made from: templates and their clauses, a preview of each, and the confirmation of own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.clock import day_in
from contracts.errors import Misconfigured, refuse
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.signing import confirmations
from contracts.signing.clauses import ClauseFile, bundled_for, clause_of, own_folder
from contracts.signing.preview import preview
from contracts.signing.templates import KINDS, ContractTemplate, has_own, own_path, problems, template_of
from contracts.signing.text import paragraphs
from contracts.terms.words import LINES
from portal.deps import go, house_of, page, requires
from portal.forms import Form, submitted
from portal.pages.desk.duties import Duty

routes = APIRouter(prefix="/desk")
TITLES = {
    "research": "Research",
    "commercial": "Commercial",
    "ai-training": "Training of AI models",
    "dsa-art-40": "Digital Services Act, Article 40(4)",
    "dsa-art-40-12": "Digital Services Act, Article 40(12)",
}
Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.ADMINISTRATOR, Role.COMPLIANCE))]
Confirming = Annotated[Actor, Depends(requires(*confirmations.MAY_CONFIRM))]


@dataclass(frozen=True, slots=True)
class Shown:
    """A clause as the page shows it: the term that it binds in words, and its text in paragraphs."""

    name: str
    title: str
    term: str
    own: bool
    text: list[str]
    monitored: str
    breach: str
    sha256: str
    path: str


@routes.get("/templates")
def templates(request: Request, actor: Reader) -> Response:
    """Every template with its clauses, what is wrong in the operator's own files, and what waits for a confirmation."""
    house = house_of(request)
    found = [(kind, TITLES[kind], _template(house.settings, kind), own_path(house.settings, kind)) for kind in KINDS]
    with house.store.read() as session:
        waiting = _waiting(session, [each for _, _, each, _ in found if each is not None])
    return page(
        request,
        "desk/templates.html",
        templates=[
            (kind, title, each, [shown(clause) for clause in each.clauses] if each else [], own) for kind, title, each, own in found
        ],
        problems=list(problems(house.settings)),
        waiting=[(shown(each), shown(bundled_for(each))) for each in waiting],
        folder=own_folder(house.settings),
        may_confirm=bool(actor.roles & set(confirmations.MAY_CONFIRM)),
    )


@routes.get("/templates/{template}")
def one(request: Request, actor: Reader, template: str) -> Response:
    """The contract that a template makes, with invented parties and every clause."""
    house = house_of(request)
    if template not in KINDS:
        raise refuse("not_found", "There is no such contract template.")
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    try:
        text, problem = preview(house.settings, template, today), None
    except Misconfigured as error:
        text, problem = [], error
    return page(request, "desk/template.html", title=TITLES[template], kind=template, text=text, problem=problem)


@routes.post("/clauses/{clause}/confirm")
def confirm(request: Request, actor: Confirming, clause: str, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Confirm that an own clause still states the term that it binds."""
    house = house_of(request)
    try:
        found = clause_of(house.settings, clause)
    except Misconfigured as error:
        raise refuse("not_found", "There is no such clause, or its file cannot be used.") from error
    with house.store.write("clause") as unit:
        confirmations.confirm(unit, actor, found, form.text("sha256"))
    return go("/desk/templates", "clause-confirmed")


def clause_duties(session: Session, settings: Settings, actor: Actor, now: datetime) -> list[Duty]:
    """Own words that wait for somebody to confirm them, for those who may."""
    if not (has_own(settings) and actor.roles & set(confirmations.MAY_CONFIRM)):
        return []
    waiting = _waiting(session, [found for kind in KINDS if (found := _template(settings, kind)) is not None])
    detail = "Does the term still stand in your own words? No contract with this clause is drafted before."
    return [Duty(f"Confirm the clause “{each.clause.title}”", detail, "/desk/templates", "Read and confirm", now) for each in waiting]


def shown(found: ClauseFile) -> Shown:
    """A clause's words for a page."""
    clause = found.clause
    term = "" if clause.is_general else LINES[clause.binds][0]
    text = paragraphs(clause.text)
    return Shown(found.name, clause.title, term, found.own, text, clause.monitored, clause.breach, found.sha256, f"{found.name}.toml")


def _template(settings: Settings, kind: str) -> ContractTemplate | None:
    try:
        return template_of(settings, kind)
    except Misconfigured:
        return None


def _waiting(session: Session, found: list[ContractTemplate]) -> list[ClauseFile]:
    return confirmations.unconfirmed(session, [clause for each in found for clause in each.clauses])
