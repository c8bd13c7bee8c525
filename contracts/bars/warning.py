"""Telling the desk of somebody new who resembles whom it barred: nobody is refused for a name, and nobody comes back unseen."""

from __future__ import annotations

from contracts.bars.standing import resembling
from contracts.bars.tables import Bar
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people.tables import Organisation
from contracts.store.unit import Unit


def warn_alike(unit: Unit, organisation_id: str) -> list[Bar]:
    """Tell stewards, once it can act, of an organisation that resembles a barred one; an entry each."""
    organisation = unit.session.get_one(Organisation, organisation_id)
    found = resembling(unit.session, organisation)
    for bar in found:
        facts = {"organisation": organisation.name, "barred": bar.name}
        for reader in audience.stewards(unit.session):
            send(unit, to=reader.email, template="bar-resembled", facts=facts, path=f"/desk/partners/{organisation.id}")
        record(unit, Entry(event="bar.resembled", subject=bar.id, organisation=organisation.id))
    return found
