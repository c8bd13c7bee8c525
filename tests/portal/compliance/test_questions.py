"""The prepared questions: each is one address, shows what the ledger has, and leaves its trace."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from contracts.house import House
from contracts.ledger.stage import Entry, record
from portal.pages.compliance.questions import QUESTIONS
from tests.portal.compliance.conftest import integrate

PATH = "/compliance/questions"


@pytest.fixture
def told(house: House) -> None:
    """Two answers and two refusals, one of them for another purpose, and a decision."""
    entries = [
        Entry(
            event="access.records",
            decision="allow",
            organisation="org_lab",
            contract="ctr_lab",
            dataset="feeds",
            purpose="research",
            rows=40,
        ),
        Entry(
            event="access.records",
            decision="allow",
            organisation="org_rival",
            contract="ctr_b",
            dataset="feeds",
            purpose="journalism",
            rows=2,
        ),
        Entry(event="access.records", decision="refuse", rule="rate_exceeded", organisation="org_lab", contract="ctr_lab"),
        Entry(event="access.records", decision="refuse", rule="purpose_not_in_contract", contract="ctr_lab", purpose="archiving"),
        Entry(event="contract.suspended", subject="ctr_lab", contract="ctr_lab"),
    ]
    with house.store.write() as unit:
        for each in entries:
            record(unit, each)
    integrate(house)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("readers", ("Feeds", "40", "contract=ctr_lab")),
        ("purposes", ("Journalism", "Research in the public interest", "purpose=journalism")),
        ("denials", ("rate_exceeded", "rule=rate_exceeded")),
        ("outside", ("Archiving", "Refused", "Answered")),
        ("limits", ("No contract is live",)),
        ("changed", ("event=contract.suspended",)),
    ],
)
def test_each_question_is_one_click(cora: TestClient, told: None, name: str, shown: tuple[str, ...]) -> None:
    assert f"ask={name}&amp;days=30" in cora.get(PATH).text
    answer = cora.get(f"{PATH}?ask={name}&days=30").text
    assert [each for each in shown if each not in answer] == []


def test_every_question_has_a_test_and_says_when_there_is_nothing(house: House, cora: TestClient) -> None:
    for name, each in QUESTIONS.items():
        shown = cora.get(f"{PATH}?ask={name}&days=7").text
        assert (each.title in shown, each.none in shown or name in ("changed", "denials")) == (True, True), name


def test_volume_and_refusals_are_drawn_with_a_table_beside(cora: TestClient, told: None) -> None:
    shown = cora.get(PATH).text
    for each in ("Records delivered", "Refusals", "As a table", '<td class="num">42</td>', '<td class="num">2</td>'):
        assert each in shown


def test_what_is_no_question_is_not_found(cora: TestClient) -> None:
    assert [cora.get(f"{PATH}?{query}").status_code for query in ("ask=nothing", "days=31", "days=x")] == [404, 404, 400]


def test_other_people_are_refused(mara: TestClient) -> None:
    assert mara.get(PATH).status_code == 403
