"""Timelines: runs of the same thing are one line, and deeds are not pushed out by requests."""

from __future__ import annotations

from contracts.house import House
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from portal.timelines import RECENT, story


def test_requests_fold_and_deeds_stay(house: House) -> None:
    _stage(house, Entry(event="contract.activated", organisation="org_a", contract="ctr_a", subject="ctr_a"))
    for _ in range(RECENT + 5):
        _stage(house, Entry(event="access.records", decision="allow", organisation="org_a", contract="ctr_a", rows=10))
    sequencer = Sequencer(house.store, house.keys, "agora.example/ledger")
    while sequencer.integrate():
        pass
    _stage(house, Entry(event="client.revoked", organisation="org_a", contract="ctr_a", subject="cli_a"))
    with house.store.read() as session:
        lines = [(each.text, each.times, each.rows, each.index is None) for each in story(session, "ctr_a")]
    assert lines == [
        ("Credential revoked", 1, None, True),
        ("Records delivered", RECENT - 1, (RECENT - 1) * 10, False),
        ("Countersigned and sealed; in force", 1, None, False),
    ]


def _stage(house: House, entry: Entry) -> None:
    with house.store.write() as unit:
        record(unit, entry)
