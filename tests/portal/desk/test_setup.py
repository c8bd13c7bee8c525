"""The set-up list of a new installation."""

from __future__ import annotations

from portal.pages.desk.setup import SetupFacts, Step, remaining, steps


def test_a_fresh_installation_has_everything_to_do() -> None:
    found = steps(SetupFacts(mail="none", datasets=0, loaded=0, template=False, stewards=0, gate="shadow"))
    assert [(step.title, step.href, step.done) for step in found] == [
        ("Send mail", "", False),
        ("Describe a dataset", "", False),
        ("Read the contract template", "/desk/templates", False),
        ("Invite a second steward", "/desk/people", False),
        ("Turn on the gate", "/operator", False),
    ]
    assert remaining(found) == 5


def test_a_working_installation_has_nothing_to_do() -> None:
    found = steps(SetupFacts(mail="smtp", datasets=1, loaded=1, template=True, stewards=2, gate="enforce"))
    assert remaining(found) == 0


def test_a_described_dataset_that_is_not_loaded_says_so() -> None:
    found = steps(SetupFacts(mail="smtp", datasets=1, loaded=0, template=False, stewards=1, gate="shadow"))
    detail = "It is described, but not loaded yet: look for its file with licet doctor."
    assert found[1] == Step("Describe a dataset", detail, "/datasets", "See it", False)
