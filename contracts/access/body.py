"""A request for records, read from JSON: what `query.parse` reads from a query string, and conditions nested with and, or and not.

Strict: an unknown or doubled member, another type of value, or more of anything than the limits allow is refused, never skipped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import orjson

from contracts.access.query import DEFAULT_LIMIT, OPERATORS, Filter, Query, sampled, wrong_form
from contracts.datasets.plan import All, AnyOf, Not, Op, Tree
from contracts.errors import Refusal, Refused, refuse

MAX_BODY_BYTES = 65_536
MAX_DEPTH = 8
MAX_TESTS = 40
MAX_VALUES = 500
MEMBERS = ("where", "fields", "limit", "cursor", "purpose", "format", "sample", "seed")
_TEXTS = ("cursor", "purpose", "format")
_LEAF = {"field", "op", "value"}
_GROUPS: dict[str, type[All[Filter] | AnyOf[Filter]]] = {"and": All, "or": AnyOf}


def parse_body(raw: bytes, form: str = "json") -> Query | Refusal:
    """The query of a JSON object, or `bad_request`, `invalid_input` or `filter_not_possible`; `form` as for `query.parse`."""
    try:
        return _query(_object(raw), form)
    except Refused as refused:
        return refused.refusal


def _object(raw: bytes) -> dict[str, Any]:
    try:
        orjson.loads(raw)  # the stricter of the two: UTF-8, no NaN, no half of a character
        found = json.loads(raw, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise refuse("bad_request", "The body is not one JSON object (RFC 8259) whose members each stand once.") from error
    if not isinstance(found, dict):
        raise refuse("bad_request", "The body is not one JSON object (RFC 8259) whose members each stand once.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member stands twice")
    return found


def _query(body: dict[str, Any], form: str) -> Query:
    unknown = next((name for name in body if name not in MEMBERS), None)
    if unknown is not None:
        raise _invalid(unknown[:80], f"A query has the members {', '.join(MEMBERS)} and no other.")
    limit, fields = body.get("limit", DEFAULT_LIMIT), body.get("fields")
    texts = {"cursor": "", "purpose": "", "format": form} | {name: body[name] for name in _TEXTS if name in body}
    not_text = next((name for name, value in texts.items() if not isinstance(value, str)), None)
    if not_text is not None:
        raise _invalid(not_text, f"`{not_text}` is a text.")
    wrong = wrong_form(texts["format"], limit if type(limit) is int else 0)
    if wrong is not None:
        raise Refused(wrong)
    if fields is not None and not _are_names(fields):
        raise _invalid("fields", "`fields` is a list of names of fields, each once.")
    sample = sampled(*(_number(body, name) for name in ("sample", "seed")))
    if isinstance(sample, Refusal):
        raise Refused(sample)
    return Query(tuple(fields or ()), limit, texts["cursor"], texts["purpose"], _filters(body), texts["format"], sample)


def _number(body: dict[str, Any], name: str) -> str | None:
    """A number as text; other things as a text that is no number."""
    value = body.get(name)
    if name not in body:
        return None
    return f"{Decimal(repr(value)):f}" if isinstance(value, int | float) and not isinstance(value, bool) else "no number"


def _are_names(fields: object) -> bool:
    return isinstance(fields, list) and bool(fields) and all(isinstance(each, str) for each in fields) and len(set(fields)) == len(fields)


def _filters(body: dict[str, Any]) -> tuple[Tree[Filter], ...]:
    if "where" not in body:
        return ()
    tests: list[Filter] = []
    tree = _tree(body["where"], 1, tests)
    return tree.parts if isinstance(tree, All) else (tree,)


def _tree(node: object, depth: int, tests: list[Filter]) -> Tree[Filter]:
    """The condition; its tests are added to `tests`, which counts them."""
    if depth > MAX_DEPTH:
        raise refuse("filter_not_possible", f"Conditions are nested {MAX_DEPTH} deep at most.")
    if not isinstance(node, dict):
        raise _unknown()
    if set(node) == _LEAF:
        return _leaf(node, tests)
    if len(node) != 1:
        raise _unknown()
    ((word, inner),) = node.items()
    if word == "not":
        return Not(_tree(inner, depth + 1, tests))
    if word not in _GROUPS or not isinstance(inner, list) or not inner:
        raise _unknown()
    return _GROUPS[word](tuple(_tree(part, depth + 1, tests) for part in inner))


def _leaf(node: dict[str, Any], tests: list[Filter]) -> Filter:
    field, op, value = node["field"], node["op"], node["value"]
    if not isinstance(field, str) or op not in OPERATORS:
        raise refuse("filter_not_possible", f"A test names a field and one of the operators {', '.join(OPERATORS)}.")
    values = value if isinstance(value, list) else [value]
    if (op == "in") != isinstance(value, list) or not values or not all(isinstance(each, str | int | float) for each in values):
        raise refuse(
            "filter_not_possible", "`in` takes a list of values, every other operator one; a value is a text, a number or true or false."
        )
    found = Filter(field, cast(Op, op), tuple(values) if op == "in" else value, typed=True)
    tests.append(found)
    _check_size(tests)
    return found


def _check_size(tests: Sequence[Filter]) -> None:
    if len(tests) > MAX_TESTS:
        raise refuse("filter_not_possible", f"A query has {MAX_TESTS} tests at most.")
    if sum(len(each.value) if isinstance(each.value, tuple) else 1 for each in tests) > MAX_VALUES:
        raise refuse("filter_not_possible", f"A query has {MAX_VALUES} values at most.")


def _unknown() -> Refused:
    forms = '{"and": [...]}, {"or": [...]}, {"not": {...}} or {"field": ..., "op": ..., "value": ...}'
    return refuse("filter_not_possible", f"Each condition is one of {forms}, with at least one part and nothing beside it.")


def _invalid(field: str, reason: str) -> Refused:
    return refuse("invalid_input", reason, fields={field: reason})
