"""The desk's lists: filtered by state and words, paged by key, counted; and the same rows as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select
from starlette.responses import Response

from contracts.applications.states import WAITING, State
from contracts.applications.tables import Application
from contracts.ledger.exports.formats import plain
from contracts.lifecycle.tables import Contract
from contracts.people.tables import Organisation

PAGE = 50
CSV_AT_MOST = 10_000
Row = TypeVar("Row", Application, Contract)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for: a state (empty for all), words to find, and the id after which to go on."""

    state: str = ""
    q: str = ""
    after: str = ""
    most: int = PAGE

    def path(self, base: str, **change: str) -> str:
        """The link that shows this list, with some parts changed; paging starts over unless `after` is given."""
        parts = {"state": self.state, "q": self.q} | change
        query = urlencode({name: value for name, value in parts.items() if value})
        return f"{base}?{query}" if query else base


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """One page of rows with the organisation's name; counts by state are of everything that fits the words."""

    rows: list[tuple[Row, str]]
    counts: dict[str, int]
    count: int
    next: str


# What the facets of the list of applications stand for.
GROUPS: dict[str, frozenset[State]] = {
    "waiting": WAITING,
    "returned": frozenset({State.RETURNED}),
    "approved": frozenset({State.APPROVED}),
    "declined": frozenset({State.DECLINED, State.UPHELD}),
    "ended": frozenset({State.WITHDRAWN, State.EXPIRED, State.STOPPED}),
}


def applications(session: Session, wanted: Wanted) -> Listing[Application]:
    """Applications that were handed in, newest first; of those that wait for staff, the one due first at the top."""
    shown = col(Application.submitted_at).is_not(None)
    words = _words(wanted.q, Application.project, Application.id)
    if wanted.state not in GROUPS:
        return _listing(session, Application, shown, words, wanted)
    group = shown & col(Application.state).in_([state.value for state in GROUPS[wanted.state]])
    every = _listing(session, Application, shown, words, replace(wanted, state="", most=0))
    if wanted.state == "waiting":
        return replace(_by_due(session, group, words, wanted), counts=every.counts)
    return replace(_listing(session, Application, group, words, replace(wanted, state="")), counts=every.counts)


def contracts(session: Session, wanted: Wanted) -> Listing[Contract]:
    """Contracts, newest first."""
    return _listing(session, Contract, None, _words(wanted.q, Contract.title, Contract.id), wanted)


def as_csv(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The rows as a file. A value that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([plain(value) for value in row] for row in rows)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "cache-control": "no-store"}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _listing(
    session: Session, table: type[Row], shown: ColumnElement[bool] | None, words: ColumnElement[bool] | None, wanted: Wanted
) -> Listing[Row]:
    fitting = [each for each in (shown, words) if each is not None]
    joined = col(Organisation.id) == col(table.organisation_id)
    counted = select(table.state, func.count()).join(Organisation, joined).where(*fitting).group_by(table.state)
    counts = dict(session.exec(counted).all())
    query = select(table, Organisation.name).join(Organisation, joined).where(*fitting)
    if wanted.state:
        query = query.where(table.state == wanted.state)
    if wanted.after:
        query = query.where(col(table.id) < wanted.after)
    found = session.exec(query.order_by(col(table.id).desc()).limit(wanted.most + 1)).all()
    rows = [(row, name) for row, name in found[: wanted.most]]
    more = rows[-1][0].id if rows and len(found) > wanted.most else ""
    return Listing(rows, counts, counts.get(wanted.state, 0) if wanted.state else sum(counts.values()), more)


def _by_due(session: Session, group: ColumnElement[bool], words: ColumnElement[bool] | None, wanted: Wanted) -> Listing[Application]:
    fitting = [each for each in (group, words) if each is not None]
    joined = col(Organisation.id) == col(Application.organisation_id)
    counted = select(func.count()).select_from(Application).join(Organisation, joined).where(*fitting)
    query = select(Application, Organisation.name).join(Organisation, joined).where(*fitting)
    last = session.get(Application, wanted.after) if wanted.after else None
    if last is not None and last.decide_by is not None:
        later = col(Application.decide_by) > last.decide_by
        query = query.where(later | ((col(Application.decide_by) == last.decide_by) & (col(Application.id) > last.id)))
    found = session.exec(query.order_by(col(Application.decide_by), col(Application.id)).limit(wanted.most + 1)).all()
    rows = [(row, name) for row, name in found[: wanted.most]]
    return Listing(rows, {}, session.exec(counted).one(), rows[-1][0].id if len(found) > wanted.most else "")


def _words(q: str, title: str, key: str) -> ColumnElement[bool] | None:
    if not q.strip():
        return None
    like = "%" + q.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return or_(col(title).ilike(like, escape="\\"), col(Organisation.name).ilike(like, escape="\\"), col(key) == q.strip())
