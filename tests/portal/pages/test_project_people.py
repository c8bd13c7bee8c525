"""Pages of the people of a project: what each reader may do there, and that a program's question leads to the terms and back."""

from __future__ import annotations

import pytest

from contracts.credentials import authorizations
from contracts.credentials import service as credentials
from contracts.credentials.authorizations import Asked
from contracts.credentials.decide import ForPeople
from contracts.house import House
from contracts.people.roles import Role
from portal.app import create_portal
from tests.portal.house import add_person, mails, post, sign_in
from tests.portal.scene import actor, begun, contract

LEAD, READER, FIRST, SECOND = "ada@lab.example", "rhea@lab.example", "sam@agora.example", "tess@agora.example"


@pytest.fixture
def place(house: House) -> House:
    """A partner with a lead and a reader, and two stewards."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_lab")
    add_person(house, READER, "Rhea Castellan", Role.READER, organisation="org_lab")
    for email in (FIRST, SECOND):
        add_person(house, email, "Steward", Role.STEWARD, organisation="org_agora", side="platform")
    assert create_portal(house)
    return house


def test_only_leads_name_people_and_names_stand_as_text(place: House) -> None:
    home = f"/partner/applications/{begun(place, LEAD).id}"
    lead, reader = sign_in(place, LEAD), sign_in(place, READER)
    hostile = "<script>alert(1)</script>"
    answer = post(lead, f"{home}/members", name=hostile, email="mallory@lab.example")
    assert answer.headers["location"] == f"{home}/members?done=member-invited"
    page = reader.get(f"{home}/members").text
    assert (hostile in page, "&lt;script&gt;alert(1)&lt;/script&gt;" in page, "Name this person" in page) == (False, True, False)
    assert hostile in mails(place, "mallory@lab.example")[0]
    assert post(reader, f"{home}/members", page="/account", name="Me", email="me@lab.example").status_code == 403


def test_a_page_says_what_is_wrong_and_keeps_what_was_typed(place: House) -> None:
    home = f"/partner/applications/{begun(place, LEAD).id}"
    answer = post(sign_in(place, LEAD), f"{home}/members", name="Rhea", email="nowhere")
    assert (answer.status_code, "Write a mail address like name@example.org." in answer.text, 'value="nowhere"' in answer.text) == (
        422,
        True,
        True,
    )
    answer = post(sign_in(place, READER), f"{home}/membership", page="/account", position="reader", agreed="yes")
    assert (answer.status_code, "You were not named on this project." in answer.text) == (409, True)


def test_a_programs_question_leads_to_the_terms_and_back(place: House) -> None:
    made = contract(place, "active", lead=LEAD, stewards=(FIRST, SECOND), named_users=True)
    home, lead = f"/partner/applications/{made.application_id}", actor(place, LEAD)
    with place.store.write() as unit:
        back = ("http://127.0.0.1/back",)
        client, _ = credentials.create_client(unit, lead, made, name="notebook", audience="api", people=ForPeople(back))
        asked = Asked(client.id, made.id, made.organisation_id, back[0], "state", "records:read", "x" * 43)
        consent = f"/consent/{authorizations.begin(unit, asked).id}"
    terms, reader = f"/partner/contracts/{made.id}/membership", sign_in(place, READER)
    assert reader.get(consent).headers["location"] == f"{terms}?next={consent}"
    assert "you are not one of them" in reader.get(f"{terms}?next={consent}").text
    answer = post(reader, consent, page="/account", answer="allow")
    assert (answer.status_code, "member_required" in answer.text) == (403, True)
    assert post(sign_in(place, LEAD), f"{home}/members", name="Rhea", email=READER).status_code == 303
    assert post(reader, f"{home}/membership", position="reader", agreed="yes").status_code == 303
    assert "The platform looks at your place on the project first." in reader.get(f"{terms}?next={consent}").text
    desk = sign_in(place, FIRST)
    path = desk.get(f"/desk/applications/{made.application_id}").text.partition('action="/desk/applications/')[2].partition('"')[0]
    admitted = post(desk, f"/desk/applications/{path}", page="/account", member_reason="Known for years.")
    assert admitted.headers["location"] == f"/desk/applications/{made.application_id}?done=member-admitted#people"
    assert 'name="next" value="/consent/' in reader.get(f"{terms}?next={consent}").text
    assert 'name="next"' not in reader.get(f"{terms}?next=//evil.example/").text
    wrong = post(reader, terms, name="Somebody", read="yes")
    assert (wrong.status_code, "Write your name as it stands on your account: Rhea Castellan." in wrong.text) == (422, True)
    answer = post(reader, terms, name="rhea castellan", read="yes", next=consent)
    assert (answer.headers["location"], reader.get(consent).status_code) == (consent, 200)
