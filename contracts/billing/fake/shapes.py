"""Stripe's wire shapes: form bodies with brackets in, JSON objects and errors out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Params = dict[str, Any]

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]+\])*)")


class StripeRefusal(Exception):
    """An error answer: status and Stripe's error object."""

    def __init__(self, status: int, message: str, *, code: str = "", param: str = "", kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        details = {"code": code, "param": param}
        self.body = {"error": {"message": message, "type": kind, **{name: value for name, value in details.items() if value}}}


@dataclass(frozen=True, slots=True)
class Shape:
    """The parameters of one endpoint: `name`, `name[key]` for a map with that key, `name[*]` for a map with any keys."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def check(self, flat: Mapping[str, str]) -> None:
        """Raise `StripeRefusal` for a parameter that the endpoint does not know, then for one that is missing."""
        known = (*self.required, *self.optional)
        for name in flat:
            if name not in known and f"{name.partition('[')[0]}[*]" not in known:
                raise StripeRefusal(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        for name in self.required:
            if not any(given == name or (name.endswith("[*]") and given.startswith(name[:-2])) for given in flat):
                wanted = name.removesuffix("[*]")
                raise StripeRefusal(400, f"Missing required param: {wanted}.", code="parameter_missing", param=wanted)


def flatten(encoded: str) -> dict[str, str]:
    """Parameters of a form body or query string by their bracketed names; the last of a repeated one counts."""
    return dict(parse_qsl(encoded, keep_blank_values=True))


def nest(flat: Mapping[str, str]) -> Params:
    """`{"a[b]": "1"}` as `{"a": {"b": "1"}}`."""
    nested: Params = {}
    for name, value in flat.items():
        match = _NAME.fullmatch(name)
        if match is None:
            raise StripeRefusal(400, f"Invalid parameter name: {name}", code="parameter_unknown", param=name)
        *parents, leaf = [match[1], *re.findall(r"\[([^\[\]]+)\]", match[2])]
        here = nested
        for parent in parents:
            here = here.setdefault(parent, {})
        here[leaf] = value
    return nested


def integer(params: Mapping[str, Any], name: str, default: int) -> int:
    """The whole number in a parameter."""
    given = params.get(name, str(default))
    if not re.fullmatch(r"-?\d{1,15}", str(given)):
        raise StripeRefusal(400, f"Invalid integer: {given}", code="parameter_invalid_integer", param=name)
    return int(given)


def page(rows: list[dict[str, Any]], url: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """A list object: at most `limit` (1 to 100, 10 by default) of the rows after the object `starting_after`."""
    limit = integer(params, "limit", 10)
    if not 1 <= limit <= 100:
        raise StripeRefusal(400, "Invalid integer: limit must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    ids = [row["id"] for row in rows]
    after = params.get("starting_after")
    if after is not None and after not in ids:
        raise StripeRefusal(400, f"No such object: '{after}'", code="resource_missing", param="starting_after")
    start = ids.index(after) + 1 if after is not None else 0
    return {"object": "list", "url": url, "has_more": start + limit < len(rows), "data": rows[start : start + limit]}
