"""Reads pages from a version's lines: sets of places say which records, and their JSON is there already.

Answers what DuckDB would, byte for byte, or None: for tests on fields of many values, pseudonyms among them, for samples, and for
generalised fields. Which of both it is depends on the plan and on what the version serves, never on a record that is hidden.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import structlog

from contracts.datasets.codes import DIGITS
from contracts.datasets.engines.lines_file import Codes, Lines, told
from contracts.datasets.engines.lines_sets import Meeting, remembering, together
from contracts.datasets.files import codes_file, lines_file, pseudonym_file, version_file
from contracts.datasets.plan import Page, Plan
from contracts.deliveries.ordinals import Ordinals

_VERSIONS_OPEN = 2
_FILES_OPEN = 256

log = structlog.get_logger()

T = TypeVar("T")
Opened = tuple[Lines, Meeting]
# A record's JSON, of its place and its fields.
Write = Callable[[int, list[str]], str]


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
        records = version_file(self._home, plan.dataset, plan.version)
        try:
            lines, meeting = self._opened(lines_file(records), _open_lines)
            write = self._writes(plan, lines)
        except FileNotFoundError:
            # A version of before there were lines, or of a dataset that wants none; what else is missing the other engine says.
            return None
        except (OSError, ValueError) as error:
            log.error("lines.failed", error=type(error).__name__)
            return None
        found = together([meeting(test) for test in plan.tests], lines.rows)
        return None if found is None or write is None else _page(plan, lines, found, write)

    def _writes(self, plan: Plan, lines: Lines) -> Write | None:
        """How a record's JSON is put together; None where a field is generalised, or is another than the version has."""
        for column in plan.columns:
            if column.coarse is not None or lines.types.get(column.name) != column.type:
                return None
        fields = list(lines.types)
        places = [fields.index(column.name) for column in plan.columns]
        coded = [column.name for column in plan.columns if column.pseudonym]
        if not coded:
            return lambda _, line: "{" + ",".join([line[each] for each in places]) + "}"
        named = pseudonym_file(self._home, plan.dataset, plan.version, plan.contract_id, plan.pseudonyms)
        codes = self._opened(codes_file(named), lambda file: Codes(file, len(plan.pseudonyms)))
        replaced = [(fields.index(name), f'"{name}":', DIGITS * plan.pseudonyms.index(name)) for name in coded]

        def write(place: int, line: list[str]) -> str:
            digits = codes.read(place)
            for field, name, start in replaced:
                line[field] = name + told(digits[start : start + DIGITS])
            return "{" + ",".join([line[each] for each in places]) + "}"

        return write

    def _opened(self, file: Path, opening: Callable[[Path], T]) -> T:
        """What a file holds, opened once. Files of versions but a dataset's last that were asked for go, and those not asked for longest."""
        with self._lock:
            found: T | None = self._open.pop(file, None)
            self._open[file] = found = opening(file) if found is None else found
            versions = [each for each in self._open if each.suffix == ".lines" and each.parent == file.parent]
            gone = {each.stem for each in versions[:-_VERSIONS_OPEN]}
            for each in [each for each in self._open if each.parent == file.parent and each.name.partition(".")[0] in gone]:
                del self._open[each]
            while len(self._open) > _FILES_OPEN:
                del self._open[next(iter(self._open))]
        return found


def _open_lines(file: Path) -> Opened:
    lines = Lines(file)
    return lines, remembering(lines)


def _page(plan: Plan, lines: Lines, found: Ordinals, write: Write) -> Page:
    rows, ordinals, marks = list[str](), list[int](), list[tuple[int, int]]()
    for place in found.iter_equal_or_larger(lines.behind(plan.after, plan.version)):
        ordinal, time, line = lines.read(place)
        if ordinal in plan.excluded:
            continue
        if len(rows) == plan.limit:
            return Page(rows, ordinals, marks, plan.version, more=True)
        rows.append(write(place, line))
        ordinals.append(ordinal)
        marks.append((place, time))
    return Page(rows, ordinals, marks, plan.version, more=False)
