"""What comes after a signature, made for the walks: new versions, certificates that are owed, new texts, agreements of before."""

from __future__ import annotations

import secrets

from sqlmodel import select

from contracts.agreements import service as agreements
from contracts.agreements.reading import Line
from contracts.amendments import rounds
from contracts.amendments import service as amendments
from contracts.amendments.tables import Amendment
from contracts.lifecycle import queries
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.tables import Contract
from contracts.terms.model import from_json
from tests.harness.amending import prepared
from tests.journeys.two_partners import Ground

SIGNED = {"name": "Zephyrine Founder", "capacity": "Head of laboratory"}


def amendment(ground: Ground, state: str = "offered", key: str = "lab-founder", **changed: object) -> Amendment:
    """A new version of a contract of its own, offered by a steward and brought to a state."""
    house, contract = ground.house, ground.contract(key, "active")
    wanted = prepared(house.store, contract.id, settings=house.settings, **(changed or {"records_per_day": 7}))
    steward, founder, second = (ground.story.actor(each) for each in ("steward", key, "second-steward"))
    with house.store.write("ground") as unit:
        made = amendments.offer(unit, steward, wanted, house.settings)
    if state != "offered":
        with house.store.write("ground") as unit:
            made = amendments.sign(unit, founder, made.id, made.revision, house.settings, **SIGNED)
    if state == "in_force":
        with house.store.write("ground") as unit:
            made = amendments.countersign(unit, second, house.keys, made.id, made.revision, house.settings, **SIGNED)
    return made


def ended(ground: Ground, *, certified: bool = False) -> Contract:
    """A contract that has ended and owes a certificate of destruction, or has given it."""
    made = amendment(ground, "in_force", certificate_days=30)
    contract, steward, founder = ground.row(Contract, made.contract_id), ground.story.actor("steward"), ground.story.actor("lab-founder")
    with ground.house.store.write("ground") as unit:
        contract = lifecycle.terminate(unit, steward, contract.id, contract.revision, "The project ended early.")
    if certified:
        with ground.house.store.write("ground") as unit:
            contract = lifecycle.closing.certify(unit, founder, contract.id, contract.revision, "Everything was overwritten.", **SIGNED)
    return contract


def new_text(ground: Ground, kind: str = "commercial") -> str:
    """The id of a round of that kind; those before it are stopped."""
    stop_texts(ground)
    steward, house = ground.story.actor("steward"), ground.house
    with house.store.write("ground") as unit:
        day = ground.story.today().replace(year=ground.story.today().year + 1)
        return rounds.open_round(unit, steward, house.settings, kind=kind, reason="The law changed.", accept_by=day).id


def text_signed(ground: Ground) -> str:
    """The id of a round with one new version that the partner signed."""
    made, found = amendment(ground, "signed"), new_text(ground)
    with ground.house.store.write("ground") as unit:
        unit.lock(Amendment, made.id).round_id = found
    return found


def boxes(ground: Ground, round_id: str) -> list[str]:
    """What the boxes of a round's page would send, all ticked."""
    with ground.house.store.read() as session:
        rows = session.exec(select(Amendment).where(Amendment.round_id == round_id)).all()
    return [f"{row.id}:{row.revision}" for row in rows]


def stop_texts(ground: Ground) -> None:
    """Stop every round, so that another can be opened."""
    steward = ground.story.actor("steward")
    with ground.house.store.write("ground") as unit:
        for each in rounds.running(unit.session):
            rounds.stop_round(unit, steward, each.id)


def agreement(ground: Ground, state: str = "staged") -> str:
    """The id of an agreement signed before, on the terms of the lab's active contract, brought to a state."""
    house, steward, second = ground.house, ground.story.actor("steward"), ground.story.actor("second-steward")
    with house.store.read() as session:
        terms = from_json(queries.version_of(session, session.get_one(Contract, ground.lab.contracts["active"])).terms_json)
    name = f"Vintage Institute {secrets.token_hex(4)}"
    contact = f"{secrets.token_hex(4)}@vintage.example"
    line = Line(2, name, "university", "NO", "Vera Vintage", contact, "Old trees", "research", terms, b"%PDF-" + secrets.token_bytes(9), ())
    with house.store.write("ground") as unit:
        made = agreements.stage(unit, [line])[0]
    if state != "staged":
        with house.store.write("ground") as unit:
            agreements.confirm(unit, steward, made.id, 1)
    if state == "brought_in":
        with house.store.write("ground") as unit:
            agreements.bring_in(unit, second, house.keys, made.id, 2, house.settings)
    return made.id


def furnish_further(ground: Ground) -> None:
    """Give both partners a new version to sign, and the platform what it keeps for itself."""
    ground.lab.amendments.append(amendment(ground).id)
    ground.rival.amendments.append(amendment(ground, key="rival-founder").id)
    for things in (ground.lab, ground.rival):
        things.rounds.append(new_text(ground))
        things.agreements.append(agreement(ground))
