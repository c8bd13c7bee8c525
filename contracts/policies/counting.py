"""What of a dataset's policy says what may be counted and summed without reading records; pure.

Buckets and bounds are held as they are: other ones, however narrow, tell differences that the confirmed ones did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contracts.sections import Aggregates

Counting = Mapping[str, Any] | None

# Which of two numbers hides more.
STRICTER: dict[str, Callable[[int, int], int]] = {"people": max, "dominance": max, "noise": max, "max_queries": min}
FIELDS = ("by", "sums")


def counting_of(section: Aggregates | None) -> dict[str, Any]:
    """The part of a policy; nothing where nothing may be counted."""
    return {} if section is None else {"aggregates": section.model_dump(mode="json")}


def counting_widenings(wanted: Counting, held: Counting) -> Iterator[str]:
    """Each way in which the wanted policy tells more than the held one, as a sentence."""
    if wanted is None:
        return
    if held is None:
        yield "Partners may count and sum records without reading them."
        return
    for name, stricter in STRICTER.items():
        if stricter(wanted[name], held[name]) != wanted[name]:
            yield _NUMBER[name].format(was=held[name], now=wanted[name])
    for part in FIELDS:
        for name in sorted(wanted[part]):
            if wanted[part][name] != held[part].get(name):
                yield _FIELD[part].format(field=name)


def narrower_counting(wanted: Counting, held: Counting) -> dict[str, Any]:
    """What neither of the two would refuse."""
    if wanted is None or held is None:
        return {}
    numbers = {name: stricter(wanted[name], held[name]) for name, stricter in STRICTER.items()}
    shared = {part: {name: each for name, each in wanted[part].items() if each == held[part].get(name)} for part in FIELDS}
    return {"aggregates": numbers | shared}


def held_counting(section: Aggregates | None, policy: Counting, fields: Mapping[str, Any]) -> Aggregates | None:
    """The section as the policy and the fields that it leaves let it stand."""
    if section is None or policy is None:
        return None
    kept = {
        part: {name: each for name, each in getattr(section, part).items() if name in policy[part] and name in fields} for part in FIELDS
    }
    return section.model_copy(update={name: policy[name] for name in STRICTER} | kept)


_NUMBER = {
    "people": "Cells of {now:,} people are told instead of {was:,}.",
    "dominance": "A cell is told where all but its two largest contributors add {now} % of the largest instead of {was} %.",
    "noise": "Counts are moved by at most {now:,} records instead of {was:,}.",
    "max_queries": "A contract may allow {now:,} questions about counts instead of {was:,}.",
}
_FIELD = {
    "by": "Records may be counted by the field {field}, in the buckets that the settings name.",
    "sums": "The field {field} may be summed within the bounds that the settings name.",
}
