"""What a search of the ledger found: one page of entries, how many there are, and what else there is to narrow it down by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from contracts.ledger.queries import PAGE, TimelineRow, at_places, by_decision, search
from contracts.search.find import FACETS, Day, count, places
from portal.pages.compliance.asked import Asked

SHOWN_VALUES = 8
TITLES = {
    "event": "What happened",
    "organisation_id": "Partner",
    "dataset": "Dataset",
    "purpose": "Purpose",
    "rule": "Rule",
}
_PARAMETER = {"organisation_id": "organisation"}
Facet = tuple[str, str, int | None, bool]


@dataclass(frozen=True, slots=True)
class Page:
    """One page, newest first. `next` is the place below which the next one goes on; `days` are newest first."""

    rows: list[TimelineRow]
    count: int
    next: int | None
    decisions: Mapping[str, int]
    facets: Mapping[str, Counter[str]] = field(default_factory=dict)
    days: Sequence[Day] = ()


NOTHING = Page([], 0, None, {})


def page_of(session: Session, wanted: Asked) -> Page:
    """Answer a search that is right. An id or number is looked up as it is; everything else goes by kinds and days of entries."""
    if wanted.search is None:
        return NOTHING
    if wanted.search.is_exact:
        found = search(session, wanted.search)
        return Page(found.rows, found.count, found.next, by_decision(session, wanted.search))
    asked = wanted.question()
    answer = count(session, asked, facets=FACETS)
    met = places(session, asked, answer.days, PAGE + 1, wanted.search.cursor)
    rows = at_places(session, met[:PAGE])
    more = met[PAGE - 1] if len(met) > PAGE else None
    return Page(rows, answer.count, more, answer.facets["decision"], answer.facets, answer.days)


def facets_of(wanted: Asked, found: Page, names: Mapping[str, str], base: str) -> list[tuple[str, list[Facet]]]:
    """Each facet that divides what was found, with links: its title, and value, address, count and whether it is chosen."""
    shown = []
    for facet, title in TITLES.items():
        parameter = _PARAMETER.get(facet, facet)
        chosen, values = wanted.parts.get(parameter, ""), found.facets.get(facet, Counter())
        if len(values) > 1 or chosen:
            every: Facet = ("Any", wanted.path(base, **{parameter: ""}), None, not chosen)
            links = [
                (names.get(value, value), wanted.path(base, **{parameter: value}), n, value == chosen) for value, n in _most(values, chosen)
            ]
            shown.append((title, [every, *links]))
    return shown


def _most(values: Counter[str], chosen: str) -> list[tuple[str, int]]:
    most = values.most_common(SHOWN_VALUES)
    return most if not chosen or chosen in dict(most) else [*most, (chosen, values[chosen])]
