"""Timelines that stay readable under a busy contract: runs of the same thing are one line, and what people did is never pushed out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from contracts.ledger.queries import Search, TimelineRow, about, search

RECENT = 120
DEEDS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a row, or a run of equal ones. `times` is how many; the entry is the newest of them, `rows` counts all records."""

    entry_id: str
    index: int | None
    at: datetime
    text: str
    who: str
    rule: str
    refused: bool
    rows: int | None
    times: int = 1


def fold(rows: Iterable[TimelineRow | Line]) -> list[Line]:
    """Rows as lines, newest first; neighbours that differ only in time, entry and count become one."""
    lines: list[Line] = []
    for row in rows:
        line = row if isinstance(row, Line) else _line(row)
        last = lines[-1] if lines else None
        if last is not None and (last.text, last.who, last.rule, last.refused) == (line.text, line.who, line.rule, line.refused):
            counted = None if last.rows is None and line.rows is None else (last.rows or 0) + (line.rows or 0)
            lines[-1] = replace(last, rows=counted, times=last.times + line.times)
        else:
            lines.append(line)
    return lines


def story(session: Session, thing: str, most: int = 15) -> list[Line]:
    """What happened to a contract or an organisation: the latest entries, and what people did even where requests are many."""
    recent = about(session, thing, limit=RECENT)
    wanted = (
        Search(organisation=thing, decision="done", limit=DEEDS)
        if thing.startswith("org_")
        else Search(contract=thing, decision="done", limit=DEEDS)
    )
    known = {each.entry_id for each in recent}
    older = [each for each in search(session, wanted).rows if each.entry_id not in known]
    return fold(_newest_first([*recent, *older]))[:most]


def _newest_first(rows: Sequence[TimelineRow]) -> list[TimelineRow]:
    waiting = [each for each in rows if each.index is None]
    placed = [each for each in rows if each.index is not None]
    return [*waiting, *sorted(placed, key=lambda each: each.index or 0, reverse=True)]


def _line(row: TimelineRow) -> Line:
    return Line(row.entry_id, row.index, row.at, row.text, row.who, row.rule, row.refused, row.rows)
