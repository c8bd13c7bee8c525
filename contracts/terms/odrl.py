"""A contract's terms as an ODRL 2.2 Agreement in JSON-LD (https://www.w3.org/TR/odrl-model/), under our own profile.

Closed world: what no permission names is not allowed, and where permission and prohibition meet the prohibition holds
(`conflict: prohibit`). `odrl_read.from_odrl` gives exactly the terms back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.terms.model import Aggregates, Condition, CrawlTerms, DatasetTerms, Price, Terms, terms_hash, to_json
from contracts.terms.odrl_words import (
    CONTEXT,
    CURRENCY,
    DATASET,
    FIELD,
    GRAIN_OPERANDS,
    PROFILE,
    PURPOSE,
    ROW_OPERATORS,
    WEBSITE,
    use_action,
)

Node = dict[str, Any]

PER_RECORDS = 1_000
CREDENTIALS = {"named_users": "named-user", "bound_tokens": "bound-token", "oauth_only": "oauth-token"}
CAPS = {
    "requests_per_second": "licet:requestsPerSecond",
    "records_per_day": "licet:recordsPerDay",
    "records_in_period": "licet:recordsInPeriod",
    "distinct_records": "licet:distinctRecords",
    "bytes_per_day": "licet:bytesPerDay",
    "bytes_in_period": "licet:bytesInPeriod",
    "concurrent_requests": "licet:concurrentRequests",
}


@dataclass(frozen=True, slots=True)
class Parties:
    """Which agreement it is and who made it: IRIs, and names for people."""

    uid: str
    assigner: str
    assigner_name: str
    assignee: str
    assignee_name: str


def to_odrl(terms: Terms, parties: Parties) -> Node:
    """The agreement. Holds the SHA-256 of the canonical terms, so that a copy can be held against the sealed contract."""
    permissions = [_permission(terms, part) for part in terms.datasets]
    crawls = [] if terms.crawl is None else [_fetching(terms, terms.crawl)]
    return {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": parties.uid,
        "profile": PROFILE,
        "conflict": "prohibit",
        "licet:termsSha256": terms_hash(to_json(terms)),
        "assigner": {"@type": "Party", "uid": parties.assigner, "licet:name": parties.assigner_name},
        "assignee": {"@type": "Party", "uid": parties.assignee, "licet:name": parties.assignee_name},
        "permission": permissions + crawls,
        "prohibition": [{"target": _targets(terms), "action": use_action(code)} for code in terms.prohibited],
        "obligation": _obligations(terms),
    }


def constraint(operand: str, operator: str, right: object, **more: object) -> Node:
    """One constraint (section 2.5 of the model)."""
    return {"leftOperand": operand, "operator": operator, "rightOperand": right, **more}


def _permission(terms: Terms, part: DatasetTerms) -> Node:
    refinement = [constraint("licet:fields", "isAnyOf", list(part.fields))]
    if part.pseudonymised:
        refinement.append(constraint("licet:pseudonymised", "isAllOf", list(part.pseudonymised)))
    for grain, operand in GRAIN_OPERANDS.items():
        named = sorted(name for name, agreed in part.generalised.items() if agreed == grain)
        refinement += [constraint(operand, "isAllOf", named)] if named else []
    refinement += [_condition(part.dataset, each) for each in part.rows]
    caps = [constraint(operand, "lteq", cap) for name, operand in CAPS.items() if (cap := getattr(terms, name)) is not None]
    shown = [word for name, word in CREDENTIALS.items() if getattr(terms, name)]
    caps += [] if terms.aggregates is None else _counting(terms.aggregates)
    rule: Node = {
        "target": {"@type": "AssetCollection", "source": f"{DATASET}{part.dataset}", "refinement": refinement},
        "action": _actions(terms),
        "constraint": [*_everywhere(terms), *caps, *([constraint("licet:credential", "isAllOf", shown)] if shown else [])],
    }
    return rule if terms.price is None else {**rule, "duty": [_payment(terms.price)]}


def _actions(terms: Terms) -> str | list[str]:
    found = [] if terms.aggregates is not None and terms.aggregates.alone else ["use"]
    found += ["licet:export"] if terms.exports else []
    found += ["licet:aggregate"] if terms.aggregates is not None else []
    return found if len(found) > 1 else found[0]


def _counting(aggregates: Aggregates) -> list[Node]:
    found = [constraint("licet:aggregateQueries", "lteq", aggregates.queries)]
    return found if aggregates.people is None else [*found, constraint("licet:people", "gteq", aggregates.people)]


def _fetching(terms: Terms, crawl: CrawlTerms) -> Node:
    pages = [constraint("licet:host", "isAnyOf", list(crawl.hosts)), constraint("licet:path", "isAnyOf", list(crawl.paths))]
    pace = constraint("licet:requestsPerSecond", "lteq", crawl.requests_per_second)
    return {
        "target": {"@type": "AssetCollection", "source": WEBSITE, "refinement": pages},
        "action": "licet:fetch",
        "constraint": [*_everywhere(terms), pace],
    }


def _everywhere(terms: Terms) -> list[Node]:
    """What holds for every permission: purposes, dates, countries, networks."""
    found = [
        constraint("purpose", "isAnyOf", [{"@id": f"{PURPOSE}{each}"} for each in terms.purposes]),
        constraint("dateTime", "gteq", _typed(terms.starts.isoformat(), "date")),
        constraint("dateTime", "lteq", _typed(terms.ends.isoformat(), "date")),
    ]
    if terms.territory:
        found.append(constraint("spatial", "isAnyOf", list(terms.territory)))
    return [*found, constraint("licet:network", "isAnyOf", list(terms.networks))] if terms.networks else found


def _condition(dataset: str, each: Condition) -> Node:
    right = list(each.value) if isinstance(each.value, tuple) else each.value
    return constraint(f"{FIELD}{dataset}:{each.field}", ROW_OPERATORS[each.op], right)


def _payment(price: Price) -> Node:
    amount = constraint("payAmount", "eq", _typed(price.per_1000, "decimal"), unit={"@id": f"{CURRENCY}{price.currency}"})
    refinement = [amount, constraint("licet:perRecords", "eq", PER_RECORDS)]
    return {"action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": refinement}]}


def _obligations(terms: Terms) -> list[Node]:
    found: list[tuple[str, list[Node]]] = []
    if terms.retention_days is not None:
        found.append(("delete", _after("licet:contractEnd", f"P{terms.retention_days}D")))
    if terms.erasure_hours is not None:
        found.append(("delete", _after("licet:erasureReport", f"PT{terms.erasure_hours}H")))
    if terms.refresh_days is not None:
        found.append(("licet:refresh", [constraint("timeInterval", "lteq", _typed(f"P{terms.refresh_days}D", "duration"))]))
    if terms.certificate_days is not None:
        found.append(("licet:certify", _after("licet:deletionDue", f"P{terms.certificate_days}D")))
    if terms.audit is not None:
        notice = constraint("delayPeriod", "gteq", _typed(f"P{terms.audit.notice_days}D", "duration"))
        often = [constraint("count", "lteq", terms.audit.per_year), constraint("timeInterval", "eq", _typed("P1Y", "duration"))]
        found.append(("licet:admitAudit", [*often, notice]))
    if terms.publish_free:
        found.append(("licet:publishFree", []))
    return [{"target": _targets(terms), "action": action, "constraint": constraints} for action, constraints in found]


def _after(event: str, within: str) -> list[Node]:
    return [constraint("event", "gt", {"@id": event}), constraint("delayPeriod", "lteq", _typed(within, "duration"))]


def _targets(terms: Terms) -> list[str]:
    return [f"{DATASET}{each.dataset}" for each in terms.datasets]


def _typed(value: str, kind: str) -> Node:
    return {"@value": value, "@type": f"xsd:{kind}"}
