"""A thousand random chains from application to answer: whatever each step chooses, nothing later is wider than anything before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.access.decide import Allowed, decide
from contracts.access.query import Filter, Query
from contracts.applications.narrowing import Narrowed, narrow_to, widening
from contracts.applications.tables import Application
from contracts.credentials.bounds import Bounds, datasets_problem, last_day_problem, networks_problem
from contracts.credentials.details import Details, granted
from contracts.credentials.tokens import Claims
from contracts.datasets.catalogue import Dataset
from contracts.datasets.plan import leaves
from contracts.errors import Refusal
from contracts.terms.defaults import propose
from contracts.terms.grant import Grant
from contracts.terms.lattice import narrow, wider
from contracts.terms.model import Terms, from_json, to_json
from contracts.terms.narrow import ceiling, within
from tests.contracts.terms.generated import NETWORKS, PATHS, Chance
from tests.contracts.terms.test_narrow import application
from tests.harness.cast import ENDS, POSTS, SETTINGS, STARTS

DATASET = Dataset("posts", POSTS)
LANGUAGES = ("de", "sv", "fr", "en")
MOMENT = datetime(2026, 11, 2, tzinfo=UTC)
ADDRESSES = ("192.0.2.7", "192.0.2.200", "198.51.100.7", "2001:db8::1", "203.0.113.9")


@dataclass
class Chain:
    """What each step chose."""

    asked: Application
    approved: Application
    terms: Terms
    bounds: Bounds
    details: Details


def chain(chance: Chance) -> Chain:
    """Each step draws what it likes; what the house refuses is drawn again as what the house would allow at most."""
    kind, crawl = chance.one(("research", "commercial", "dsa-40-4", "dsa-40-12")), chance.maybe()
    rows = {"lang": list(chance.some(LANGUAGES, 1))} if chance.maybe() else {}
    answers = {"crawl_paths": " ".join(chance.some(PATHS, 1))} if chance.maybe() else {}
    content = {"kind": kind, "crawl": crawl, "answers": answers, "fields": list(chance.some(tuple(POSTS.fields), 2)), "rows": rows}
    asked = application(**content)
    approved = approval(chance, asked, application(**content))
    terms = contract(chance, approved)
    return Chain(asked, approved, terms, bounds(chance, terms), details(chance, terms))


def approval(chance: Chance, asked: Application, approved: Application) -> Application:
    """What the desk grants: anything at all where the house takes it, else a part of what was asked."""
    wanted = Narrowed(
        fields=chance.some(tuple(POSTS.fields), 1),
        rows={"lang": chance.some(LANGUAGES)} if chance.maybe() else {},
        crawl=chance.maybe(),
        starts=STARTS + timedelta(days=chance.number(-3, 20)),
        ends=ENDS - timedelta(days=chance.number(-3, 20)),
    )
    if widening(asked, wanted) is not None:
        kept = {name: chance.some(tuple(values), 1) for name, values in asked.rows.items()}
        later = timedelta(days=chance.number(0, 20))
        fields = chance.some(tuple(asked.fields), 1)
        wanted = Narrowed(fields=fields, rows=kept, crawl=asked.crawl, starts=STARTS + later, ends=ENDS - later)
    assert widening(asked, wanted) is None
    narrow_to(approved, wanted)
    return approved


def contract(chance: Chance, approved: Application) -> Terms:
    """Terms drawn at random where they may be agreed; else the part of them that may be, else the proposal."""
    proposed, most = propose(approved, POSTS, SETTINGS.platform.site), ceiling(approved, SETTINGS)
    other, part = chance.terms(), chance.part("posts")
    names = chance.some(tuple(Terms.model_fields))
    changed: dict[str, Any] = {name: getattr(other, name) for name in names if name not in ("version", "datasets", "starts", "ends")}
    changed["starts"] = proposed.starts + timedelta(days=chance.number(-2, 6))
    changed["ends"] = proposed.ends + timedelta(days=chance.number(-9, 2))
    if chance.maybe():
        changed["networks"] = ()
    fields = chance.some(tuple(POSTS.fields), 1)
    # Some conditions name fields that the dataset does not have: those are refused.
    changed["datasets"] = (part.model_copy(update={"fields": fields, "pseudonymised": tuple(set(fields) & {"id", "author_id"})}),)
    try:
        terms = Terms.model_validate({**dict(proposed), **changed})
    except ValidationError:
        return proposed
    assert most is not None
    for each in (terms, narrow(terms, most), narrow(terms, proposed)):
        if each is not None and within(each, approved, SETTINGS) is None:
            return each
    return proposed


def bounds(chance: Chance, terms: Terms) -> Bounds:
    """A credential's own bounds, each left out where the house refuses it."""
    networks, last = (
        () if chance.maybe() else chance.some(NETWORKS)[: chance.number(0, 2)],
        terms.starts + timedelta(days=chance.number(0, 60)),
    )
    return Bounds(
        networks=() if networks_problem(networks, terms) else networks,
        last_day=None if last_day_problem(last, terms, STARTS) or chance.maybe() else last,
        datasets=frozenset() if datasets_problem(["posts"], terms) or chance.maybe() else frozenset({"posts"}),
    )


