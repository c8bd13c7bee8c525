"""Bars beside an application on the desk: what it resembles is said before anybody decides, and its project can be barred there."""

from __future__ import annotations

import pytest
from sqlmodel import select

from contracts.applications.tables import Application
from contracts.bars import service
from contracts.bars.states import Scope
from contracts.bars.tables import Bar
from contracts.house import House
from contracts.people.roles import Role
from tests.portal.desk.test_pages import FIRST, LEAD, add_all, of, words
from tests.portal.house import add_person, post, sign_in
from tests.portal.scene import actor, submitted


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    add_all(house)


@pytest.mark.parametrize("scope", list(Scope))
def test_the_review_page_says_whom_the_applicant_resembles(house: House, scope: Scope) -> None:
    add_person(house, "eve@data.northfield.example", "Eve Other", Role.LEAD, organisation="org_other")
    theirs, mine = submitted(house, "eve@data.northfield.example"), submitted(house, LEAD)
    subject = {Scope.ORGANISATION: theirs.organisation_id, Scope.PERSON: theirs.created_by, Scope.PROJECT: theirs.id}[scope]
    path, steward = f"/desk/applications/{mine.id}", sign_in(house, FIRST)
    assert "is barred" not in steward.get(path).text
    if scope is Scope.PERSON:
        add_person(house, "e.other@northfield.example", "Éve  OTHER", Role.DEVELOPER, organisation="org_northfield")
    if scope is Scope.ORGANISATION:
        add_person(house, "b@lab.data.northfield.example", "Bo", Role.DEVELOPER, organisation="org_northfield")
    with house.store.write() as unit:
        bar, _ = service.impose(unit, actor(house, FIRST), scope, subject, "Records were sold on.")
    text = steward.get(path).text
    assert f"This resembles {bar.name}, which is barred" in words(text) and f'href="/desk/bars/{bar.id}"' in text
    assert of(house, Application, mine.id).state == "submitted"


def test_a_project_is_barred_from_its_own_page(house: House) -> None:
    asked = submitted(house, LEAD)
    path, steward = f"/desk/applications/{asked.id}", sign_in(house, FIRST)
    assert "Bar this project" in steward.get(path).text
    assert post(steward, "/desk/bars", page=path, barred=asked.id, bar_reason=" ").status_code == 422
    made = post(steward, "/desk/bars", page=path, barred=asked.id, bar_reason="It watches named people.").headers["location"]
    with house.store.read() as session:
        bar = session.exec(select(Bar)).one()
    assert (bar.scope, bar.application_id, made) == ("project", asked.id, f"/desk/bars/{bar.id}?done=barred")
    assert of(house, Application, asked.id).state == "stopped"
    text = words(steward.get(path).text)
    assert f"A bar on {asked.project} is in force" in text and "Bar this project" not in text
