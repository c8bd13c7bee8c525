"""A request for records, read from its query string: fields, limit, cursor, purpose and filters. Nothing unknown is skipped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast, get_args

from contracts.access.formats import FORMATS
from contracts.datasets.plan import All, AnyOf, Not, Op, Tree
from contracts.errors import Refusal

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000
MAX_STREAM = 1_000_000
MAX_PARAMETERS = 40
OPERATORS = get_args(Op)
MAX_SEED = 2**31 - 1
RESERVED = ("fields", "limit", "cursor", "purpose", "format", "sample", "seed")

_SHARE, _SEED = re.compile(r"[01](\.[0-9]{1,6})?"), re.compile(r"[0-9]{1,10}")
_LIMIT = re.compile(r"[0-9]{1,7}")


Given = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition as it was asked: its value still text, or a tuple of texts for `in`; as JSON has it where it is `typed`."""

    field: str
    op: Op
    value: Given | tuple[Given, ...]
    typed: bool = False

    @property
    def shape(self) -> str:
        """Field and operator, which the ledger holds in clear; the value is personal."""
        return f"{self.field}.{self.op}"


@dataclass(frozen=True, slots=True)
class Sampled:
    """A random sample as it was asked for: so many millionths of all records, the same ones for the same seed."""

    millionths: int
    seed: int

    @property
    def shape(self) -> str:
        """The share, such as `sample(0.01)`."""
        return f"sample({Decimal(self.millionths).scaleb(-6).normalize():f})"


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked. No fields means all of the contract's, no purpose its first. Records meet every one of the filters.

    `form` is that of the answer: a page of JSON, or a stream (`formats.FORMATS`).
    """

    fields: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    purpose: str = ""
    filters: tuple[Tree[Filter], ...] = ()
    form: str = "json"
    sample: Sampled | None = None


def shape_of(tree: Tree[Filter]) -> str:
    """A condition without its values, such as `or(lang.eq,not(likes.gte))`."""
    match tree:
        case All(parts):
            return f"and({','.join(map(shape_of, parts))})"
        case AnyOf(parts):
            return f"or({','.join(map(shape_of, parts))})"
        case Not(part):
            return f"not({shape_of(part)})"
        case _:
            return tree.shape


def parse(pairs: Sequence[tuple[str, str]], form: str = "json") -> Query | Refusal:
    """The query of decoded name and value pairs, or `invalid_input` / `filter_not_possible`.

    `form` is the one of the answer where the pairs name none.
    """
    if len(pairs) > MAX_PARAMETERS:
        return _invalid("parameters", f"Send at most {MAX_PARAMETERS} parameters.")
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        code = "invalid_input" if twice in RESERVED else "filter_not_possible"
        return Refusal(code, f"`{twice[:80]}` is given twice. Give it once; several values of a field go into `.in`.")
    given = {name: value for name, value in pairs if name in RESERVED}
    form = given.get("format", form)
    limit = given.get("limit", str(DEFAULT_LIMIT))
    wrong = wrong_form(form, int(limit) if _LIMIT.fullmatch(limit) else 0)
    if wrong is not None:
        return wrong
    fields = tuple(given["fields"].split(",")) if "fields" in given else ()
    if len(set(fields)) != len(fields) or "" in fields:
        return _invalid("fields", "`fields` are the names of fields with commas between, each once.")
    sample = sampled(given.get("sample"), given.get("seed"))
    if isinstance(sample, Refusal):
        return sample
    filters = [_filter(name, value) for name, value in pairs if name not in RESERVED]
    for found in filters:
        if isinstance(found, Refusal):
            return found
    return Query(fields, int(limit), given.get("cursor", ""), given.get("purpose", ""), tuple(cast("list[Filter]", filters)), form, sample)


def wrong_form(form: str, limit: int) -> Refusal | None:
    """`invalid_input` for a form that there is not, or a limit that the form does not take."""
    if form not in FORMATS:
        return _invalid("format", f"`format` is one of {', '.join(FORMATS)}.")
    most = MAX_LIMIT if form == "json" else MAX_STREAM
    return None if 1 <= limit <= most else _invalid("limit", f"`limit` is a number from 1 to {most}.")


def sampled(share: str | None, seed: str | None) -> Sampled | Refusal | None:
    """The sample of a share and a seed as text; None where no share is given, `invalid_input` for what is none."""
    if share is None:
        return None if seed is None else _invalid("seed", "`seed` chooses a sample, so give the share as `sample`.")
    if not _SHARE.fullmatch(share) or not 0 < Decimal(share) <= 1:
        return _invalid("sample", "`sample` is a share above 0 and up to 1 with at most six decimals, such as 0.01.")
    if not _SEED.fullmatch(seed or "0") or int(seed or "0") > MAX_SEED:
        return _invalid("seed", f"`seed` is a number from 0 to {MAX_SEED}.")
    return Sampled(int(Decimal(share).scaleb(6)), int(seed or "0"))


def _filter(name: str, value: str) -> Filter | Refusal:
    field, _, op = name.partition(".")
    if (op or "eq") not in OPERATORS or name.endswith("."):
        reason = f"`{op[:20]}` is no operator. Use {', '.join(OPERATORS)}, such as `created_at.gte=2026-01-01T00:00:00Z`."
        return Refusal("filter_not_possible", reason)
    return Filter(field, cast(Op, op or "eq"), tuple(value.split(",")) if op == "in" else value)


def _invalid(field: str, reason: str) -> Refusal:
    return Refusal("invalid_input", reason, {"fields": {field: reason}})
