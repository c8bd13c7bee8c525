"""Plain words: one line for each agreed term, and whole sentences."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from contracts.datasets.coarse import Grain
from contracts.settings import Settings
from contracts.terms.model import Aggregates, Audit, Condition, CrawlTerms, Price, Terms, from_json, to_json
from contracts.terms.values import read_value
from contracts.terms.words import ENFORCED, LINES, TermLine, condition_in_words, plain
from tests.contracts.terms.test_grant import TERMS
from tests.harness.cast import SETTINGS


def test_the_terms_of_a_research_contract() -> None:
    lines = plain(TERMS, SETTINGS)
    assert [(line.anchor, line.sentence) for line in lines] == [
        (
            "datasets",
            "Of the dataset “Public posts” these fields may be read: id, author_id, created_at, lang, text. "
            "Pseudonyms that exist for this contract alone stand in place of: id, author_id.",
        ),
        ("rows", "Only records of “Public posts” may be read that meet every one of these conditions: lang is one of de, sv."),
        (
            "purposes",
            "Records may be used for these purposes and no other. Research in the public interest: Answering a research question; "
            "results are published, people are not identified.",
        ),
        (
            "prohibited",
            "Never allowed, whatever the purpose: Finding out who a person behind a pseudonym is. Passing records on, free or for money. "
            "Fitting the weights of AI models to the records. Choosing whom to address with political messages.",
        ),
        ("pace", "The pace is at most 10 requests in a second, counted over all credentials."),
        ("quota", "The volume is at most 200,000 records in a day, counted over all credentials; a day begins at 00:00 (UTC)."),
        ("networks", "Requests may come from any network."),
        ("period", "The first day is 2 November 2026, the last is 31 October 2027."),
        ("retention", "Records may be kept until 365 days after the contract has ended, and are deleted then."),
        ("erasure", "A record that the platform reports as erased is deleted everywhere within 24 hours of the report."),
        ("price", "Access is free of charge."),
    ]
    assert lines[0] == TermLine("Fields", lines[0].sentence, "datasets", enforced=True)


def test_every_term_has_words() -> None:
    full = TERMS.model_copy(
        update={
            "datasets": (TERMS.datasets[0].model_copy(update={"generalised": {"created_at": "month"}}),),
            "crawl": CrawlTerms(hosts=("agora.example",), paths=("/posts/",), requests_per_second=2),
            "networks": ("192.0.2.0/24",),
            "territory": ("SE", "NO"),
            "price": Price(per_1000="0.40", currency="EUR"),
            "named_users": True,
            "bound_tokens": True,
            "oauth_only": True,
            "records_in_period": 1_000_000,
            "distinct_records": 40_000,
            "bytes_per_day": 5_000_000,
            "bytes_in_period": 900_000_000,
            "concurrent_requests": 4,
            "exports": True,
            "refresh_days": 30,
            "certificate_days": 10,
            "audit": Audit(per_year=1, notice_days=14),
            "publish_free": True,
            "aggregates": Aggregates(queries=2_000, people=25),
        }
    )
    assert [line.anchor for line in plain(full, Settings())] == list(LINES)
    assert set(LINES) >= ENFORCED
    said = set(Terms.model_fields) - {"version"}
    assert said == {
        *("datasets", "purposes", "prohibited", "requests_per_second", "records_per_day", "crawl", "networks"),
        *("starts", "ends", "retention_days", "erasure_hours", "territory", "price", "named_users", "bound_tokens", "oauth_only"),
        *("records_in_period", "distinct_records", "concurrent_requests", "exports", "refresh_days", "certificate_days"),
        *("audit", "publish_free", "aggregates", "bytes_per_day", "bytes_in_period"),
    }, "a new term needs words, a clause in each template and a place in this list"


LATER: dict[str, object] = {
    "named_users": True,
    "bound_tokens": True,
    "oauth_only": True,
    "records_in_period": 1_000_000,
    "distinct_records": 1,
    "bytes_per_day": 1,
    "bytes_in_period": 900_000_000,
    "concurrent_requests": 1,
    "exports": True,
    "refresh_days": 1,
    "certificate_days": 1,
    "audit": {"notice_days": 0, "per_year": 2},
    "publish_free": True,
    "aggregates": {"alone": False, "people": None, "queries": 500},
}


@pytest.mark.parametrize("later", LATER)
def test_a_term_that_came_later_leaves_sealed_contracts_their_hash(later: str) -> None:
    sealed = to_json(TERMS)
    assert later not in sealed and from_json(sealed) == TERMS
    agreed = Terms.model_validate({**TERMS.model_dump(), later: LATER[later]})
    assert f'"{later}":{json.dumps(LATER[later], separators=(",", ":"))}' in to_json(agreed) and from_json(to_json(agreed)) == agreed
    assert [line.anchor for line in plain(agreed, SETTINGS) if line not in plain(TERMS, SETTINGS)] == [LINE_OF[later]]


LINE_OF = {
    **{"named_users": "users", "bound_tokens": "tokens", "oauth_only": "credentials", "records_in_period": "total"},
    **{"distinct_records": "distinct", "concurrent_requests": "concurrency", "exports": "exports", "refresh_days": "refresh"},
    **{"certificate_days": "certificate", "audit": "audit", "publish_free": "publication", "aggregates": "aggregates"},
    **{"bytes_per_day": "bytes", "bytes_in_period": "bytes"},
}


def test_grains_are_said_by_field_and_leave_sealed_contracts_their_hash() -> None:
    assert '"generalised"' not in to_json(TERMS)
    grains: dict[str, Grain] = {"text": "masked", "lang": "region", "created_at": "day", "author_id": "day"}
    agreed = TERMS.model_copy(update={"datasets": (TERMS.datasets[0].model_copy(update={"generalised": grains}),)})
    assert '"generalised":{"author_id":"day","created_at":"day","lang":"region","text":"masked"}' in to_json(agreed)
    assert from_json(to_json(agreed)) == agreed
    (line,) = [line for line in plain(agreed, SETTINGS) if line not in plain(TERMS, SETTINGS)]
    assert line == TermLine(
        "Precision",
        "Of these fields of “Public posts” the day alone is given: author_id, created_at. "
        "Of these fields of “Public posts” the region alone is given, as the platform’s catalogue maps it: lang. "
        "In these fields of “Public posts” names of accounts, mail addresses and links are masked: text.",
        "generalised",
        enforced=True,
    )
    for wrong in ({"text": "year"}, {"text": None}, ["text"]):
        with pytest.raises(ValidationError):
            Terms.model_validate(
                {**TERMS.model_dump(), "datasets": [{**TERMS.model_dump(mode="json")["datasets"][0], "generalised": wrong}]}
            )


def test_named_users_and_fetching_the_site_exclude_each_other() -> None:
    crawl = {"hosts": ("agora.example",), "paths": ("/posts/",), "requests_per_second": 2}
    with pytest.raises(ValidationError, match="fetched by a program for itself"):
        Terms.model_validate({**TERMS.model_dump(), "named_users": True, "crawl": crawl})


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition(field="lang", op="eq", value="de"), "lang is de"),
        (Condition(field="likes", op="gte", value=3), "likes is 3 or more"),
        (Condition(field="likes", op="gt", value=3), "likes is more than 3"),
        (Condition(field="likes", op="lte", value=3), "likes is 3 or less"),
        (Condition(field="likes", op="lt", value=3), "likes is less than 3"),
        (Condition(field="ad", op="in", value=(True, False)), "ad is one of yes, no"),
    ],
)
def test_conditions(condition: Condition, words: str) -> None:
    assert condition_in_words(condition) == words


@pytest.mark.parametrize(
    ("field_type", "text", "value"),
    [
        ("string", "de", "de"),
        ("integer", "-12", -12),
        ("integer", "1.5", None),
        ("integer", "٣", None),
        ("integer", "1" * 19, None),
        ("number", "7", 7),
        ("boolean", "Yes", True),
        ("boolean", "perhaps", None),
        ("date", "2026-11-02", "2026-11-02"),
        ("date", "soon", None),
        ("timestamp", "2026-11-02T09:00:00Z", "2026-11-02T09:00:00Z"),
        ("timestamp", "9 o'clock", None),
    ],
)
def test_values(field_type: str, text: str, value: object) -> None:
    assert read_value(field_type, text) == value
