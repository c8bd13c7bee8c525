"""Words that pages share: every state has one for each reader, every role a first page that it may open."""

from __future__ import annotations

import pytest

from contracts.applications.states import State as ApplicationState
from contracts.lifecycle.states import State as ContractState
from contracts.people.actor import Actor
from contracts.people.roles import STAFF, Role
from portal import words


@pytest.mark.parametrize("staff", [True, False])
def test_every_state_has_a_word_and_a_tone(staff: bool) -> None:
    found = [words.state_word("application", each, staff=staff) for each in ApplicationState]
    found += [words.state_word("contract", each, staff=staff) for each in ContractState]
    assert {each.tone for each in found} <= {"good", "wait", "warn", "stop", "plain"}
    assert all(each.word for each in found)


def test_a_partner_reads_what_waits_for_them() -> None:
    assert words.state_word("contract", "offered", staff=False).word == "Waiting for your signature"


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_a_first_page_of_its_own_navigation(role: Role) -> None:
    actor = Actor("acc", "org", "A", "a@b.example", frozenset({role}))
    titles = [each.title for each in words.navigation(actor)]
    assert len(titles) == len(set(titles))
    assert words.home_of(actor) in {each.path for each in words.navigation(actor)}
    assert words.home_of(actor).startswith("/partner") == (role not in STAFF and role is not Role.AUDITOR)


def test_the_current_item_is_the_longest_that_fits() -> None:
    items = words.navigation(Actor("acc", "org", "A", "a@b.example", frozenset({Role.LEAD})))
    found = [words.current_item(items, path) for path in ("/partner", "/partner/contracts/ctr_1", "/partner/entries/ent_1", "/licences")]
    assert [each.title if each else None for each in found] == ["Today", "Contracts", None, None]
