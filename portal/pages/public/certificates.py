"""The certificates of the platform's seal, for everyone who checks a contract's PDF."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from contracts.signing.certificates import as_pem, known_certificates
from portal.deps import house_of
from portal.limits import PAGES, limited

router = APIRouter()


@router.get("/licences/certificates.pem")
@limited(PAGES)
def show(request: Request) -> Response:
    """Every certificate that a seal of this platform may carry, the newest first."""
    house = house_of(request)
    with house.store.read() as session:
        pem = as_pem(known_certificates(session, house.settings))
    return Response(pem, media_type="application/x-pem-file", headers={"cache-control": "no-cache"})
