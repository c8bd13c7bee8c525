"""One ledger entry: what happened, the exact leaf, its personal values, and its proof with the way to check it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.house import House
from contracts.ledger import queries
from contracts.ledger.note import BadNote, parse_vkey
from contracts.ledger.proofs import Checked, Pending, Proof, check_proof, proof_of
from contracts.ledger.queries import EntryView
from contracts.ledger.service import note_view
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import STAFF, Role
from contracts.people.tables import Organisation
from portal.chain import chain
from portal.deps import go, house_of, page, requires

routes = APIRouter(prefix="/compliance/entries")
Staff = Annotated[Actor, Depends(requires(*STAFF))]


@routes.get("/{entry_id}")
def entry(request: Request, actor: Staff, entry_id: str) -> Response:
    """The entry whole. Opening it is an entry of its own; personal values are shown to compliance only."""
    house = house_of(request)
    with house.store.read() as session:
        view = queries.entry(session, entry_id)
        proof = proof_of(session, entry_id)
        seen = queries.about(session, entry_id, limit=10)
        contract = session.get(Contract, view.row.contract_id) if view.row.contract_id else None
        organisation = session.get(Organisation, view.row.organisation_id) if view.row.organisation_id else None
        links = chain(session, contract=contract, staff=True) if contract is not None else []
        key = house.sequencer.verifier_key(session) if isinstance(proof, Proof) else ""
    with house.store.write("ledger view") as unit:
        note_view(unit, actor, entry_id)
    return page(
        request,
        "compliance/entry.html",
        view=view,
        row=view.row,
        proof=proof if isinstance(proof, Proof) else None,
        checked=_check(proof, key),
        vkey=key,
        seen=seen,
        links=links,
        contract=contract,
        organisation=organisation,
        told=told(view),
        sees_values=Role.COMPLIANCE in actor.roles,
        sees_contracts=bool(actor.roles & {Role.COMPLIANCE, Role.STEWARD}),
        commands=_commands(house, entry_id, key),
    )


@routes.get("/{entry_id}/proof")
def proof_file(request: Request, actor: Staff, entry_id: str) -> Response:
    """The proof as a `.tlog-proof` file; while the entry waits for the tree, its page, which says when the proof is ready."""
    house = house_of(request)
    with house.store.read() as session:
        proof = proof_of(session, entry_id)
    if isinstance(proof, Pending):
        return go(f"/compliance/entries/{entry_id}")
    with house.store.write("ledger view") as unit:
        note_view(unit, actor, entry_id)
    headers = {"content-disposition": f'attachment; filename="{entry_id}.tlog-proof"', "cache-control": "no-store"}
    return Response(proof.text(), media_type="text/plain; charset=utf-8", headers=headers)


def _check(proof: Proof | Pending, key: str) -> Checked | str | None:
    """The proof as an outsider checks it, so that the page never says what the file does not; a sentence where it does not hold."""
    if isinstance(proof, Pending):
        return None
    try:
        return check_proof(proof.text(), parse_vkey(key))
    except BadNote as error:
        return str(error)


# What the facts table shows, in this order; the rest of the leaf stands below it as it is.
_SHOWN = (
    ("purpose", "Purpose"),
    ("dataset", "Dataset"),
    ("dataset_version", "Dataset version"),
    ("fields", "Fields"),
    ("filter_shape", "Filtered by"),
    ("rows", "Records"),
    ("bytes", "Bytes"),
    ("quota_before", "Day’s quota used before"),
    ("quota_after", "Day’s quota used after"),
    ("records_hash", "Hash of the records"),
    ("contract_version", "Contract version"),
    ("contract_hash", "Hash of its terms"),
    ("node", "Node"),
    ("n", "Number at that node"),
)


def told(view: EntryView) -> list[tuple[str, Any]]:
    """What an entry says, as titles and values in the order of the page."""
    facts = view.facts
    shown = [(title, facts[name]) for name, title in _SHOWN if name in facts]
    own = facts.get("facts")
    return shown + [(name.replace("_", " ").capitalize(), value) for name, value in (own.items() if isinstance(own, dict) else ())]


def _commands(house: House, entry_id: str, key: str) -> dict[str, str]:
    base = house.settings.base_url.rstrip("/")
    return {"script": f"curl -sO {base}/ledger/verify_licet.py", "check": f"python3 verify_licet.py proof {entry_id}.tlog-proof '{key}'"}
