"""The set-up list of a new installation."""

from __future__ import annotations

import pytest

from contracts.people.roles import Role
from portal.pages.desk.setup import SetupFacts, Step, is_ready, remaining, steps

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})


def test_a_fresh_installation_has_everything_to_do() -> None:
    found = steps(SetupFacts(mail="none", datasets=0, loaded=0, template=False, stewards=0, gate="shadow"), ADMINISTRATOR)
    assert [(step.title, step.href, step.done) for step in found] == [
        ("Send mail", "", False),
        ("Describe a dataset", "", False),
        ("Read the contract template", "/desk/templates", False),
        ("Invite two stewards", "/desk/people", False),
        ("Invite a compliance officer", "/desk/people", False),
        ("Turn on the gate", "/desk/people", False),
    ]
    assert remaining(found) == 6


def test_a_working_installation_has_nothing_to_do() -> None:
    found = steps(SetupFacts(mail="smtp", datasets=1, loaded=1, template=True, stewards=2, gate="enforce", officers=1), ADMINISTRATOR)
    assert remaining(found) == 0


@pytest.mark.parametrize(
    ("changed", "ready"),
    [
        ({}, True),
        ({"mail": "mailbox"}, True),
        ({"mail": "none"}, False),
        ({"loaded": 0}, False),
        ({"stewards": 1}, False),
        ({"officers": 0}, False),
    ],
)
def test_partners_may_come_before_the_gate_and_the_template_are_done(changed: dict[str, object], ready: bool) -> None:
    facts = {"mail": "smtp", "datasets": 1, "loaded": 1, "template": False, "stewards": 2, "gate": "shadow", "officers": 1}
    assert is_ready(SetupFacts(**(facts | changed))) is ready  # type: ignore[arg-type]  # the names are the fields'


def test_mail_that_is_kept_on_this_machine_is_not_said_to_leave() -> None:
    step = steps(SetupFacts(mail="mailbox", datasets=1, loaded=1, template=True, stewards=2, gate="enforce", officers=1), ADMINISTRATOR)[0]
    assert step.done and step.detail.startswith("On trial it stays on this machine.")


def test_a_described_dataset_that_is_not_loaded_says_so() -> None:
    found = steps(SetupFacts(mail="smtp", datasets=1, loaded=0, template=False, stewards=1, gate="shadow"), ADMINISTRATOR)
    detail = "It is described, but not loaded yet: look for its file with licet doctor."
    assert found[1] == Step("Describe a dataset", detail, "/datasets", "See it", False)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.ADMINISTRATOR, [("/desk/people", "Invite"), ("/desk/people", "Invite an operator")]),
        (Role.STEWARD, [("/desk/people", "See who works here"), ("", "")]),
        (Role.OPERATOR, [("/desk/people", "See who works here"), ("/operator", "Open")]),
    ],
)
def test_no_step_leads_to_a_page_that_is_closed_to_its_reader(role: Role, expected: list[tuple[str, str]]) -> None:
    found = steps(SetupFacts(mail="smtp", datasets=1, loaded=1, template=True, stewards=1, gate="shadow"), frozenset({role}))
    assert [(step.href, step.act) for step in (found[3], found[5])] == expected
