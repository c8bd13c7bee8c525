"""A small house with a sequencer, a loaded dataset, and people of compliance and of other roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.datasets.load import refresh
from contracts.house import House
from contracts.ledger.sequencer import Sequencer
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.portal.house import add_person, settings, sign_in, small_house

FEEDS: dict[str, Any] = {
    "feeds": {
        "title": "Feeds",
        "key": "id",
        "subject": "owner",
        "found_by": ["handle"],
        "profile": "/people/{handle}",
        "fields": {
            "id": {"type": "string", "class": "key"},
            "owner": {"type": "string", "class": "subject"},
            "handle": {"type": "string", "class": "personal"},
            "lang": {"type": "string"},
        },
    }
}


@pytest.fixture
def house(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> House:
    source = tmp_path / "feeds.csv"
    source.write_text("id,owner,handle,lang\nf-1,p-1,kim,en\nf-2,p-1,kim_old,de\nf-3,p-2,kim_old,sv\n", encoding="utf-8")
    datasets = {"feeds": FEEDS["feeds"] | {"location": str(source)}}
    chosen = settings(datasets=datasets, home=str(tmp_path / "home"))
    refresh(sqlite_store, chosen, "feeds")
    made = small_house(sqlite_store, clock, chosen)
    object.__setattr__(made, "sequencer", Sequencer(sqlite_store, made.keys, chosen.ledger_origin))
    add_person(made, "cora@agora.example", "Cora Compliance", Role.COMPLIANCE, organisation="org_agora", side="platform")
    add_person(made, "mara@agora.example", "Mara Steward", Role.STEWARD, organisation="org_agora", side="platform")
    add_person(made, "tove@lab.example", "Tove Okafor", Role.LEAD, organisation="org_lab")
    add_person(made, "eve@rival.example", "Eve Rival", Role.LEAD, organisation="org_rival")
    return made


@pytest.fixture
def cora(house: House) -> TestClient:
    """Compliance, signed in."""
    return sign_in(house, "cora@agora.example")


@pytest.fixture
def mara(house: House) -> TestClient:
    """A steward, signed in."""
    return sign_in(house, "mara@agora.example")


def integrate(house: House) -> None:
    """Until every entry is in the tree and search knows it."""
    while house.sequencer.integrate():
        pass
