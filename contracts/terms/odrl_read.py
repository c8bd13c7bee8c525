"""Reading an ODRL Agreement of our profile back into terms: everything is understood, or nothing is taken.

Each word is looked up first, so that what is unknown is named. Then the terms are read from where the profile puts them and written
again: a document that differs from that in anything but the order of its rules is refused, so that no rule, constraint or party is
ever passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from contracts.errors import Refused, refuse
from contracts.ledger.stage import canonical
from contracts.terms.model import Terms
from contracts.terms.odrl import CAPS, CREDENTIALS, Node, Parties, to_odrl
from contracts.terms.odrl_words import (
    ACTIONS,
    CURRENCY,
    DATASET,
    FIELD,
    GRAIN_OPERANDS,
    OPERANDS,
    OPERATORS,
    PURPOSE,
    ROW_OPERATORS,
    use_of,
)
from contracts.terms.purposes import PROHIBITED

_OURS = {odrl: ours for ours, odrl in ROW_OPERATORS.items()}
_DURATION = re.compile(r"PT?([0-9]{1,6})[DHY]")
_RULES = ("permission", "prohibition", "obligation")


def from_odrl(document: object) -> tuple[Terms, Parties]:
    """The terms and parties of an agreement.

    Raises `odrl_not_understood` with what was not: an unknown operand, operator or action, anything beside the profile's form, or
    terms that the model refuses.
    """
    if not isinstance(document, dict):
        raise _not_understood("An agreement is a JSON object.")
    try:
        _check_words(document)
        terms, parties = _terms(document), _parties(document)
        is_whole = _unordered(to_odrl(terms, parties)) == _unordered(document)
    except ValidationError as error:
        raise _not_understood(f"Its terms do not hold together: {error.errors()[0]['msg']}.") from error
    except (KeyError, TypeError, ValueError, IndexError, StopIteration, AttributeError, RecursionError) as error:
        raise _not_understood("It is not built as the profile says.") from error
    if not is_whole:
        raise _not_understood("It says something beside, or in contradiction to, the terms that were read from it.")
    return terms, parties


def _check_words(document: Node) -> None:
    for kind in _RULES:
        for rule in document[kind]:
            for node in (rule, *rule.get("duty", [])):
                for action in _actions(node):
                    if action not in ACTIONS and use_of(action) not in PROHIBITED:
                        raise _not_understood(f"The action {action[:80]} is unknown.")
                for each in _constraints(node):
                    _check_constraint(each)


def _check_constraint(each: Node) -> None:
    operand, operator = str(each["leftOperand"]), str(each["operator"])
    if operand not in OPERANDS and not operand.startswith(FIELD):
        raise _not_understood(f"The operand {operand[:80]} is unknown.")
    if operator not in OPERATORS:
        raise _not_understood(f"The operator {operator[:80]} is unknown.")


def _actions(rule: Node) -> Iterator[str]:
    for each in _listed(rule["action"]):
        yield str(each["rdf:value"]["@id"]).removeprefix("odrl:") if isinstance(each, dict) else str(each)


def _constraints(rule: Node) -> Iterator[Node]:
    yield from rule.get("constraint", [])
    target = rule.get("target")
    for refined in (target, *_listed(rule["action"])):
        if isinstance(refined, dict):
            yield from refined.get("refinement", [])


def _terms(document: Node) -> Terms:
    reading = [rule for rule in document["permission"] if rule["target"]["source"].startswith(DATASET)]
    fetching = [rule for rule in document["permission"] if rule not in reading]
    shared = reading[0]["constraint"]
    shown = _right(shared, "licet:credential", "isAllOf") or []
    values: Node = {
        "datasets": tuple(_dataset(rule) for rule in reading),
        "purposes": tuple(each["@id"].removeprefix(PURPOSE) for each in _right(shared, "purpose", "isAnyOf")),
        "prohibited": tuple(use_of(rule["action"]) for rule in document["prohibition"]),
        **{name: _right(shared, operand, "lteq") for name, operand in CAPS.items()},
        **{name: word in shown for name, word in CREDENTIALS.items()},
        "crawl": _crawl(fetching[0]) if fetching else None,
        "networks": tuple(_right(shared, "licet:network", "isAnyOf") or ()),
        "starts": _right(shared, "dateTime", "gteq")["@value"],
        "ends": _right(shared, "dateTime", "lteq")["@value"],
        "territory": tuple(_right(shared, "spatial", "isAnyOf") or ()),
        "price": _price(reading[0]),
        "exports": "licet:export" in _actions(reading[0]),
        "aggregates": _aggregates(reading[0]),
        **_duties(document["obligation"]),
    }
    return Terms.model_validate_json(canonical(values))


def _dataset(rule: Node) -> Node:
    name, refinement = rule["target"]["source"].removeprefix(DATASET), rule["target"]["refinement"]
    prefix = f"{FIELD}{name}:"
    rows = [
        {"field": each["leftOperand"].removeprefix(prefix), "op": _OURS[each["operator"]], "value": each["rightOperand"]}
        for each in refinement
        if each["leftOperand"].startswith(FIELD)
    ]
    return {
        "dataset": name,
        "fields": _right(refinement, "licet:fields", "isAnyOf"),
        "rows": rows,
        "pseudonymised": _right(refinement, "licet:pseudonymised", "isAllOf") or [],
        "generalised": {
            field: grain for grain, operand in GRAIN_OPERANDS.items() for field in _right(refinement, operand, "isAllOf") or []
        },
    }


def _crawl(rule: Node) -> Node:
    pages = rule["target"]["refinement"]
    return {
        "hosts": _right(pages, "licet:host", "isAnyOf"),
        "paths": _right(pages, "licet:path", "isAnyOf"),
        "requests_per_second": _right(rule["constraint"], "licet:requestsPerSecond", "lteq"),
    }


def _aggregates(rule: Node) -> Node | None:
    actions = list(_actions(rule))
    if "licet:aggregate" not in actions:
        return None
    limits = rule["constraint"]
    fewest = _right(limits, "licet:people", "gteq")
    return {"queries": _right(limits, "licet:aggregateQueries", "lteq"), "people": fewest, "alone": "use" not in actions}


def _price(rule: Node) -> Node | None:
    if "duty" not in rule:
        return None
    amount = next(each for each in rule["duty"][0]["action"][0]["refinement"] if each["leftOperand"] == "payAmount")
    return {"per_1000": amount["rightOperand"]["@value"], "currency": amount["unit"]["@id"].removeprefix(CURRENCY)}


def _duties(obligations: list[Node]) -> Node:
    found: Node = {"retention_days": None, "erasure_hours": None}
    for rule in obligations:
        limits, after = rule["constraint"], _right(rule["constraint"], "event", "gt")
        match rule["action"]:
            case "delete":
                name = "retention_days" if after == {"@id": "licet:contractEnd"} else "erasure_hours"
                found[name] = _number(_right(limits, "delayPeriod", "lteq"))
            case "licet:refresh":
                found["refresh_days"] = _number(_right(limits, "timeInterval", "lteq"))
            case "licet:certify":
                found["certificate_days"] = _number(_right(limits, "delayPeriod", "lteq"))
            case "licet:admitAudit":
                notice = _number(_right(limits, "delayPeriod", "gteq"))
                found["audit"] = {"per_year": _right(limits, "count", "lteq"), "notice_days": notice}
            case "licet:publishFree":
                found["publish_free"] = True
    return found


def _parties(document: Node) -> Parties:
    us, them = document["assigner"], document["assignee"]
    return Parties(document["uid"], us["uid"], us["licet:name"], them["uid"], them["licet:name"])


def _right(constraints: list[Node], operand: str, operator: str) -> Any:
    """What the constraint is on the right; None where it is not there."""
    fitting = (each for each in constraints if (each["leftOperand"], each["operator"]) == (operand, operator))
    return next((each["rightOperand"] for each in fitting), None)


def _number(duration: Node) -> int:
    found = _DURATION.fullmatch(duration["@value"])
    if found is None:
        raise ValueError(duration["@value"])
    return int(found[1])


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _unordered(document: Node) -> bytes:
    """The document with its rules and constraints in one order: JSON-LD gives the order of neither a meaning."""

    def sort(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: sort(each, key) for key, each in value.items()}
        if isinstance(value, list):
            each = [sort(item) for item in value]
            return sorted(each, key=canonical) if name in (*_RULES, "constraint", "refinement") else each
        return value

    return canonical(sort(document))


def _not_understood(reason: str) -> Refused:
    return refuse("odrl_not_understood", f"This is no agreement that Licet can keep. {reason}")
