"""Time-stamps over checkpoints by an authority outside (RFC 3161): asked for and checked, by pyHanko.

What is stamped is the checkpoint with the log's signature, exactly as it was signed. Importing pyHanko takes most of a second, so
nothing imports this module before there is a time-stamp.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import cms, pem, x509
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext

from contracts.errors import refuse
from contracts.signing.authority import Authority

DIGEST = "sha256"


def stamp(url: str, note: str) -> bytes:
    """A time-stamp token (DER) over a signed checkpoint; `fetch_failed` where the authority gives none. Call it in no unit of work."""
    try:
        token = asyncio.run(Authority(url).async_timestamp(hashlib.sha256(note.encode()).digest(), DIGEST))
    except TimestampRequestError as error:
        raise refuse("fetch_failed", f"The authority for time-stamps gave none: {type(error).__name__}.") from error
    return bytes(token.dump())


def checked(token: bytes, note: str, authority: Path | None) -> tuple[datetime, str]:
    """When the authority signed, and its name. ValueError where the token is not over this note or does not lead to the certificate in the file.

    Certificates are looked at as of the moment of the stamp: it stays good when they end.
    """
    if authority is None:
        raise ValueError("no certificate is set that time-stamps lead to")
    try:
        _, _, trusted = pem.unarmor(authority.read_bytes())
        signed = cms.ContentInfo.load(token, strict=True)["content"]
        moment = signed["encap_content_info"]["content"].parsed["gen_time"].native
        certificates = [each.chosen for each in signed["certificates"]]
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(trusted)],
            other_certs=certificates,
            allow_fetching=False,
            moment=moment,
            best_signature_time=moment,
        )
        told = asyncio.run(validate_tst_signed_data(signed, context, lambda name: hashlib.new(name, note.encode()).digest()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SignatureValidationError) as error:
        raise ValueError(f"it cannot be read ({type(error).__name__})") from error
    if not (told["intact"] and told["valid"] and told["trust_problem_indic"] is None):
        raise ValueError("it is over something else, or not by the authority that is set")
    return moment.astimezone(UTC), str(told["signing_cert"].subject.human_friendly)
