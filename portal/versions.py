"""What the pages of a new version show to both sides: the two versions beside each other, what differs, signatures, the round's day."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments import queries
from contracts.amendments.tables import Amendment, TextRound
from contracts.house import House
from contracts.lifecycle.seal import signatures_under
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor
from contracts.signing.compare import compared, folded, term_changes
from contracts.signing.handler import document_of
from contracts.signing.text import blocks
from contracts.terms.model import readable
from portal.deps import house_of

KINDS = {"change": "Amendment", "renewal": "Renewal", "text": "New text"}


def context_of(house: House, session: Session, contract: Contract, amendment: Amendment) -> dict[str, Any]:
    """The rows and what differs between the version that was in force and the new one."""
    new = queries.version_brought(session, amendment)
    where = (col(ContractVersion.contract_id) == contract.id) & (col(ContractVersion.number) == amendment.replaces)
    old = session.exec(select(ContractVersion).where(where)).one()
    before, after = readable(old.terms_json), readable(new.terms_json)
    found = session.get(TextRound, amendment.round_id) if amendment.round_id else None
    return {
        "contract": contract,
        "amendment": amendment,
        "kind": KINDS[amendment.kind],
        "version": new,
        "terms": after,
        "changed_terms": term_changes(before, after, house.settings) if before and after else [],
        "changed_text": folded(compared(blocks(old.text), blocks(new.text))),
        "blocks": blocks(new.text),
        "signatures": signatures_under(session, contract.id, new.number),
        "accept_by": found.accept_by if found is not None else None,
    }


def pdf_response(request: Request, actor: Actor, amendment_id: str) -> Response:
    """The new version's PDF under the contract's id, to be kept."""
    with house_of(request).store.read() as session:
        contract, amendment = queries.get_for(session, actor, amendment_id)
        content = document_of(session, queries.version_brought(session, amendment))
    name = f"{contract.id}-version-{amendment.number}.pdf"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)
