"""A lost second factor: two people, a day, and everyone who may stop it; raced and at its limits."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.errors import Refusal
from contracts.keys import KeyRing
from contracts.ledger.tables import LedgerEntry
from contracts.people import lost, totp
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.factor_tables import LostFactor
from contracts.people.lost_states import MEANING, TABLE, Command, State, next_state
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.contracts.people.people import BASE, link_in, mails, person, race, refused

KEYS = KeyRing(b"m" * 32)
HOW = "Called the number that we had before."


class Scene:
    """Ada lost her phone; Lea leads with her, Mara and Jon are stewards, Root is the administrator, Eve leads elsewhere."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ada = person(store, "ada@lab.example", Role.LEAD)
        self.lea = person(store, "lea@lab.example", Role.LEAD)
        self.eve = person(store, "eve@rival.example", Role.LEAD, organisation="org_rival")
        self.mara, self.jon = (person(store, f"{name}@agora.example", Role.STEWARD) for name in ("mara", "jon"))
        self.root = person(store, "root@agora.example", Role.ADMINISTRATOR)
        for who in (self.ada, self.mara):
            self._set_up(who)

    def ask(self, who: Actor | None = None) -> str:
        with self.store.write() as unit:
            return lost.ask(unit, (who or self.ada).account_id, "203.0.113.0/24").id

    def agree(self, actor: Actor, case_id: str, how: str = HOW) -> str:
        with self.store.write() as unit:
            fresh = replace(actor, second_factor_at=unit.now)
            return lost.agree(unit, fresh, case_id, how, BASE).state

    def stop(self, actor: Actor, case_id: str) -> str:
        with self.store.write() as unit:
            return lost.stop(unit, actor, case_id).state

    def has_factor(self, who: Actor) -> bool:
        with self.store.read() as session:
            return people.has_factor(session, who.account_id)

    def state(self, case_id: str) -> str:
        with self.store.read() as session:
            return session.get_one(LostFactor, case_id).state

    def steps(self) -> list[str]:
        with self.store.read() as session:
            rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
        events = [json.loads(row.leaf)["event"] for row in rows]
        return [event.partition(".")[2] for event in events if event.startswith("lost_factor.")]

    def waiting(self, who: Actor | None = None) -> str:
        case_id = self.ask(who)
        self.agree(self.jon, case_id)
        self.agree(self.root, case_id)
        return case_id

    def _set_up(self, who: Actor) -> None:
        seed = totp.new_seed()
        with self.store.write() as unit:
            assert people.add_app(unit, KEYS, who.account_id, seed, totp.code_at(seed, totp.step_at(unit.now)))


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


def test_the_table_is_total_and_a_settled_case_stays_settled() -> None:
    assert TABLE.keys() == MEANING.keys() == set(State)
    assert all(row.keys() == set(Command) for row in TABLE.values())
    assert all(isinstance(next_state(state, command), Refusal) for state in (State.DONE, State.STOPPED) for command in Command)


def test_two_agree_a_day_passes_and_the_factors_go_with_every_session(scene: Scene, clock: FixedClock) -> None:
    with scene.store.write() as unit:
        session = people.open_session(unit, scene.ada.account_id, "", second_factor=True)
    case_id = scene.ask()
    assert scene.ask() == case_id, "one case at a time"
    assert [scene.agree(each, case_id) for each in (scene.mara, scene.jon)] == ["one_agreed", "waiting"]
    clock.advance(hours=23, minutes=59, seconds=59)
    assert (lost.finish_due(scene.store), scene.has_factor(scene.ada)) == (0, True)
    clock.advance(seconds=1)
    assert (lost.finish_due(scene.store), scene.has_factor(scene.ada), lost.finish_due(scene.store)) == (1, False, 0)
    with scene.store.read() as reading:
        assert people.actor_of(reading, session, clock.now(), "") is None
        assert people.factors_of(reading, scene.ada.account_id).codes_left == 0
    assert scene.steps() == ["asked", "agreed", "waiting", "done"]


def test_the_person_and_all_leads_hear_of_it_at_the_start_and_at_the_end(scene: Scene, clock: FixedClock) -> None:
    scene.waiting()
    told = sorted((each["to"], each["subject"]) for each in mails(scene.store) if "second factor" in each["subject"])
    start = "The second factor of Ada will be removed in 24 hours: stop it if that is wrong"
    asked = [(f"{name}@agora.example", "Ada lost the second factor: make sure who asks") for name in ("jon", "mara", "root")]
    assert told == [("ada@lab.example", start), *asked[:1], ("lea@lab.example", start), *asked[1:]]
    clock.advance(hours=24)
    lost.finish_due(scene.store)
    done = [each["to"] for each in mails(scene.store) if each["subject"].endswith("was removed")]
    assert sorted(done) == ["ada@lab.example", "lea@lab.example"]


