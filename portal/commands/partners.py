"""`licet partners import`: agreements that were signed before Licet, read from a file; nothing is in force before two of staff confirm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sqlmodel import Session

from contracts.agreements.reading import Line, read
from contracts.agreements.service import stage, twin_of
from contracts.clock import day_in, long_day
from contracts.people.queries import find_account, members, organisation_named
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.ground import clock_of


def import_agreements(settings: Settings, file: Path, *, write: bool) -> list[Line]:
    """Every line with what is wrong with it. Kept, for staff to confirm, where `write` is given and nothing is wrong with any."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        store = Store(engine, clock_of(settings), settings.node)
        found = read(file, settings, day_in(store.clock.now(), settings.platform.time_zone))
        with store.read() as session:
            found = [replace(line, problems=(*line.problems, *_against_store(session, line))) for line in found]
        if write and not any(line.problems for line in found):
            with store.write("import") as unit:
                stage(unit, found)
    finally:
        engine.dispose()
    return found


def lines(found: list[Line]) -> Iterator[str]:
    """What `licet partners import` prints: each agreement, and beneath it what is to be mended."""
    for line in found:
        until = f", until {long_day(line.terms.ends)}" if line.terms else ""
        yield f"{'mend' if line.problems else 'fine'}  line {line.number}: {line.organisation}, “{line.title}”{until}, contact {line.contact_email}"
        yield from (f"      {problem}" for problem in line.problems)


def _against_store(session: Session, line: Line) -> Iterator[str]:
    if line.terms is not None and line.pdf and twin_of(session, line) is not None:
        yield "The same document with the same terms is here already."
    account = find_account(session, line.contact_email)
    home = organisation_named(session, line.organisation)
    if account is not None and not (home and any(row.account_id == account.id for row in members(session, home.id))):
        yield "The contact's address has an account already that works for another organisation."
