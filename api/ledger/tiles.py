"""C2SP tlog-tiles over HTTP: the checkpoint for seconds, tiles for ever. Bundles of entries are not public here."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import contracts.ledger
from contracts.anchors.closing import closed
from contracts.anchors.published import published
from contracts.errors import refuse
from contracts.house import House
from contracts.ledger.consistency import consistency
from contracts.ledger.tables import LedgerTile
from contracts.ledger.tiles import parse_tile_path, width_at
from contracts.ledger.tree import HASH
from contracts.retention.policy import policy_of
from contracts.retention.told import told

routes = APIRouter(prefix="/ledger", tags=["ledger"])
SHORT = "public, max-age=2"
CHECKER = Path(contracts.ledger.__file__).with_name("verify_licet.py").read_bytes()
FOR_EVER = "public, max-age=31536000, immutable"
NO_TILE = "There is no such tile. Ask for tiles of a size that a checkpoint has signed."


@routes.get("/checkpoint", response_class=Response)
def checkpoint(request: Request) -> Response:
    """The newest signed checkpoint with the cosignatures of witnesses (C2SP tlog-checkpoint, tlog-cosignature); 404 before the first entry is in the tree."""
    house: House = request.app.state.house
    with house.store.read() as session:
        newest = published(session)
    if newest is None:
        raise refuse("not_found", "The ledger has no checkpoint yet; it has one within a second of its first entry.")
    return Response(newest.note, media_type="text/plain; charset=utf-8", headers={"cache-control": SHORT})


@routes.get("/consistency/{old}", response_class=Response)
def consistent(request: Request, old: str) -> Response:
    """The proof that the newest checkpoint contains the one of `old` entries that somebody kept, with that newest checkpoint."""
    house: House = request.app.state.house
    with house.store.read() as session:
        text = consistency(session, int(old) if old.isascii() and old.isdigit() and len(old) < 19 else -1)
    return Response(text, media_type="text/plain; charset=utf-8", headers={"cache-control": SHORT})


@routes.get("/verify_licet.py", response_class=Response)
def checker(_request: Request) -> Response:
    """One file that checks checkpoints, proofs and exports with plain Python and the ledger's public key, without this server."""
    return Response(CHECKER, media_type="text/x-python; charset=utf-8", headers={"cache-control": "public, max-age=3600"})


@routes.get("/retention")
def retention(request: Request) -> JSONResponse:
    """The published policy of retention: periods, how far entries are pruned (C2SP tlog-tiles, "Pruning"), the next run and those that were."""
    house: House = request.app.state.house
    with house.store.read() as session:
        found = told(session, policy_of(house.settings.retention)).json()
    return JSONResponse(found, headers={"cache-control": SHORT})


@routes.get("/tile/{level}/{place:path}", response_class=Response)
def tile(request: Request, level: str, place: str) -> Response:
    """Hashes of one tile, or of its first W with `.p/W`.

    `entries` is refused: leaves name partners and what they read, so only compliance sees them. Each partner gets its own
    entries with their proofs.
    """
    house: House = request.app.state.house
    with house.store.read() as session:
        return _tile(session, level, place)


@routes.get("/logs/{number}/checkpoint", response_class=Response)
def closing_checkpoint(request: Request, number: str) -> Response:
    """The last checkpoint of a closed log, with the cosignatures of witnesses; nothing that its key signed later counts."""
    house: House = request.app.state.house
    with house.store.read() as session:
        return Response(closed(session, _number(number)).closing, media_type="text/plain; charset=utf-8", headers={"cache-control": SHORT})


@routes.get("/logs/{number}/tile/{level}/{place:path}", response_class=Response)
def closed_tile(request: Request, number: str, level: str, place: str) -> Response:
    """Hashes of one tile of a closed log, up to its last checkpoint; the log after it has the same tree."""
    house: House = request.app.state.house
    with house.store.read() as session:
        return _tile(session, level, place, closed(session, _number(number)).size)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _tile(session: Session, level: str, place: str, size: int | None = None) -> Response:
    ref = parse_tile_path(level, place)
    if ref is None:
        raise refuse("not_found", NO_TILE)
    if ref.level is None:
        raise refuse("role_required", "Entries are for compliance staff; a partner finds its own with their proofs under /v1/access-log.")
    row = None
    if size is None or width_at(ref.level, ref.index, size) >= ref.width:
        row = session.get(LedgerTile, (ref.level, ref.index)) if ref.index < 2**63 else None
    if row is None or len(row.hashes) < ref.width * HASH:
        raise refuse("not_found", NO_TILE)
    return Response(row.hashes[: ref.width * HASH], media_type="application/octet-stream", headers={"cache-control": FOR_EVER})
