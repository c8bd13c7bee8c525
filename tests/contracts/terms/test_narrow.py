"""Narrowing: proposed terms are never wider than asked, and every single widening is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.applications.decide import complaints
from contracts.applications.tables import Application
from contracts.credentials.tokens import Claims
from contracts.gate.decide import for_licence
from contracts.gate.facts import Facts, read_target
from contracts.sections import FieldSettings
from contracts.settings import Settings
from contracts.terms.conditions import combined
from contracts.terms.defaults import propose
from contracts.terms.grant import Grant
from contracts.terms.lattice import MEETS, narrow, wider
from contracts.terms.model import Condition, CrawlTerms, Price, Terms
from contracts.terms.narrow import ceiling, within
from tests.contracts.terms.generated import Chance, chances
from tests.harness.cast import ENDS, FORM, POSTS, SETTINGS, STARTS
from tests.harness.gates import GRANT

SITE = SETTINGS.platform.site


def application(**changed: Any) -> Application:
    content = {**FORM, "starts": STARTS, "ends": ENDS, **changed}
    made = datetime(2026, 11, 2, tzinfo=UTC)
    return Application(
        id="app_1", organisation_id="org_1", created_by="acc_1", state="approved", dataset="posts", created_at=made, **content
    )


def altered(terms: Terms, **changed: Any) -> Terms:
    return terms.model_copy(update=changed)


def dataset_altered(terms: Terms, **changed: Any) -> Terms:
    return altered(terms, datasets=(terms.datasets[0].model_copy(update=changed),))


ASKED = application()
PROPOSED = propose(ASKED, POSTS, SITE)
CRAWL = CrawlTerms(hosts=("127.0.0.1:8401",), paths=("/posts/",), requests_per_second=2)


@pytest.mark.parametrize(
    "narrower",
    [
        PROPOSED,
        altered(PROPOSED, records_per_day=1, requests_per_second=1, starts=date(2026, 12, 1), ends=date(2026, 12, 2)),
        dataset_altered(PROPOSED, fields=("lang",), pseudonymised=()),
        dataset_altered(PROPOSED, rows=(Condition(field="lang", op="eq", value="de"), Condition(field="likes", op="gte", value=3))),
        altered(PROPOSED, named_users=True),
        altered(PROPOSED, bound_tokens=True),
        altered(PROPOSED, networks=("192.0.2.0/24",), territory=("SE",), price=Price(per_1000="0.01", currency="EUR")),
    ],
)
def test_what_is_narrower_passes(narrower: Terms) -> None:
    assert within(narrower, ASKED, SETTINGS) is None


@pytest.mark.parametrize(
    ("wider", "term"),
    [
        (dataset_altered(PROPOSED, dataset="votes"), "datasets"),
        (altered(PROPOSED, datasets=(*PROPOSED.datasets, PROPOSED.datasets[0].model_copy(update={"dataset": "votes"}))), "datasets"),
        (dataset_altered(PROPOSED, fields=(*PROPOSED.datasets[0].fields, "likes")), "fields"),
        (dataset_altered(PROPOSED, fields=(*PROPOSED.datasets[0].fields, "email")), "fields"),
        (dataset_altered(PROPOSED, pseudonymised=("id",)), "pseudonymised"),
        (dataset_altered(PROPOSED, pseudonymised=("id", "author_id", "likes")), "pseudonymised"),
        (dataset_altered(PROPOSED, rows=()), "rows"),
        (dataset_altered(PROPOSED, rows=(Condition(field="lang", op="in", value=("de", "sv", "fr")),)), "rows"),
        (dataset_altered(PROPOSED, rows=(Condition(field="lang", op="gte", value="de"),)), "rows"),
        (dataset_altered(PROPOSED, rows=(*PROPOSED.datasets[0].rows, Condition(field="colour", op="eq", value="red"))), "rows"),
        (altered(PROPOSED, purposes=("research", "market-analysis")), "purposes"),
        (altered(PROPOSED, prohibited=("research", "resale")), "prohibited"),
        (altered(PROPOSED, requests_per_second=11), "requests_per_second"),
        (altered(PROPOSED, records_per_day=200_001), "records_per_day"),
        (altered(PROPOSED, starts=date(2026, 11, 1)), "starts"),
        (altered(PROPOSED, ends=date(2027, 11, 1)), "ends"),
        (altered(PROPOSED, crawl=CRAWL), "crawl"),
    ],
)
def test_each_widening_is_named(wider: Terms, term: str) -> None:
    refusal = within(wider, ASKED, SETTINGS)
    assert refusal is not None
    assert (refusal.code, list(refusal.facts["fields"])) == ("wider_than_asked", [term])


def test_paths_that_were_asked_for_bound_the_contract_and_the_gate() -> None:
    """From the answer to the terms to the gate: never a path beside those named."""
    asked = application(crawl=True, answers={"crawl_paths": "/posts/\r\n/topics /posts/"})
    terms = propose(asked, POSTS, SITE)
    assert terms.crawl == CrawlTerms(hosts=("127.0.0.1:8401",), paths=("/posts/", "/topics"), requests_per_second=2)
    granted = replace(GRANT, terms=terms)
    found = {path: _at_the_gate(granted, path) for path in ("/posts/1", "/topics", "/topics/a", "/topicsb", "/authors/a", "/")}
    outside = "path_not_in_contract"
    assert found == {"/posts/1": "licensed", "/topics": "licensed", "/topics/a": "licensed"} | dict.fromkeys(
        ("/topicsb", "/authors/a", "/"), outside
    )
    fewer = altered(terms, crawl=CRAWL.model_copy(update={"paths": ("/posts/2026/",)}))
    assert (within(terms, asked, SETTINGS), within(fewer, asked, SETTINGS)) == (None, None)
    for path in ("/", "/authors/", "/topicsb"):
        refusal = within(altered(terms, crawl=CRAWL.model_copy(update={"paths": ("/posts/", path)})), asked, SETTINGS)
        assert refusal is not None and refusal.facts == {"fields": {"crawl": f"The path {path} was not asked for."}}


def _at_the_gate(grant: Grant, path: str) -> str:
    page = read_target(path)
    assert page is not None
    claims = Claims("cli_1", "ctr_1", 1, frozenset({"site:fetch"}), "tok_1", datetime(2027, 1, 1, tzinfo=UTC), SITE)
    return for_licence(claims, grant, Facts("GET", "127.0.0.1:8401", path, "192.0.2.7"), page, STARTS).reason


def test_crawling_stays_on_the_platforms_site() -> None:
    asked = application(crawl=True)
    terms = propose(asked, POSTS, SITE)
    assert terms.crawl == CrawlTerms(hosts=("127.0.0.1:8401",), paths=("/",), requests_per_second=2)
    assert within(terms, asked, SETTINGS) is None
    for crawl in (CRAWL.model_copy(update={"hosts": ("elsewhere.example",)}), CRAWL.model_copy(update={"paths": ("posts",)})):
        refusal = within(altered(terms, crawl=crawl), asked, SETTINGS)
        assert refusal is not None
        assert list(refusal.facts["fields"]) == ["crawl"]


def test_a_commercial_contract_names_its_price() -> None:
    asked = application(kind="commercial", purpose="market-analysis")
    terms = propose(asked, POSTS, SITE)
    assert terms.price == Price(per_1000="0.40", currency="EUR")
    assert within(terms, asked, SETTINGS) is None
    refusal = within(altered(terms, price=None), asked, SETTINGS)
    assert refusal is not None
    assert list(refusal.facts["fields"]) == ["price"]


def test_a_policy_that_shrank_since_approval_counts() -> None:
    gone = within(PROPOSED, ASKED, Settings())
    assert gone is not None
    assert gone.code == "wider_than_asked"
    fewer = {name: field for name, field in POSTS.fields.items() if name != "lang"}
    smaller = Settings(datasets={"posts": POSTS.model_copy(update={"fields": fewer, "purposes": ["journalism"]})})
    refusal = within(propose(ASKED, smaller.datasets["posts"], SITE), ASKED, smaller)
    assert refusal is not None
    assert sorted(refusal.facts["fields"]) == ["fields", "purposes", "rows"]


_FIELDS = st.lists(st.sampled_from(sorted(POSTS.fields)), min_size=1, unique=True)
_ROWS = st.dictionaries(
    st.sampled_from(["lang", "country"]), st.lists(st.sampled_from(["de", "sv", "fr"]), min_size=1, unique=True), max_size=2
)


@given(fields=_FIELDS, rows=_ROWS, kind=st.sampled_from(["research", "commercial"]), crawl=st.booleans())
def test_whatever_may_be_submitted_is_proposed_within_itself(fields: list[str], rows: dict[str, list[str]], kind: str, crawl: bool) -> None:
    asked = application(fields=fields, rows=rows, kind=kind, crawl=crawl)
    assert complaints(asked, POSTS, STARTS) == {}
    assert within(propose(asked, POSTS, SITE), asked, SETTINGS) is None


@settings(max_examples=150, derandomize=True)
@given(chances)
def test_what_passes_is_below_the_ceiling(chance: Chance) -> None:
    asked = application(crawl=chance.maybe(), fields=list(chance.some(tuple(POSTS.fields), 1)), rows={"lang": ["de", "sv"]})
    most = ceiling(asked, SETTINGS)
    assert most is not None
    proposed = propose(asked, POSTS, SITE)
    other = chance.terms(datasets=proposed.datasets, purposes=("research",), prohibited=(), starts=STARTS, ends=ENDS)
    changed = {name: getattr(other, name) for name in chance.some(tuple(MEETS), 0)}
    try:
        terms = Terms.model_validate({**dict(proposed), **changed})
    except ValidationError:
        return  # such as named users beside the website
    refusal = within(terms, asked, SETTINGS)
    if refusal is None:
        assert narrow(terms, most) == narrow(terms, terms)
    else:
        named = set(refusal.facts["fields"]) - {"erasure_hours", "retention_days", "certificate_days"}
        assert named == set(wider(terms, most))


@pytest.mark.parametrize(
    ("changed", "term"),
    [
        ({"exports": True}, "exports"),
        ({"erasure_hours": None}, "erasure_hours"),
        ({"retention_days": None}, "retention_days"),
    ],
)
def test_every_contract_but_a_coordinators_names_its_duties(changed: dict[str, Any], term: str) -> None:
    refusal = within(altered(PROPOSED, **changed), ASKED, SETTINGS)
    assert refusal is not None
    assert list(refusal.facts["fields"]) == [term]
    free = application(kind="dsa-40-4")
    proposed = propose(free, POSTS, SITE)
    assert (proposed.retention_days, proposed.erasure_hours, proposed.refresh_days) == (None, None, None)
    assert (within(altered(proposed, **changed), free, SETTINGS) is None) == (term != "exports")


def test_a_certificate_needs_a_day_of_deletion() -> None:
    free = application(kind="dsa-40-4")
    refusal = within(altered(propose(free, POSTS, SITE), certificate_days=10), free, SETTINGS)
    assert refusal is not None
    assert list(refusal.facts["fields"]) == ["certificate_days"]


FINE = FieldSettings(type="timestamp", grains=["day", "month"], at_least="day")
GRAINED = POSTS.model_copy(update={"fields": {**POSTS.fields, "created_at": FINE}})
GRAINS = SETTINGS.model_copy(update={"datasets": {**SETTINGS.datasets, "posts": GRAINED}})


@pytest.mark.parametrize(
    ("generalised", "says"),
    [
        ({"created_at": "day"}, ""),
        ({"created_at": "month"}, ""),
        ({}, "The field created_at is given by day at least."),
        ({"created_at": "day", "lang": "region"}, "The field lang cannot be given by region."),
        ({"created_at": "region"}, "The field created_at cannot be given by region."),
        ({"created_at": "day", "likes": "day"}, "Only fields that may be read, and that no pseudonym replaces, can be generalised."),
        ({"created_at": "day", "id": "day"}, "Only fields that may be read, and that no pseudonym replaces, can be generalised."),
    ],
)
def test_fields_are_given_no_finer_than_the_dataset_asks(generalised: dict[str, Any], says: str) -> None:
    proposed = propose(ASKED, GRAINED, SITE)
    assert (proposed.datasets[0].generalised, within(proposed, ASKED, GRAINS)) == ({"created_at": "day"}, None)
    refusal = within(dataset_altered(proposed, generalised=generalised), ASKED, GRAINS)
    assert (refusal.facts["fields"] if refusal else {}) == ({"generalised": says} if says else {})


def test_ranges_that_exclude_each_other_leave_no_value_of_a_list_that_they_cannot_be_compared_with() -> None:
    since, until = (Condition(field="at", op=op, value="2026-01-01T00:00:00Z") for op in ("gt", "lte"))
    listed = Condition(field="at", op="in", value=("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.25Z"))
    assert combined((since, until, listed)) == combined((*combined((since, until)), listed)) == (Condition(field="at", op="in", value=()),)
