"""A version goes to the partner in the words that the steward read beside the form, not in those of a template replaced meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts.amendments.queries import of_contract
from contracts.clock import FixedClock
from contracts.house import House
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.store.unit import Store
from contracts.terms.model import from_json
from portal.pages.desk import terms_form
from tests.portal.house import add_person, post, settings, sign_in, small_house
from tests.portal.scene import contract

LEAD, FIRST, SECOND = "ada@northfield.example", "mara@agora.example", "jon@agora.example"
LAW = 'title = "Law"\nbinds = "general"\ntext = "Only the platform is ever right."\n'
CHANGED = "The template of the text was changed since you opened this page. Read the text again; nothing was sent yet."


@pytest.fixture
def house(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> House:
    made = small_house(sqlite_store, clock, settings(home=tmp_path))
    add_person(made, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    for email, name in ((FIRST, "Mara Lindqvist"), (SECOND, "Jon Petrov")):
        add_person(made, email, name, Role.STEWARD, organisation="org_agora", side="platform")
    (tmp_path / "clauses").mkdir()
    return made


def carried(text: str) -> dict[str, str]:
    """The hidden values of the form, as the page shows them."""
    return {name: re.findall(rf'name="{name}" value="([^"]*)"', text)[-1] for name in ("revision", "text_read")}


def sent(house: House, contract_id: str) -> tuple[int, list[str]]:
    """The number of the version under signature, and the words of new versions that wait."""
    with house.store.read() as session:
        return session.get_one(Contract, contract_id).version, [each.reason for each in of_contract(session, contract_id)]


@pytest.mark.parametrize(("state", "page", "after"), [("offered", "revise", (2, [])), ("active", "amend", (1, ["Fewer are enough."]))])
def test_a_template_replaced_behind_the_form_is_read_before_anything_is_sent(
    house: House, tmp_path: Path, state: str, page: str, after: tuple[int, list[str]]
) -> None:
    made, client = contract(house, state, lead=LEAD, stewards=(FIRST, SECOND)), sign_in(house, FIRST)
    path = f"/desk/contracts/{made.id}/{page}"
    with house.store.read() as session:
        terms = from_json(version_of(session, session.get_one(Contract, made.id)).terms_json)
    typed = {**terms_form.shown(terms).values, "records_per_day": "7", "note": "Fewer are enough.", "reason": "Fewer are enough."}
    hidden = carried(client.get(path).text)
    (tmp_path / "clauses/law.toml").write_text(LAW, encoding="utf-8")
    for wrong in (hidden, {**hidden, "text_read": ""}):
        answer = post(client, path, **typed, **wrong, act="create")
        assert (answer.status_code, CHANGED in answer.text, LAW[-33:-3] in answer.text) == (422, True, True)
        assert sent(house, made.id) == (1, [])
    assert post(client, path, **typed, **carried(answer.text), act="create").status_code == 303
    assert sent(house, made.id) == after
