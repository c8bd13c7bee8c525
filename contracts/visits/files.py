"""What lies in a visit's archive beside the entries: contracts as they were sealed, their terms, and the decisions in words."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlmodel import Session

from contracts.clock import rfc3339
from contracts.ledger.exports.formats import plain
from contracts.ledger.projection import read_leaf
from contracts.ledger.queries import leaves
from contracts.ledger.words import line
from contracts.lifecycle.queries import versions_of
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.signing.handler import document_of
from contracts.store.unit import Store
from contracts.visits.slices import contracts_of
from contracts.visits.tables import AuditVisit

GUIDE = Path(__file__).with_name("guide.txt")
_ROUTINE = ("access", "account", "ledger", "sandbox", "token", "visit")
"""Subjects whose entries are no decisions of anybody about a partner; all of them stand in entries.jsonl."""
_CHUNK = 500


def further(store: Store, visit: AuditVisit, places: Sequence[int]) -> Iterator[tuple[str, list[bytes]]]:
    """Further files by name, one contract's at a time."""
    with store.read() as session:
        known = contracts_of(session, visit)
        versions = {contract.id: _sealed(session, contract) for contract, _ in known}
    told = [_told(contract, name, versions[contract.id]) for contract, name in known]
    yield "contracts.json", [json.dumps(told, ensure_ascii=False, indent=1).encode()]
    for contract, _ in known:
        for version in versions[contract.id]:
            base = f"contracts/{contract.id}/version-{version.number}"
            with store.read() as session:
                document = document_of(session, version)
            yield f"{base}.terms.json", [version.terms_json.encode()]
            yield f"{base}.md", [version.text.encode()]
            yield f"{base}.seal.jws", [version.seal.encode()]
            if document:
                yield f"{base}.pdf", [document]
    yield "decisions.csv", [_decisions(store, places)]


def _sealed(session: Session, contract: Contract) -> list[ContractVersion]:
    return [each for each in reversed(versions_of(session, contract)) if each.seal]


def _told(contract: Contract, organisation: str, versions: Sequence[ContractVersion]) -> dict[str, Any]:
    return {
        "id": contract.id,
        "title": contract.title,
        "organisation": organisation,
        "kind": contract.kind,
        "state": contract.state,
        "application": contract.application_id,
        "versions": [
            {
                "number": each.number,
                "sealed_at": rfc3339(each.sealed_at) if each.sealed_at else None,
                "terms_sha256": each.terms_sha256,
                "text_sha256": each.text_sha256,
            }
            for each in versions
        ],
    }


def _decisions(store: Store, places: Sequence[int]) -> bytes:
    """The entries that somebody or some rule decided, in words, oldest first."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("index", "time", "what", "event", "decision", "rule", "organisation", "contract", "subject", "entry"))
    for start in range(0, len(places), _CHUNK):
        with store.read() as session:
            rows = leaves(session, places[start : start + _CHUNK])
        for index, leaf in rows:
            facts = read_leaf(leaf)
            if facts["event"].partition(".")[0] in _ROUTINE:
                continue
            copied = (facts.get(name, "") for name in ("event", "decision", "rule", "organisation", "contract", "subject", "id"))
            writer.writerow([plain(each) for each in (index, facts["at"], line(facts["event"], facts["decision"]), *copied)])
    return out.getvalue().encode()
