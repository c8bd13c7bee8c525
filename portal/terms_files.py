"""A contract's terms as files for machines, the same for both sides: canonical JSON, byte for byte as it was hashed, and ODRL."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from contracts.lifecycle import queries
from contracts.lifecycle.agreement import agreement
from contracts.people.actor import Actor
from portal.deps import house_of


def terms_file(request: Request, actor: Actor, contract_id: str) -> Response:
    """The terms of the version in force or under signature; their SHA-256 is the one that the contract names."""
    with house_of(request).store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        version = queries.version_of(session, contract)
    return _file(version.terms_json.encode(), "application/json", f"{contract_id}-version-{version.number}-terms.json")


def odrl_file(request: Request, actor: Actor, contract_id: str) -> Response:
    """The same terms as an ODRL 2.2 agreement."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        version = queries.version_of(session, contract)
        document = agreement(session, house.settings, contract, version)
    content = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    return _file(content, "application/ld+json", f"{contract_id}-version-{version.number}-odrl.json")


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)
