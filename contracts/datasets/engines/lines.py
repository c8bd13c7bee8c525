"""Reads pages from a version's lines: sets of places say which records, and their JSON is there already.

Answers what DuckDB would, byte for byte, or None: for tests on fields of many values, pseudonyms among them, for samples, and for
generalised fields. Which of both it is depends on the plan and on what the version serves, never on a record that is hidden.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import structlog

from contracts.datasets.codes import DIGITS
from contracts.datasets.engines.lines_file import Codes, Lines, named
from contracts.datasets.engines.lines_sets import Meeting, remembering, together
from contracts.datasets.files import codes_file, lines_file, pseudonym_file, version_file
from contracts.datasets.plan import Page, Plan
from contracts.deliveries.ordinals import Ordinals

_VERSIONS_OPEN = 2
_FILES_OPEN = 256

log = structlog.get_logger()

T = TypeVar("T")
Opened = tuple[Lines, Meeting]


class LinePages:
    """Keeps the lines of the last versions open, and the codes of the contracts that were last asked for. Safe for threads."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._open: dict[Path, Any] = {}

    def page(self, plan: Plan) -> Page | None:
        """The page; erased records are passed over here, before anyone else sees them. None where the lines do not answer the plan."""
        if plan.sample is not None or plan.shuffle is not None:
            return None
        try:
            lines, meeting = self._opened(lines_file(version_file(self._home, plan.dataset, plan.version)), _open_lines)
            codes = self._codes(plan)
        except FileNotFoundError:
            # A version of before there were lines, or of a dataset that wants none; what else is missing the other engine says.
            return None
        except (OSError, ValueError) as error:
            log.error("lines.failed", error=type(error).__name__)
            return None
        if any(column.coarse is not None or lines.types.get(column.name) != column.type for column in plan.columns):
            return None
        found = together([meeting(test) for test in plan.tests], lines.rows)
        return None if found is None else _page(plan, lines, codes, found)

    def _codes(self, plan: Plan) -> Codes | None:
        """The contract's pseudonyms, where the page shows any."""
        if not any(column.pseudonym for column in plan.columns):
            return None
        file = pseudonym_file(self._home, plan.dataset, plan.version, plan.contract_id, plan.pseudonyms)
        return self._opened(codes_file(file), lambda file: Codes(file, len(plan.pseudonyms)))

    def _opened(self, file: Path, opening: Callable[[Path], T]) -> T:
        """What a file holds, opened once. Files of versions but a dataset's last that were asked for go, and those not asked for longest."""
        with self._lock:
            found: T | None = self._open.pop(file, None)
            if found is None:
                found = opening(file)
                self._retire(file)
            self._open[file] = found
        return found

    def _retire(self, opened: Path) -> None:
        versions = [each for each in [*self._open, opened] if each.suffix == ".lines" and each.parent == opened.parent]
        gone = {each.stem for each in versions[:-_VERSIONS_OPEN]}
        for each in [each for each in self._open if each.parent == opened.parent and each.name.partition(".")[0] in gone]:
            del self._open[each]
        while len(self._open) >= _FILES_OPEN:
            del self._open[next(iter(self._open))]


def _open_lines(file: Path) -> Opened:
    lines = Lines(file)
    return lines, remembering(lines)


def _page(plan: Plan, lines: Lines, codes: Codes | None, found: Ordinals) -> Page:
    fields, start = [list(lines.types).index(column.name) for column in plan.columns], lines.behind(plan.after, plan.version)
    places = list(islice(found.iter_equal_or_larger(start), plan.limit + 1))
    ordinals, times, columns = lines.read(places, fields)
    if plan.excluded.intersection(Ordinals(ordinals)):
        kept = (each for each in found.iter_equal_or_larger(start) if lines.order(each)[1] not in plan.excluded)
        places = list(islice(kept, plan.limit + 1))
        ordinals, times, columns = lines.read(places, fields)
    if codes is not None:
        _put_in(plan, codes.read(places), columns)
    rows = ["{" + ",".join(each) + "}" for each in zip(*columns, strict=True)]
    most = plan.limit
    return Page(rows[:most], ordinals[:most], list(zip(places, times, strict=True))[:most], plan.version, more=len(rows) > most)


def _put_in(plan: Plan, codes: Sequence[str], columns: list[list[str]]) -> None:
    """Put pseudonyms in the place of the values that they stand for."""
    for number, column in enumerate(plan.columns):
        if column.pseudonym:
            start = DIGITS * plan.pseudonyms.index(column.name)
            columns[number] = [named(column.name, each[start : start + DIGITS]) for each in codes]
