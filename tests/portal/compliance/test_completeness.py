"""The page of what each day's reconciliation found."""

from __future__ import annotations

from starlette.testclient import TestClient

from contracts.completeness.service import EVENT
from contracts.house import House
from contracts.ledger.stage import Entry, record
from tests.portal.compliance.conftest import integrate

PATH = "/compliance/completeness"
FACTS = {"day": "2026-10-31", "next": 9, "nodes": {"main": 9}, "entries": 9, "gaps": [], "gaps_in_all": 0, "ledger": {"data": 4, "gate": 0}}


def test_each_day_says_what_it_was_compared_with(house: House, cora: TestClient) -> None:
    assert "three hours after it is over" in cora.get(PATH).text
    proxies = {"proxies": {"data": 4_004}, "source": "nginx", "file_sha256": "0" * 64}
    days = [FACTS, FACTS | {"proxies": {"data": 4}, "source": "nginx"}, FACTS | proxies, FACTS | {"unreadable": "counts cannot be read"}]
    for facts in days:
        with house.store.write() as unit:
            record(unit, Entry(event=EVENT, facts=facts))
    integrate(house)
    shown = cora.get(PATH).text
    assert shown.count("Not compared with proxies") == 1
    assert "The proxies counted 4,004 answers with data, and the ledger has 4." in shown
    assert ("Complete</span>" in shown or "Complete" in shown, "could not be read" in shown) == (True, True)


def test_other_people_are_refused(mara: TestClient) -> None:
    assert mara.get(PATH).status_code == 403
