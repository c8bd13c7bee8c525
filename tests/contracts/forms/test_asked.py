"""What a form asks, and how answers are judged: pure."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.forms import kinds
from contracts.forms.asked import Answer, Facts, count, documents, only_asked, possible, prompts
from contracts.forms.decide import complaints
from contracts.forms.files import load
from contracts.forms.kinds import APPLIED_FOR
from contracts.forms.model import Form
from contracts.settings import Settings
from portal.demo.answers import usual

PLAIN = {"id": "key", "lang": "plain", "likes": "plain"}
PEOPLE = {**PLAIN, "author_id": "subject"}
NEEDED, WHY = "Answer in a sentence or more:", "Why the project needs this field, and why less would not do"
NAMED = {**PEOPLE, "text": "personal", "creed": "special"}


def form(kind: str) -> Form:
    return load(Settings(profile="test"), kind, "posts")


def asked(kind: str, fields: dict[str, str], **answers: Answer) -> list[str]:
    return [each.name.removeprefix("answers.") for each in prompts(form(kind), Facts(fields, False, answers))]


def test_a_commercial_application_for_non_personal_fields_asks_at_most_twelve_questions() -> None:
    assert count(form("commercial"), Facts(PLAIN)) <= 12


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("commercial", PLAIN, ["retention_days"]),
        ("research", PLAIN, ["funding", "conflicts", "retention_days"]),
        ("public-interest", PLAIN, ["mandate", "funding", "conflicts", "retention_days"]),
        ("ai-training", PLAIN, ["models", "memorising", "retention_days"]),
        (
            "dsa-40-12",
            NAMED,
            ["researchers", "risk", "contribution", "independence", "funding", "measures", "proportion", "retention_days"],
        ),
        ("commercial", PEOPLE, ["basis_yours", "basis_ours", "controller", "transfers", "storage", "retention_days", "destruction"]),
        (
            "commercial",
            NAMED,
            [
                *("necessity.text", "necessity.creed", "basis_yours", "basis_ours", "special_condition", "controller", "transfers"),
                *("storage", "retention_days", "destruction"),
            ],
        ),
    ],
)
def test_only_what_kind_and_classes_require_is_asked(kind: str, fields: dict[str, str], expected: list[str]) -> None:
    assert asked(kind, fields) == expected


def test_some_answers_lead_to_another_question() -> None:
    more = set(asked("research", PEOPLE, controller="joint", transfers="safeguards")) - set(asked("research", PEOPLE))
    assert more == {"controllers", "safeguards"}
    assert {"controllers", "safeguards"} <= {each.question.id for each in possible(form("research"), PEOPLE)}


def test_documents_follow_the_classes() -> None:
    assert [[each.id for each in documents(form("research"), Facts(fields))] for fields in (PLAIN, PEOPLE, NAMED)] == [
        [],
        ["ethics"],
        ["ethics", "dpia"],
    ]


@pytest.mark.parametrize("kind", APPLIED_FOR)
def test_whole_answers_have_no_complaint_and_none_has_one_each(kind: str) -> None:
    whole = Facts(NAMED, False, usual(["text", "creed"]))
    assert complaints(form(kind), whole) == {}
    assert list(complaints(form(kind), Facts(NAMED))) == [each.name for each in prompts(form(kind), whole)]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"storage": "Here."}, {"answers.storage": "Say it in at least 10 characters."}),
        ({"storage": "x" * 10}, {}),
        ({"storage": "x" * 4000}, {}),
        ({"storage": "x" * 4001}, {"answers.storage": "Shorten this to at most 4000 characters."}),
        ({"retention_days": "0"}, {"answers.retention_days": "Write a number of days from 1 to 3,660."}),
        ({"retention_days": "3660"}, {}),
        ({"retention_days": "3661"}, {"answers.retention_days": "Write a number of days from 1 to 3,660."}),
        ({"retention_days": "²"}, {"answers.retention_days": "Write a number of days from 1 to 3,660."}),
        ({"transfers": "moon"}, {"answers.transfers": "Choose one of the offered answers."}),
        ({"transfers": ["eea", "safeguards"]}, {"answers.transfers": "Choose one of the offered answers."}),
        ({"transfers": "safeguards"}, {"answers.safeguards": "Answer in a few words: Which countries, and under which safeguards."}),
        (
            {"transfers": "safeguards", "safeguards": "x" * 201},
            {"answers.safeguards": "Shorten this to one line of at most 200 characters."},
        ),
        ({"necessity": {"text": "It says it all."}}, {"answers.necessity.creed": f"{NEEDED} creed: {WHY}."}),
        (
            {"necessity": "for all of them"},
            {f"answers.necessity.{name}": f"{NEEDED} {name}: {WHY}." for name in ("text", "creed")},
        ),
        ({"funding": ["a"]}, {"answers.funding": "Write text here."}),
    ],
)
def test_each_answer_is_judged(changed: dict[str, Any], found: dict[str, str]) -> None:
    assert complaints(form("research"), Facts(NAMED, False, {**usual(["text", "creed"]), **changed})) == found


def test_answers_to_what_is_not_asked_are_not_kept() -> None:
    facts = Facts({**PLAIN, "text": "personal"}, False, {**usual(["text", "gone"]), "safeguards": "None.", "invented": "x"})
    kept = only_asked(form("commercial"), facts)
    assert {name: kept[name] for name in ("necessity", "transfers")} == {
        "necessity": {"text": usual(["text"])["necessity"]["text"]},
        "transfers": "eea",
    }
    assert not {"safeguards", "invented", "funding", "special_condition"} & set(kept)


def test_paths_are_asked_for_with_the_site_alone() -> None:
    named = Facts(PLAIN, True, {})
    assert [each.name for each in prompts(form("dsa-40-12"), named) if each.section == "site"] == ["answers.crawl_paths"]
    assert documents(form("dsa-40-12"), Facts(NAMED, True)) == []


@pytest.mark.parametrize(
    ("paths", "wrong"),
    [
        ("/posts/", ""),
        ("/posts/\r\n/topics", ""),
        (" ".join(f"/posts/{number}" for number in range(20)), ""),
        (" ".join(f"/posts/{number}" for number in range(21)), "Name at most 20 paths; everything below a path is included."),
        ("/" + "x" * 199, ""),
        *(
            (f"/posts/ {path}", f"{path} is no path of the site. Begin each with a slash, such as /posts/, and leave out ?, # and *.")
            for path in ("posts", "/" + "x" * 200, "/a?b=1", "/a#b", "/a/*", "//elsewhere.example/", "/a/../b", "/a%2fb", "/a%20b", "/a;b")
        ),
        ("", "Name at least one path, such as /posts/: Which paths you need."),
    ],
)
def test_a_path_is_one_that_the_gate_can_hold_a_contract_to(paths: str, wrong: str) -> None:
    facts = Facts(PLAIN, True, {**usual([]), "crawl_paths": paths})
    assert complaints(form("dsa-40-12"), facts) == ({"answers.crawl_paths": wrong} if wrong else {})


def test_kinds_with_a_purpose_of_their_own_are_off_unless_a_dataset_names_it() -> None:
    assert [kinds.offered(each) for each in (["research"], ["ai-training"], ["systemic-risk"], [], ["research", "systemic-risk"])] == [
        ("research", "public-interest", "commercial"),
        ("ai-training",),
        ("dsa-40-12",),
        (),
        ("research", "public-interest", "commercial", "dsa-40-12"),
    ]
    pairs = [
        (kind, purpose) for kind in ("research", "ai-training", "dsa-40-12") for purpose in ("research", "ai-training", "systemic-risk")
    ]
    assert [each for each in pairs if kinds.fits(*each)] == [
        ("research", "research"),
        ("ai-training", "ai-training"),
        ("dsa-40-12", "systemic-risk"),
    ]