def details(chance: Chance, terms: Terms) -> Details:
    """What a token was narrowed to, where the house grants it."""
    if chance.maybe():
        return ()
    wanted = {"type": "dataset-access", "dataset": "posts", "fields": list(chance.some(tuple(POSTS.fields), 1))}
    found = granted(json.dumps([wanted]), [], terms, "https://data.example/v1")
    return () if isinstance(found, str) else found


def grant(made: Chain) -> Grant:
    """As the hot path has it: the terms as they come out of the sealed JSON."""
    clients = MappingProxyType({"cli_1": frozenset(["records:read"])})
    terms = from_json(to_json(made.terms))
    return Grant("ctr_1", 1, 1, "org_1", "hash", "active", terms, clients, bounds=MappingProxyType({"cli_1": made.bounds}))


def answered(chance: Chance, made: Chain) -> tuple[Allowed | Refusal, str, date]:
    """One request, drawn at random, as decided."""
    fields = () if chance.maybe() else chance.some(tuple(POSTS.fields if chance.maybe() else made.terms.datasets[0].fields))[:3]
    filters = (Filter("lang", "eq", chance.one(LANGUAGES)),) if chance.maybe() else ()
    query = Query(fields, 10, "", "research" if chance.maybe() else "", filters)
    address, day = chance.one(ADDRESSES), made.terms.starts + timedelta(days=chance.number(-1, 30))
    family = "fam_1" if chance.maybe() else ""
    claims = Claims("cli_1", "ctr_1", 1, frozenset(["records:read"]), "tok_1", MOMENT, "api", details=made.details, family=family)
    return decide(grant(made), claims, DATASET, query, address, day), address, day


def of_chain(made: Chain, allowed: Allowed, address: str, day: date) -> list[str]:
    """In what an answer goes beyond any step before it, by rules written here anew."""
    part, names = made.terms.datasets[0], {column.name for column in allowed.columns}
    clear = {column.name for column in allowed.columns if not column.pseudonym}
    nets = [each for each in (made.terms.networks, made.bounds.networks) if each]
    languages = set(LANGUAGES)
    for test in leaves(allowed.tests):
        if test.column.name == "lang":
            languages &= set(test.value) if isinstance(test.value, tuple) else {str(test.value)}
    rules = {
        "asked fields": names <= set(made.asked.fields),
        "approved fields": names <= set(made.approved.fields),
        "agreed fields": names <= set(part.fields),
        "token's fields": not made.details or names <= set(made.details[0].fields),
        "pseudonyms": not clear & {"id", "author_id", *part.pseudonymised},
        "asked rows": languages <= set(made.asked.rows.get("lang", LANGUAGES)),
        "approved rows": languages <= set(made.approved.rows.get("lang", LANGUAGES)),
        "asked dates": STARTS <= day <= ENDS,
        "approved dates": made.approved.starts is not None
        and made.approved.ends is not None
        and made.approved.starts <= day <= made.approved.ends,
        "agreed dates": made.terms.starts <= day <= made.terms.ends,
        "credential's last day": made.bounds.last_day is None or day <= made.bounds.last_day,
        "networks": all(any(ip_address(address) in ip_network(each) for each in named) for named in nets),
        "purpose": allowed.purpose == made.asked.purpose and allowed.purpose in made.terms.purposes,
        "volume": allowed.cap <= min(made.terms.records_per_day, POSTS.max_records_per_day),
        "duties": made.asked.kind == "dsa-40-4" or None not in (made.terms.erasure_hours, made.terms.retention_days),
        "website": made.asked.crawl or made.terms.crawl is None,
        "asked paths": made.terms.crawl is None or all(_asked(path, made.asked) for path in made.terms.crawl.paths),
    }
    return [name for name, holds in rules.items() if not holds]


def _asked(path: str, asked: Application) -> bool:
    named = str(asked.answers.get("crawl_paths", "/")).split()
    return any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in named)


@settings(max_examples=1000, derandomize=True, deadline=None)
@given(st.integers(0, 2**48))
def test_no_step_of_a_chain_widens(seed: int) -> None:
    chance = Chance(seed)
    made = chain(chance)
    most, approved = ceiling(made.asked, SETTINGS), ceiling(made.approved, SETTINGS)
    assert most is not None and approved is not None
    assert (wider(approved, most), wider(made.terms, approved), wider(made.terms, most)) == ((), (), ())
    for _ in range(4):
        verdict, address, day = answered(chance, made)
        if isinstance(verdict, Allowed):
            assert of_chain(made, verdict, address, day) == []


def test_the_chains_are_not_all_refused() -> None:
    found: list[str] = []
    for seed in range(200):
        chance = Chance(seed)
        verdict = answered(chance, chain(chance))[0]
        found.append("" if isinstance(verdict, Allowed) else verdict.code)
    assert 40 <= found.count("") <= 160
    assert {"contract_not_active", "network_not_in_contract", "field_not_in_contract", "not_in_token", "user_required"} <= set(found)
