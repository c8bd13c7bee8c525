"""The chain bar: as far as it goes, with links for its reader."""

from __future__ import annotations

from contracts.applications.tables import Application
from contracts.house import House
from contracts.people.roles import Role
from portal.chain import chain
from tests.portal.house import add_person
from tests.portal.scene import contract, submitted

LEAD, STEWARDS = "ada@northfield.example", ("mara@agora.example", "jon@agora.example")
KEYS = ["application", "contract", "grant", "clients", "access", "entries", "delivered", "invoice"]


def cast(house: House) -> None:
    """One partner and two stewards."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, organisation="org_northfield")
    for email in STEWARDS:
        add_person(house, email, email, Role.STEWARD, organisation="org_agora", side="platform")


def test_an_application_alone_leads_nowhere_further(house: House) -> None:
    cast(house)
    application = submitted(house, LEAD)
    with house.store.read() as session:
        links = chain(session, application=application, staff=False)
    assert [each.key for each in links] == KEYS
    assert [(each.word, each.path) for each in links[:2]] == [("Waiting", f"/partner/applications/{application.id}"), ("None yet", "")]
    assert {each.tone for each in links[1:]} == {"todo"}


def test_a_partner_does_not_see_a_draft_contract_and_staff_do(house: House) -> None:
    cast(house)
    made = contract(house, "draft", lead=LEAD, stewards=STEWARDS)
    with house.store.read() as session:
        application = session.get_one(Application, made.application_id)
        words = [chain(session, application=application, staff=staff)[1].word for staff in (False, True)]
    assert words == ["None yet", "Draft"]


def test_a_contract_in_force_names_its_parts(house: House) -> None:
    cast(house)
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    with house.store.read() as session:
        links = {each.key: (each.word, each.detail, each.path) for each in chain(session, contract=made, staff=True)}
    assert links["contract"] == ("Active", "version 1", f"/desk/contracts/{made.id}")
    assert links["grant"] == ("6 fields", "until 2 Nov 2027", f"/desk/contracts/{made.id}#terms")
    assert links["clients"] == ("None yet", "", f"/desk/contracts/{made.id}#clients")
    assert links["invoice"] == ("Free", "research", "")
