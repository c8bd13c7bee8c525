"""A contract that was edited in the database, past every service, gives no data: neither wider terms, nor another's seal, nor a state that
the ledger does not tell. Each edit opens an incident, and when it is undone the data flows again. By a real `licet serve` on both stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, update

from contracts.lifecycle import service
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from portal.demo.story import MadeClient
from tests.harness import partner
from tests.harness.felt import within
from tests.harness.partner import Reply
from tests.journeys.served import STORES, WHY, Place, served


@pytest.fixture(scope="module", params=STORES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(request, tmp_path_factory.mktemp("tampering"), {"edited": {}}) as made:
        yield made


_VERSION = "UPDATE contract_version SET {} WHERE contract_id = :id"
EDITS: dict[str, str] = {
    "terms": _VERSION.format("terms_json = replace(terms_json, 'records_per_day', 'records_per_week')"),
    "fields of the terms": _VERSION.format("terms_json = replace(terms_json, '\"height\"', '\"note\"')"),
    "the hash of the terms": _VERSION.format("terms_sha256 = text_sha256"),
    "the text": _VERSION.format("text = text || 'All else is allowed.'"),
    "the number of the version": _VERSION.format("number = 2"),
    "the version in force": "UPDATE contract SET version = 2 WHERE id = :id",
    "the seal": _VERSION.format("seal = ''"),
    "a seal of another contract": _VERSION.format("seal = (SELECT seal FROM contract_version WHERE contract_id = :other)"),
    "terms, hash and seal of another contract": _VERSION.format(
        "terms_json = (SELECT terms_json FROM contract_version WHERE contract_id = :other),"
        " terms_sha256 = (SELECT terms_sha256 FROM contract_version WHERE contract_id = :other),"
        " seal = (SELECT seal FROM contract_version WHERE contract_id = :other)"
    ),
    "the organisation": "UPDATE contract SET organisation_id = (SELECT id FROM organisation WHERE side = 'platform') WHERE id = :id",
    "a signature": "UPDATE signature SET name = 'Somebody Else' WHERE contract_id = :id",
    "the state, closing it": "UPDATE contract SET state = 'suspended' WHERE id = :id",
    "the state, to a word that is none": "UPDATE contract SET state = 'open' WHERE id = :id",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_in_the_database_stops_the_data_and_opens_an_incident(place: Place, edit: str) -> None:
    licence, other = place.made.others["edited"], place.made.contract.id
    token = _token(place, licence.client)
    # Of several processes each looks for itself, so one may still refuse for the edit before.
    assert place.soon(lambda: (place.get(token).status, place.incidents()) == (200, []))
    with _undone(place, licence.contract.id):
        place.execute(EDITS[edit], id=licence.contract.id, **({"other": other} if ":other" in EDITS[edit] else {}))
        answers, opened = list[Reply](), set[tuple[str, str]]()

        def is_found() -> bool:
            answers.append(place.get(token))
            opened.update(place.incidents())
            return answers[-1].status != 200 and bool(opened)

        assert within(2, is_found), "an edit moves no epoch; it is found by the look of each second"
        place.refused(answers[-1], 503, "seal_broken", licence)
        assert opened == {("seal_broken", licence.contract.id)}
        assert place.soon(lambda: partner.token(place.base_url, licence.client).status == 503)
        assert place.get(place.token(place.made.client)).status == 200, "other contracts go on"
    assert within(2, lambda: place.get(token).status == 200)


def test_a_suspension_that_is_edited_away_is_still_one(place: Place) -> None:
    licence = place.made.others["edited"]
    token = _token(place, licence.client)
    assert place.soon(lambda: (place.get(token).status, place.incidents()) == (200, []))
    with _undone(place, licence.contract.id):
        with place.store.write() as unit:
            service.suspend(unit, place.staff("steward"), licence.contract.id, place.contract(licence).revision, WHY)
        assert place.soon(lambda: place.get(token).status == 403)
        place.refused(place.get(token), 403, "contract_not_active", licence)
        place.execute(
            "UPDATE contract SET state = 'active', suspended_at = NULL, suspended_by = NULL, suspension_reason = '' WHERE id = :id",
            id=licence.contract.id,
        )
        assert within(2, lambda: place.get(token).json.get("code") == "seal_broken")
        assert place.incidents() == [("seal_broken", licence.contract.id)]


def _token(place: Place, client: MadeClient) -> str:
    """A token, as soon as nobody refuses one for the edit before."""
    answers = list[Reply]()

    def is_issued() -> bool:
        answers.append(partner.token(place.base_url, client))
        return answers[-1].status == 200

    assert place.soon(is_issued), answers[-1].body
    return str(answers[-1].json["access_token"])


@contextmanager
def _undone(place: Place, contract_id: str) -> Iterator[None]:
    """Put the rows of a contract back as they were, whatever was edited within the block."""
    owners = {each.__table__: key for each, key in ((Contract, "id"), (ContractVersion, "contract_id"), (Signature, "contract_id"))}
    with place.store.engine.connect() as connection:
        kept = {table: connection.execute(select(table).where(table.c[key] == contract_id)).all() for table, key in owners.items()}
    try:
        yield
    finally:
        with place.store.write() as unit:
            for table, rows in kept.items():
                for row in rows:
                    unit.connection.execute(update(table).where(table.c.id == row.id).values(**row._mapping))