def test_four_eyes_neither_of_them_the_persons_own(scene: Scene) -> None:
    case_id = scene.ask(scene.mara)
    assert refused(lambda: scene.agree(scene.mara, case_id)) == "second_person_required"
    assert scene.agree(scene.jon, case_id) == "one_agreed"
    assert refused(lambda: scene.agree(scene.jon, case_id)) == "second_person_required"
    assert refused(lambda: scene.agree(scene.mara, case_id)) == "second_person_required"
    for who in (scene.ada, scene.lea, scene.eve):
        assert refused(lambda who=who: scene.agree(who, case_id)) == "role_required"
    for how in ("", "  ", "x" * 501):
        assert refused(lambda how=how: scene.agree(scene.root, case_id, how)) == "reason_required"
    assert scene.agree(scene.root, case_id, "x" * 500) == "waiting"
    told = sorted(each["to"] for each in mails(scene.store) if "will be removed" in each["subject"])
    assert told == ["mara@agora.example", "root@agora.example"]


def test_each_of_the_two_proves_anew_who_they_are(scene: Scene, clock: FixedClock) -> None:
    case_id = scene.ask()
    clock.advance(minutes=11)

    def late() -> None:
        with scene.store.write() as unit:
            lost.agree(unit, scene.jon, case_id, HOW, BASE)

    assert refused(late) == "reauthentication_required"


def test_one_person_who_agrees_many_times_at_once_counts_once(scene: Scene) -> None:
    case_id = scene.ask()
    results = race(lambda _: scene.agree(scene.jon, case_id), racers=6)
    assert sorted(map(str, results)) == ["one_agreed", *["second_person_required"] * 5]


def test_of_two_who_agree_at_once_each_counts_once(scene: Scene) -> None:
    case_id = scene.ask()
    results = race(lambda number: scene.agree((scene.jon, scene.root)[number % 2], case_id), racers=2)
    assert sorted(map(str, results)) == ["one_agreed", "waiting"]


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_lead_or_staff_stops_it_at_any_step(scene: Scene, clock: FixedClock, steps: int) -> None:
    case_id = scene.ask()
    for who in (scene.jon, scene.root)[:steps]:
        scene.agree(who, case_id)
    assert refused(lambda: scene.stop(scene.eve, case_id)) == "not_found"
    assert scene.stop(scene.lea, case_id) == "stopped"
    clock.advance(days=2)
    assert (lost.finish_due(scene.store), scene.has_factor(scene.ada)) == (0, True)
    assert refused(lambda: scene.agree(scene.jon, case_id)) == "command_not_possible"
    assert scene.steps()[-1] == "stopped"


@pytest.mark.parametrize("reader", ["ada@lab.example", "lea@lab.example"])
def test_the_link_of_the_mail_stops_it_once(scene: Scene, clock: FixedClock, reader: str) -> None:
    case_id = scene.waiting()
    letter = next(each for each in reversed(mails(scene.store)) if each["to"] == reader)
    token = link_in(letter, "stop-replacement")

    def stop(_number: int = 0) -> str:
        with scene.store.write() as unit:
            lost.stop_by_link(unit, token)
        return "stopped"

    assert sorted(race(stop, racers=4)) == ["link_unusable"] * 3 + ["stopped"]
    clock.advance(days=2)
    assert (scene.state(case_id), lost.finish_due(scene.store), scene.has_factor(scene.ada)) == ("stopped", 0, True)


def test_stopping_and_finishing_at_once_leaves_one_of_the_two(scene: Scene, clock: FixedClock) -> None:
    case_id = scene.waiting()
    clock.advance(hours=24)
    results = race(lambda number: str(lost.finish_due(scene.store)) if number % 2 else scene.stop(scene.lea, case_id), racers=4)
    stopped = "stopped" in results
    assert (scene.state(case_id), scene.has_factor(scene.ada)) == (("stopped", True) if stopped else ("done", False))
    assert [step for step in scene.steps() if step in ("stopped", "done")] == ["stopped" if stopped else "done"]
