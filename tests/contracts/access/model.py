"""A slow reference model of the data plane. It knows nothing of plans, SQL or engines: it goes through records one by one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from contracts.datasets.samples import sample_of
from contracts.datasets.shuffle import shuffle_of
from contracts.datasets.values import read
from tests.harness.data import FIELDS

Row = dict[str, Any]
Outcome = tuple[list[list[Row]], list[str], int]
RANGES = ("eq", "in", "gte", "gt", "lte", "lt")
OPS = {"string": ("eq", "in", "prefix", "contains"), "boolean": ("eq", "in")}
ASKED = ("lang", "country", "likes", "score", "edited", "created_at")
PEOPLE = ("a0", "a1", "a2", "it's", "ä%_\\")
MOMENTS = [
    datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 4, tzinfo=UTC),
    datetime(2026, 1, 1, 4, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 1, 2, tzinfo=UTC),
    datetime(2026, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
HELD: dict[str, list[Any]] = {
    "lang": ["de", "en", "fr", "", "e'n", None],
    "country": ["GB", "DE", "SE", "Ü%_\\", None],
    "likes": [-3, 0, 3, 17, 49, 2**62, None],
    "score": [-3.75, 0.25, 5.0, 12.5, 1e300, None],
    "edited": [True, False, None],
    "text": ['"grüß dich", said \\ nobody', "two\nlines by @anna", "", "see https://x.example/@anna or ask a.b@c.example.", None],
}
# What a contract may be given in place of these fields' values. Regions bear the names of other values.
GRAINED: Row = {
    **FIELDS,
    "lang": {"type": "string", "grains": ["region"], "regions": {"de": "en", "en": "de", "e'n": "de"}},
    "created_at": {"type": "timestamp", "grains": ["day", "month"]},
    "text": {**FIELDS["text"], "grains": ["masked"]},
}
MASKED = {HELD["text"][1]: "two\nlines by [account]", HELD["text"][3]: "see [link] or ask [account]."}
VALUES: dict[str, list[Any]] = {
    "lang": ["de", "en", "fr", "d", "", "e'n"],
    "country": ["GB", "DE", "S", "XX", "%", "Ü%_\\"],
    "likes": [-1, 0, 3, 17, 49, 2**62],
    "score": [0.25, 5, 12.5, 1e300],
    "edited": [True, False],
    "created_at": ["2026-01-01T00:00:00Z", "2026-01-01T05:00:00+01:00", "2026-01-02", "1970-01-01"],
}


def some_records(run: int, seed: int, count: int) -> list[Row]:
    """Records that no earlier run had, in any order; a fifth may not be served, for one of three reasons or several."""
    chance = random.Random(seed)
    made = []
    for place in range(count):
        who = chance.choice([*PEOPLE, None])
        row = {"id": f"{run:06d}-{place:04d}", "author_id": who, "author_handle": who and f"@{who}", "created_at": chance.choice(MOMENTS)}
        row |= {name: chance.choice(values) for name, values in HELD.items()}
        # The first is served, because a file of JSON without records names no fields.
        made.append({**row, **{mark: place > 0 and chance.random() < 0.1 for mark in ("is_deleted", "objects", "erased")}})
    chance.shuffle(made)
    return made


def is_served(row: Row) -> bool:
    """Whether anybody may be given the record."""
    return not (row["is_deleted"] or row["objects"] or row["erased"])


@st.composite
def leaf_nodes(draw: st.DrawFn) -> Row:
    """One test; a person is named by the model's own name, which becomes the contract's pseudonym when it is asked."""
    if draw(st.integers(0, 5)) == 0:
        return {"field": "author_id", "op": "eq", "who": draw(st.sampled_from([*PEOPLE, "nobody"]))}
    name = draw(st.sampled_from(ASKED))
    op = draw(st.sampled_from(OPS.get(FIELDS[name]["type"], RANGES)))
    values = st.sampled_from(VALUES[name])
    return {"field": name, "op": op, "value": draw(st.lists(values, min_size=1, max_size=3) if op == "in" else values)}


def trees() -> st.SearchStrategy[Row]:
    """Conditions in the form of requests."""

    def more(parts: st.SearchStrategy[Row]) -> st.SearchStrategy[Row]:
        several = st.lists(parts, min_size=1, max_size=3)
        return st.one_of(*(st.fixed_dictionaries({word: inner}) for word, inner in (("and", several), ("or", several), ("not", parts))))

    return st.recursive(leaf_nodes(), more, max_leaves=5)


@st.composite
def rows_of_terms(draw: st.DrawFn) -> list[Row]:
    """Row filters as terms take them: by the values themselves, no texts' parts, no fractions."""
    found = [each for each in draw(st.lists(leaf_nodes(), max_size=2)) if each["op"] not in ("prefix", "contains")]
    plain = [{"field": each["field"], "op": each["op"], "value": each.get("who", each.get("value"))} for each in found]
    return [each for each in plain if each["field"] != "score"]


