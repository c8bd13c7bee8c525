"""A partner asks for changes of an offered contract, takes them back, and sees what changed from version to version."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused, refuse
from contracts.lifecycle import offers, queries
from contracts.lifecycle.states import Command, State, possible
from contracts.lifecycle.tables import Contract
from contracts.lifecycle.wishes import Wish
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.signing.text import blocks, paragraphs
from contracts.terms.model import readable
from contracts.terms.words import LINES, plain
from portal.deps import go, house_of, page, partner, requires
from portal.forms import Form, mendable, of, submitted
from portal.negotiation import comparison, general_passages

router = APIRouter(prefix="/partner/contracts")
BASE = "/partner/contracts"
Partner = Annotated[Actor, Depends(partner)]
Signer = Annotated[Actor, Depends(requires(Role.LEAD, Role.SIGNATORY))]
Sent = Annotated[Form, Depends(submitted)]


@router.get("/{contract_id}/counter")
def ask(request: Request, actor: Signer, contract_id: str) -> Response:
    """Every term and every general passage of the offered version, each with room for a wish and its reason."""
    context = _context(request, actor, contract_id)
    return _page(request, context, of({f"clause.{name}": text for name, _, text in context["passages"]}))


@router.post("/{contract_id}/counter")
def counter(request: Request, actor: Signer, contract_id: str, form: Sent) -> Response:
    """Send the wishes to the platform."""
    context = _context(request, actor, contract_id)
    try:
        with house_of(request).store.write("counter") as unit:
            offers.counter(unit, actor, contract_id, form.number("revision"), _wishes(form, context["passages"]))
    except Refused as error:
        form.take(mendable(error))
        return _page(request, context, form, 422)
    return go(f"{BASE}/{contract_id}", "countered")


@router.post("/{contract_id}/recall")
def recall(request: Request, actor: Signer, contract_id: str, form: Sent) -> Response:
    """Take the wishes back, so that the offer can be signed as it is."""
    with house_of(request).store.write("counter") as unit:
        offers.recall(unit, actor, contract_id, form.number("revision"))
    return go(f"{BASE}/{contract_id}", "recalled")


@router.get("/{contract_id}/versions")
def versions(request: Request, actor: Partner, contract_id: str, older: int = 0, newer: int = 0) -> Response:
    """What changed between two versions that were offered."""
    return comparison(request, actor, contract_id, older, newer, f"{BASE}/{contract_id}")


def _context(request: Request, actor: Actor, contract_id: str) -> dict[str, Any]:
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        if Command.COUNTER not in possible(State(contract.state)):
            raise refuse("command_not_possible", "Changes can be asked for while an offer waits for your signature.")
        return _read(session, contract, house.settings)


def _read(session: Session, contract: Contract, settings: Settings) -> dict[str, Any]:
    version = queries.version_of(session, contract)
    terms = readable(version.terms_json)
    agreed = {line.anchor: line.sentence for line in plain(terms, settings)} if terms else {}
    return {
        "contract": contract,
        "agreed": [(anchor, LINES[anchor][0], agreed[anchor]) for anchor in LINES if anchor in agreed],
        "others": [(anchor, title) for anchor, (title, _) in LINES.items() if anchor not in agreed],
        "passages": general_passages(blocks(version.text)),
    }


def _wishes(form: Form, passages: list[tuple[str, str, str]]) -> list[Wish]:
    """What was written: a term with a wish or a reason, a passage with other words or a reason."""
    terms = [Wish("term", name, form.text(f"term.{name}"), form.text(f"why.term.{name}")) for name in LINES]
    found = [each for each in terms if each.wish or each.reason]
    for name, _, text in passages:
        asked = Wish("clause", name, form.text(f"clause.{name}", text), form.text(f"why.clause.{name}"))
        if asked.reason or paragraphs(asked.wish) != paragraphs(text):
            found.append(asked)
    return found


def _page(request: Request, context: dict[str, Any], form: Form, status: int = 200) -> Response:
    return page(request, "partner/counter.html", status, form=form, **context)
