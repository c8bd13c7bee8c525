"""The platform's seal over a signed contract: a compact JWS (RFC 7515, ES256) that an edit of any row breaks.

The seal key is wrapped by the master key from outside the database, so whoever can edit rows still cannot seal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from contracts.clock import rfc3339
from contracts.errors import Misconfigured, Refusal
from contracts.keys import KeyRing, KeyRow, Purpose
from contracts.ledger.stage import canonical
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.store.unit import Unit

_TYPE = "licet-seal+jws"
# Who stands under a version: its two sides, or two of staff who confirmed what was signed before Licet. The seal says which.
SIDES = (("partner", "platform"), ("confirmed", "confirmed_again"))


def seal(keys: KeyRing, unit: Unit, contract: Contract, version: ContractVersion, signatures: Sequence[Signature]) -> str:
    """The seal over contract, version, hashes, organisation and signatures, by the newest seal key (made where there is none)."""
    row = keys.ensure(unit, Purpose.SEAL)
    header = {"alg": "ES256", "typ": _TYPE, "kid": row.id}
    payload = canonical(_payload(contract, version, signatures))
    return jws.serialize_compact(header, payload, ECKey.import_key(keys.open(row)), algorithms=["ES256"])


def check_seal(keys: KeyRing, session: Session, contract: Contract, version: ContractVersion) -> Refusal | None:
    """`seal_broken` unless the stored rows are, hash for hash, what was sealed.

    Recomputes the hashes of the stored terms, text and PDF, and compares them, the organisation and both signatures with the
    sealed payload. Both sides must have signed exactly this text and these terms. A seal that is missing, malformed, by another key or by a key that does not open is broken too.
    """
    if wrong := changed_hash(version):
        return _broken(contract, wrong)
    sealed = _opened(keys, session, version.seal)
    if sealed is None:
        return _broken(contract, "seal")
    signatures = signatures_under(session, contract.id, version.number)
    now = _payload(contract, version, signatures)
    differing = [name for name in now if sealed.get(name) != now[name]]
    if differing or sealed.keys() != now.keys():
        return _broken(contract, differing[0] if differing else "seal")
    return None if any(all_signed(version, signatures, *sides) for sides in SIDES) else _broken(contract, "signatures")


# Built once, because every look at a seal asks for them.
_UNDER = (
    select(Signature)
    .where(col(Signature.contract_id) == bindparam("contract"), col(Signature.version) == bindparam("number"))
    .order_by(col(Signature.signed_at), col(Signature.id))
)


def signatures_under(session: Session, contract_id: str, number: int) -> list[Signature]:
    """The signatures under one version, the partner's first."""
    return list(session.exec(_UNDER, params={"contract": contract_id, "number": number}).all())


def all_signed(version: ContractVersion, signatures: Sequence[Signature], *sides: str) -> bool:
    """Whether the signatures are those of these sides, each over the version's text and terms as they are stored now."""
    over = (version.text_sha256, version.terms_sha256)
    fitting = [each.side for each in signatures if (each.text_sha256, each.terms_sha256) == over]
    return sorted(fitting) == sorted(sides) and len(fitting) == len(signatures)


def _payload(contract: Contract, version: ContractVersion, signatures: Sequence[Signature]) -> dict[str, Any]:
    return {
        "contract": contract.id,
        "version": version.number,
        "organisation": contract.organisation_id,
        "terms_sha256": version.terms_sha256,
        "text_sha256": version.text_sha256,
        "pdf_sha256": version.pdf_sha256,
        "signatures": [_signature(each) for each in sorted(signatures, key=lambda each: each.side)],
    }


def _signature(each: Signature) -> dict[str, str]:
    return {
        "side": each.side,
        "account": each.account_id,
        "name": each.name,
        "capacity": each.capacity,
        "text_sha256": each.text_sha256,
        "terms_sha256": each.terms_sha256,
        "signed_at": rfc3339(each.signed_at),
        # Where one person countersigned alone, the seal says so; it has no place in seals from before.
        **({"four_eyes": "off"} if each.evidence.get("four_eyes") == "off" else {}),
        **_way(each),
    }


def _way(each: Signature) -> dict[str, str]:
    """How it was signed, where there is more to say: what was sealed before there were other ways keeps its seal."""
    method = "" if each.method == "account" else each.method
    said = {"method": method, "authority": each.authority, "file_sha256": each.file_sha256}
    return {name: value for name, value in said.items() if value}


def changed_hash(version: ContractVersion) -> str:
    """The name of the first stored hash that is not that of its content; empty where all are."""
    stored = {
        "terms_sha256": (version.terms_json.encode(), version.terms_sha256),
        "text_sha256": (version.text.encode(), version.text_sha256),
        "pdf_sha256": (version.pdf, version.pdf_sha256),
    }
    for name, (content, known) in stored.items():
        if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), known):
            return name
    return ""


def _opened(keys: KeyRing, session: Session, token: str) -> dict[str, Any] | None:
    try:
        row = session.get(KeyRow, str(jws.extract_compact(token.encode()).headers().get("kid")))
        if row is None or row.purpose != Purpose.SEAL or row.owner != "":
            return None
        opened = jws.deserialize_compact(token, ECKey.import_key(keys.open(row)), algorithms=["ES256"])
        payload = json.loads(opened.payload)
    except (JoseError, Misconfigured, ValueError):
        return None
    return payload if opened.headers().get("typ") == _TYPE and isinstance(payload, dict) else None


def _broken(contract: Contract, what: str) -> Refusal:
    reason = "The stored contract is not the one that was sealed. Access stays closed; the platform's compliance officer settles it."
    return Refusal("seal_broken", reason, {"contract": contract.id, "differs": what})
