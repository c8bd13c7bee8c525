"""The cast: every role has a person, and every person can sign in."""

from __future__ import annotations

from contracts.people.roles import ROLES, Role
from portal.demo.people import ORGANISATIONS, PEOPLE, people_of, person


def test_every_role_has_a_person_who_stands_for_it() -> None:
    # An auditor's account is made for a visit and ends with it.
    assert {each.role for each in PEOPLE} == set(Role) - {Role.AUDITOR}


def test_people_hold_roles_of_their_organisations_side() -> None:
    sides = {each.key: each.side for each in ORGANISATIONS}
    assert [(each.key, role) for each in PEOPLE for role in each.roles if ROLES[role].side is not sides[each.organisation]] == []


def test_names_of_the_cast_are_unique_and_passwords_long_enough() -> None:
    for values in zip(*((each.key, each.name, each.email, each.password) for each in PEOPLE), strict=True):
        assert len(set(values)) == len(PEOPLE)
    assert [each.key for each in PEOPLE if len(each.password) < 12 or each.email != each.email.lower()] == []


def test_each_partner_can_apply_and_sign_and_two_stewards_can_countersign() -> None:
    for organisation in ORGANISATIONS[1:]:
        roles = {role for each in people_of(organisation.key) for role in each.roles}
        assert {Role.LEAD, Role.SIGNATORY} <= roles
    assert [each.key for each in PEOPLE if Role.STEWARD in each.roles] == ["steward", "second-steward"]
    assert person("steward").name == "Samir Lund"
