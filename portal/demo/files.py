"""The demo's contracts in force as files: the sealed PDF, the terms as they were hashed, and the same terms as ODRL."""

from __future__ import annotations

from pathlib import Path

import orjson

from contracts.house import House
from contracts.lifecycle.agreement import agreement
from contracts.lifecycle.queries import all_contracts, version_of
from contracts.lifecycle.states import State
from contracts.signing.handler import document_of

FOLDER = "contracts"


def write_contracts(house: House) -> list[dict[str, str]]:
    """Write the files of each contract in force under home; ids and paths, the latter relative to the folder that home lies in."""
    folder = house.settings.home / FOLDER
    folder.mkdir(exist_ok=True, mode=0o700)
    with house.store.read() as session:
        found = []
        for contract in reversed(all_contracts(session, State.ACTIVE)):
            version = version_of(session, contract)
            odrl = orjson.dumps(agreement(session, house.settings, contract, version), option=orjson.OPT_INDENT_2)
            contents = {"pdf": document_of(session, version), "terms": version.terms_json.encode(), "odrl": odrl}
            found.append({"id": contract.id, **{kind: _write(folder, contract.id, kind, content) for kind, content in contents.items()}})
    return found


def _write(folder: Path, contract_id: str, kind: str, content: bytes) -> str:
    file = folder / (f"{contract_id}.pdf" if kind == "pdf" else f"{contract_id}.{kind}.json")
    file.write_bytes(content)
    return file.relative_to(folder.parent.parent).as_posix()
