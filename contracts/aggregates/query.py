"""A question for counts and sums, read from its query string: measures, by, purpose, and one bucket a field. Nothing unknown is skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import Refusal

MOST_FIELDS = 3
MOST_MEASURES = 8
RESERVED = ("measures", "by", "purpose")
PLAIN = ("count", "distinct")
OF_FIELD = ("sum", "avg")


@dataclass(frozen=True, slots=True)
class MeasureAsked:
    """One number of each cell: `count`, `distinct` (people), or `sum` and `avg` of a field."""

    kind: str
    field: str = ""

    @property
    def name(self) -> str:
        """How the question and its answer call it, such as `sum:likes`."""
        return f"{self.kind}:{self.field}" if self.field else self.kind


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. The fields of filters count as fields that the table goes by."""

    measures: tuple[MeasureAsked, ...] = (MeasureAsked("count"),)
    by: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    purpose: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that the table goes by, each once, in one order, so that the same table is the same whoever asks how."""
        return tuple(sorted({*self.by, *(name for name, _ in self.filters)}))

    @property
    def summed(self) -> tuple[str, ...]:
        """The fields that are summed, each once, in one order."""
        return tuple(sorted({each.field for each in self.measures if each.field}))


def parse(pairs: Sequence[tuple[str, str]]) -> Question | Refusal:
    """The question of decoded name and value pairs, or `invalid_input`."""
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return _invalid(twice, f"`{twice[:80]}` is given twice. A field is held to one bucket; group by it to see several.")
    given = {name: value for name, value in pairs if name in RESERVED}
    by = tuple(given["by"].split(",")) if "by" in given else ()
    if "" in by or len(set(by)) != len(by):
        return _invalid("by", "`by` are the names of fields with commas between, each once.")
    measures = [_measure(each) for each in given.get("measures", "count").split(",")]
    known = tuple(each for each in measures if each is not None)
    if len(known) != len(measures) or len(set(known)) != len(known) or len(known) > MOST_MEASURES:
        reason = f"`measures` are at most {MOST_MEASURES} of count, distinct, sum:FIELD and avg:FIELD with commas between, each once."
        return _invalid("measures", reason)
    question = Question(known, by, tuple(pair for pair in pairs if pair[0] not in RESERVED), given.get("purpose", ""))
    if len(question.fields) > MOST_FIELDS:
        return _invalid("by", f"A table goes by at most {MOST_FIELDS} fields, those that are filtered among them.")
    return question


def _measure(text: str) -> MeasureAsked | None:
    kind, colon, field = text.partition(":")
    if text in PLAIN:
        return MeasureAsked(text)
    return MeasureAsked(kind, field) if kind in OF_FIELD and colon and field else None


def _invalid(field: str, reason: str) -> Refusal:
    return Refusal("invalid_input", reason, {"fields": {field[:80]: reason}})
