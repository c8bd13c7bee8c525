"""A partner's own ledger entries: the list of a contract's, and one entry with its leaf and proof."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from contracts.errors import refuse
from contracts.ledger.proofs import Pending, proof_of
from contracts.ledger.queries import EntryView, Search, entry, search, unlisted
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.people.queries import members
from contracts.sandbox.marks import is_sandbox
from portal.chain import chain
from portal.deps import house_of, page, partner

router = APIRouter()

Partner = Annotated[Actor, Depends(partner)]
DECISIONS = ("", "allow", "refuse", "done")


@router.get("/partner/contracts/{contract_id}/entries")
def of_contract(request: Request, actor: Partner, contract_id: str, decision: str = "", before: str = "") -> Response:
    """The contract's entries, newest first, by decision; `before` is the number of an entry, older ones follow."""
    if decision not in DECISIONS or not (before == "" or (before.isascii() and before.isdigit() and len(before) < 19)):
        raise refuse("bad_request", "The address names a filter or place that this list does not have.")
    with house_of(request).store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        wanted = Search(contract=contract_id, decision=decision, cursor=int(before) if before else None)
        found = search(session, wanted)
        waiting = sum(1 for each in unlisted(session) if each.columns.contract_id == contract_id)
        links = chain(session, contract=contract, staff=False)
    return page(request, "partner/entries.html", contract=contract, found=found, decision=decision, waiting=waiting, links=links)


@router.get("/partner/entries/{entry_id}")
def one(request: Request, actor: Partner, entry_id: str) -> Response:
    """One entry of the own organisation: its line, the exact leaf, what stands behind its commitments, and its proof."""
    house = house_of(request)
    with house.store.read() as session:
        view = _own(session, actor, entry_id)
        proof = proof_of(session, entry_id)
        named = view.row.contract_id
        contract = queries.get_for(session, actor, named) if named and not is_sandbox(named) else None
        links = chain(session, contract=contract, staff=False) if contract else []
        values = _values(session, actor, view)
    return page(
        request,
        "partner/entry.html",
        view=view,
        values=values,
        leaf=json.dumps(view.facts, indent=2, ensure_ascii=False),
        pending=proof.ready_at if isinstance(proof, Pending) else None,
        proof=None if isinstance(proof, Pending) else proof,
        contract=contract,
        links=links,
        base_url=house.settings.base_url,
    )


@router.get("/partner/entries/{entry_id}/proof")
def proof_file(request: Request, actor: Partner, entry_id: str) -> Response:
    """The proof as a `.tlog-proof` file that anyone checks with the ledger's public key alone."""
    with house_of(request).store.read() as session:
        _own(session, actor, entry_id)
        proof = proof_of(session, entry_id)
    if isinstance(proof, Pending):
        raise refuse("command_not_possible", "The entry is being integrated; ask again in a second.")
    headers = {"content-disposition": f'attachment; filename="{entry_id}.tlog-proof"', "cache-control": "no-store"}
    return PlainTextResponse(proof.text(), headers=headers)


def _own(session: Session, actor: Actor, entry_id: str) -> EntryView:
    view = entry(session, entry_id)
    if not actor.organisation_id or view.row.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such entry.")
    return view


def _values(session: Session, actor: Actor, view: EntryView) -> list[Any] | None:
    """The values behind the commitments where a person of this organisation acted; None where they are of the platform's staff."""
    account = next((each.value for each in view.values if each.name == "account"), None)
    if account is None or account in {each.account_id for each in members(session, actor.organisation_id)}:
        return list(view.values)
    return None