def seen(row: Row, grains: Row) -> Row:
    """A record with the values that are told of it where fields are generalised."""
    found = dict(row)
    if "created_at" in grains:
        found["created_at"] = row["created_at"].date() if grains["created_at"] == "day" else f"{row['created_at']:%Y-%m}"
    if "lang" in grains:
        found["lang"] = GRAINED["lang"]["regions"].get(row["lang"])
    if "text" in grains:
        found["text"] = MASKED.get(row["text"], row["text"])
    return found


def worded(node: Row | None, grains: Row) -> Row | None:
    """A condition by times as one by days or months, where the field is given so."""
    if node is None or "created_at" not in grains:
        return node
    for word in ("and", "or"):
        if word in node:
            return {word: [worded(part, grains) for part in node[word]]}
    if "not" in node:
        return {"not": worded(node["not"], grains)}
    if node["field"] != "created_at":
        return node
    size = {"day": 10, "month": 7}[grains["created_at"]]
    return {**node, "value": [each[:size] for each in node["value"]] if isinstance(node["value"], list) else node["value"][:size]}


def fits(row: Row, node: Row) -> bool:
    """Whether a record meets a condition. One without a value meets no test."""
    if "and" in node:
        return all(fits(row, part) for part in node["and"])
    if "or" in node:
        return any(fits(row, part) for part in node["or"])
    if "not" in node:
        return not fits(row, node["not"])
    mine = row[node["field"]]
    if mine is None or "who" in node:
        return mine is not None and bool(mine == node["who"])
    kind = _kind(node["field"], mine)
    have: Any = mine.replace(tzinfo=None) if isinstance(mine, datetime) else mine
    bounds: list[Any] = [read(kind, _given(each)) for each in (node["value"] if isinstance(node["value"], list) else [node["value"]])]
    return _RULES[node["op"]](have, bounds)


_RULES: dict[str, Callable[[Any, list[Any]], bool]] = {
    "eq": lambda have, bounds: have in bounds,
    "in": lambda have, bounds: have in bounds,
    "prefix": lambda have, bounds: have[: len(bounds[0])] == bounds[0],
    "contains": lambda have, bounds: have.find(bounds[0]) >= 0,
    "gte": lambda have, bounds: bool(have > bounds[0] or have == bounds[0]),
    "lte": lambda have, bounds: bool(have < bounds[0] or have == bounds[0]),
    "gt": lambda have, bounds: bool(have > bounds[0]),
    "lt": lambda have, bounds: bool(have < bounds[0]),
}


def _kind(name: str, value: Any) -> str:
    """The type in which a condition is given: that of a day or month where the time is told so."""
    if name == "created_at" and not isinstance(value, datetime):
        return "date" if isinstance(value, date) else "month"
    return str(FIELDS[name]["type"])


