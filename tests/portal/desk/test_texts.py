"""New texts for many contracts on the desk: whom they are for, and countersigning several at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from contracts.amendments import rounds, service
from contracts.amendments.tables import Amendment
from contracts.clock import FixedClock
from contracts.house import House
from contracts.signing.templates import TEMPLATE_OF
from tests.portal.desk.test_pages import FIRST, LEAD, OFFICER, SECOND, STEWARDS, add_all, words
from tests.portal.house import inputs_of, post, sign_in
from tests.portal.scene import actor, contract

SIGNED = {"name": "Jon Petrov", "capacity": "Director of Data Governance"}


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    add_all(house)


@pytest.fixture
def text(house: House, clock: FixedClock) -> str:
    """The page of a new text that was offered for two contracts and signed for both."""
    for _ in range(2):
        contract(house, "active", lead=LEAD, stewards=STEWARDS)
    clock.advance(seconds=1)
    first, lead, settings = actor(house, FIRST), actor(house, LEAD), house.settings
    with house.store.write() as unit:
        by = clock.now().date() + timedelta(days=30)
        found = rounds.open_round(unit, first, settings, kind="research", reason="The law changed.", accept_by=by)
    rounds.advance(house.store, settings)
    with house.store.write() as unit:
        for row in unit.session.exec(select(Amendment)).all():
            service.sign(unit, lead, row.id, row.revision, settings, name="Ada Okafor", capacity="Head of laboratory")
    return f"/desk/texts/{found.id}"


def boxes(house: House) -> list[str]:
    with house.store.read() as session:
        return [f"{row.id}:{row.revision}" for row in session.exec(select(Amendment).order_by(Amendment.id)).all()]


def states(house: House) -> list[str]:
    with house.store.read() as session:
        return [row.state for row in session.exec(select(Amendment).order_by(Amendment.id)).all()]


def test_a_text_is_offered_for_every_kind_that_has_a_template(house: House, clock: FixedClock) -> None:
    page = sign_in(house, FIRST).get("/desk/texts").text
    assert [kind for kind in TEMPLATE_OF if f'<option value="{kind}"' not in page] == []
    by = (clock.now().date() + timedelta(days=30)).isoformat()
    sent = [
        post(sign_in(house, FIRST), "/desk/texts", kind=kind, reason="The law changed.", accept_by=by).status_code for kind in TEMPLATE_OF
    ]
    assert sent == [303] * len(TEMPLATE_OF)


def test_several_are_countersigned_with_one_proof_by_a_second_person(house: House, text: str) -> None:
    chosen = boxes(house)
    mine, second = sign_in(house, FIRST), sign_in(house, SECOND)
    offered = mine.get(text).text
    assert offered.count('name="chosen"') == offered.count(" disabled>") == 2 and "You offered this version" in offered
    assert "Countersign several" not in sign_in(house, OFFICER).get(text).text
    refused = post(mine, f"{text}/countersign", page=text, chosen=chosen, **SIGNED)
    assert refused.status_code == 422 and "Some were not countersigned" in refused.text
    nothing = post(second, f"{text}/countersign", page=text, **SIGNED)
    odd = post(second, f"{text}/countersign", page=text, chosen=["amd_1:x"], **SIGNED)
    assert [(each.status_code, 'href="#f-chosen"' in each.text) for each in (nothing, odd)] == [(422, True)] * 2
    assert states(house) == ["signed", "signed"]
    assert inputs_of(second.get(text).text)["chosen"] == []
    done = post(second, f"{text}/countersign", page=text, chosen=chosen, **SIGNED)
    assert (done.headers["location"], states(house)) == (f"{text}?done=texts-countersigned", ["in_force", "in_force"])
    assert "Countersign several" not in words(second.get(text).text)
