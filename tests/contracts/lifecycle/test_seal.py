"""The seal: an edit of any stored byte that was agreed stops the grant."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from sqlalchemy import update
from sqlmodel import Session, col, delete, select

from contracts.errors import Refusal, Refused
from contracts.keys import KeyRing, KeyRow, Purpose, newest
from contracts.lifecycle import queries
from contracts.lifecycle.seal import check_seal, seal, signatures_under
from contracts.lifecycle.service import countersign
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.people.tables import Organisation
from contracts.store.unit import Store
from contracts.terms.grant import compile_grant
from contracts.terms.model import terms_hash
from tests.harness.cast import Cast, active, signed

Edit = Callable[[Session, Contract], object]


def _terms(session: Session, _contract: Contract, *, rehash: bool) -> None:
    stored = session.exec(select(ContractVersion.terms_json)).one()
    wider = stored.replace('"records_per_day":200000', '"records_per_day":900000')
    assert wider != stored
    changed = {"terms_json": wider, **({"terms_sha256": terms_hash(wider)} if rehash else {})}
    session.execute(update(ContractVersion).values(**changed))


def _set(**values: object) -> Edit:
    return lambda session, _contract: session.execute(update(ContractVersion).values(**values))


def _rival(session: Session) -> str:
    return session.exec(select(Organisation.id).where(Organisation.name == "Quotient Analytics")).one()


EDITS: dict[str, tuple[Edit, str]] = {
    "terms": (lambda session, contract: _terms(session, contract, rehash=False), "terms_sha256"),
    "terms and their hash": (lambda session, contract: _terms(session, contract, rehash=True), "terms_sha256"),
    "text": (_set(text="Anything goes."), "text_sha256"),
    "pdf": (_set(pdf=b"%PDF"), "pdf_sha256"),
    "no seal": (_set(seal=""), "seal"),
    "no real seal": (_set(seal="a.b.c"), "seal"),
    "unsigned seal": (_set(seal="eyJhbGciOiJub25lIn0.e30."), "seal"),
    "another organisation": (
        lambda session, _: session.execute(update(Contract).values(organisation_id=_rival(session))),
        "organisation",
    ),
    "another signer": (lambda session, _: session.execute(update(Signature).values(name="Someone else")), "signatures"),
    "a signature removed": (lambda session, _: session.execute(delete(Signature).where(col(Signature.side) == "platform")), "signatures"),
    "the key removed": (lambda session, _: session.execute(delete(KeyRow).where(col(KeyRow.purpose) == "seal")), "seal"),
    "the key's purpose": (lambda session, _: session.execute(update(KeyRow).values(purpose="token")), "seal"),
    "the key's bytes": (lambda session, _: session.execute(update(KeyRow).values(wrapped=b"\0" * 60)), "seal"),
}


def test_an_intact_contract_compiles(store: Store, keys: KeyRing) -> None:
    contract = active(store, Cast(store), keys)
    with store.read() as session:
        assert check_seal(keys, session, contract, queries.version_of(session, contract)) is None


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_row_stops_the_grant(sqlite_store: Store, keys: KeyRing, name: str) -> None:
    contract = active(sqlite_store, Cast(sqlite_store), keys)
    edit, differs = EDITS[name]
    with sqlite_store.write() as unit:
        edit(unit.session, contract)
    with sqlite_store.read() as session:
        refusal = compile_grant(keys, session, contract.id)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.facts) == ("seal_broken", {"contract": contract.id, "differs": differs})


def test_a_seal_by_another_master_key_is_none(sqlite_store: Store, keys: KeyRing) -> None:
    contract = active(sqlite_store, Cast(sqlite_store), keys)
    with sqlite_store.read() as session:
        refusal = compile_grant(KeyRing(b"x" * 32), session, contract.id)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "seal_broken"


def test_a_key_of_ones_own_seals_nothing(sqlite_store: Store, keys: KeyRing) -> None:
    contract = active(sqlite_store, Cast(sqlite_store), keys)
    with sqlite_store.write() as unit:
        version = queries.version_of(unit.session, contract)
        payload = base64.urlsafe_b64decode(version.seal.split(".")[1] + "==")
        row = newest(unit.session, Purpose.SEAL)
        assert row is not None
        header = {"alg": "ES256", "typ": "licet-seal+jws", "kid": row.id}
        version.seal = jws.serialize_compact(header, payload, ECKey.generate_key("P-256"), algorithms=["ES256"])
        unit.session.add(version)
    with sqlite_store.read() as session:
        assert isinstance(compile_grant(keys, session, contract.id), Refusal)


def test_the_seal_holds_what_outsiders_need(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    with sqlite_store.read() as session:
        version = queries.version_of(session, contract)
    payload = json.loads(base64.urlsafe_b64decode(version.seal.split(".")[1] + "=="))
    signed_at = {"signed_at": "2026-11-02T09:00:00.000Z", "terms_sha256": version.terms_sha256, "text_sha256": version.text_sha256}
    assert payload == {
        "contract": contract.id,
        "version": 1,
        "organisation": cast.lab,
        "terms_sha256": version.terms_sha256,
        "text_sha256": version.text_sha256,
        "pdf_sha256": version.pdf_sha256,
        "signatures": [
            {
                "side": "partner",
                "account": cast.tove.account_id,
                "name": "Tove Okafor",
                "capacity": "Head of laboratory",
                "authority": "office",
                **signed_at,
            },
            {"side": "platform", "account": cast.jon.account_id, "name": "Jon Steward", "capacity": "Head of data access", **signed_at},
        ],
    }


UNSIGNED: dict[str, tuple[Edit, str]] = {
    "other terms than were signed": (lambda session, contract: _terms(session, contract, rehash=True), "signatures"),
    "another text than was signed": (_set(text="Anything goes.", text_sha256=terms_hash("Anything goes.")), "signatures"),
    "nobody signed for the partner": (lambda session, _: session.execute(delete(Signature)), "signatures"),
    "the platform alone signed": (lambda session, _: session.execute(update(Signature).values(side="platform")), "signatures"),
}


@pytest.mark.parametrize("name", UNSIGNED)
def test_nothing_is_sealed_but_what_the_partner_signed(sqlite_store: Store, keys: KeyRing, name: str) -> None:
    cast = Cast(sqlite_store)
    contract = signed(sqlite_store, cast)
    edit, differs = UNSIGNED[name]
    with sqlite_store.write() as unit:
        edit(unit.session, contract)
    with pytest.raises(Refused) as caught, sqlite_store.write() as unit:
        countersign(unit, cast.jon, keys, contract.id, 3, name="Jon Steward", capacity="Head of data access")
    assert (caught.value.refusal.code, caught.value.refusal.facts) == ("seal_broken", {"differs": differs})


@pytest.mark.parametrize("side", ["partner", "platform"])
def test_a_seal_over_one_signature_is_none(sqlite_store: Store, keys: KeyRing, side: str) -> None:
    contract = active(sqlite_store, Cast(sqlite_store), keys)
    with sqlite_store.write() as unit:
        unit.session.execute(delete(Signature).where(col(Signature.side) == side))
        version = queries.version_of(unit.session, contract)
        version.seal = seal(keys, unit, contract, version, signatures_under(unit.session, contract.id, 1))
        unit.session.add(version)
    with sqlite_store.read() as session:
        refusal = compile_grant(keys, session, contract.id)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.facts) == ("seal_broken", {"contract": contract.id, "differs": "signatures"})