def _given(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else value


def named(node: Row | None) -> set[str]:
    """The fields of a condition."""
    if node is None:
        return set()
    inner = node.get("and") or node.get("or") or ([node["not"]] if "not" in node else [])
    return {node["field"]} if "field" in node else set().union(*map(named, inner))


def with_pseudonyms(node: Row, of: Callable[[str, str], str]) -> Row:
    """The condition as a request has it, with the contract's pseudonyms for people."""
    if "who" in node:
        return {"field": node["field"], "op": node["op"], "value": of(node["field"], node["who"])}
    for word in ("and", "or"):
        if word in node:
            return {word: [with_pseudonyms(part, of) for part in node[word]]}
    return {"not": with_pseudonyms(node["not"], of)} if "not" in node else node


@dataclass
class Model:
    """What one contract is given, asked one thing after another. `pseudonym` is its own; `numbers` are the records' ordinals."""

    rows: list[Row]
    numbers: dict[str, int]
    terms: Row
    pseudonym: Callable[[str, str], str]
    sample_key: bytes
    used: int = 0
    seen: set[str] = field(default_factory=set)

    @property
    def fields(self) -> list[str]:
        """The contract's fields in the dataset's order."""
        return [name for name in FIELDS if name in self.terms["datasets"][0]["fields"]]

    @property
    def grains(self) -> Row:
        """The fields that are generalised, each with its grain."""
        found: Row = self.terms["datasets"][0].get("generalised", {})
        return found

    def inside(self) -> list[Row]:
        """The records that the contract sees, as it sees them, in order; its row filter is on the values themselves."""
        within = [seen(row, self.grains) for row in self.rows if all(fits(row, each) for each in self.terms["datasets"][0]["rows"])]
        return sorted(within, key=self._place)

    def _place(self, row: Row) -> Any:
        """Where a record stands: in time, and within a day or month that is all that is told of it by a number of the contract's own."""
        number = self.numbers[row["id"]]
        if "created_at" not in self.grains:
            return row["created_at"], number
        return row["created_at"], shuffle_of(self.grains["created_at"], self.sample_key).place(number), number

    def matching(self, asked: Row) -> list[Row]:
        """The records that a query finds."""
        found = [row for row in self.inside() if asked["where"] is None or fits(row, asked["where"])]
        if asked["sample"] is None:
            return found
        sample = sample_of(*asked["sample"], self.sample_key)
        return [row for row in found if sample.takes(self.numbers[row["id"]])]

    def refusal(self, asked: Row) -> str | None:
        """Why a query goes no further, by its words alone."""
        return None if {*asked["fields"], *named(asked["where"])} <= set(self.fields) else "field_not_in_contract"

    def shown(self, row: Row, names: Sequence[str]) -> Row:
        """A record as the contract sees it."""
        return {name: self._shown(name, row[name]) for name in names}

    def _shown(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in ("id", "author_id"):
            return self.pseudonym(name, value)
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return value.isoformat() if isinstance(value, date) else value

    def pages(self, asked: Row) -> Outcome:
        """All pages of a query, the refusal that ended them if one did, and what they cost."""
        if self.refusal(asked) is not None:
            return [], ["field_not_in_contract"], 0
        before, pages = self.used, list[list[Row]]()
        ended = [code for code in self._paged(self.matching(asked), asked["limit"], pages) if code]
        names = asked["fields"] or self.fields
        return [[self.shown(row, names) for row in page] for page in pages], ended, self.used - before

    def _paged(self, matching: list[Row], limit: int, pages: list[list[Row]]) -> Iterator[str]:
        """Pages until no record is left, or a quota is: the day's, or that of different records."""
        cap, most, at = self.terms["records_per_day"], self.terms.get("distinct_records"), 0
        while True:
            page = matching[at : at + limit][: cap - self.used]
            if self.used >= cap:
                yield "quota_exhausted"
                return
            kept = page if most is None else page[: self._different(page, most)]
            if page and not kept:
                yield "distinct_exhausted"
                return
            pages.append(kept)
            self.used, at = self.used + len(kept), at + len(kept)
            self.seen |= {row["id"] for row in kept}
            if at >= len(matching):
                return

    def _different(self, page: list[Row], most: int) -> int:
        """How many records of a page, in order, bring no more than so many different ones."""
        known = set(self.seen)
        for place, row in enumerate(page):
            known.add(row["id"])
            if len(known) > most:
                return place
        return len(page)
