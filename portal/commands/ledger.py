"""`licet ledger verify`: the whole ledger recomputed, and said in lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from contracts.anchors.closing import close_log
from contracts.anchors.logs import current_origin
from contracts.anchors.status import Standing, standing
from contracts.anchors.tables import Log
from contracts.errors import Misconfigured
from contracts.keys import KeyRing, master_key
from contracts.ledger.erasing import Erased, erase
from contracts.ledger.reached import Resume, read_reached
from contracts.ledger.service import inspect
from contracts.ledger.verify import Report
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.leader import SEQUENCER, Leader
from contracts.store.unit import Store
from portal.alone import is_served
from portal.commands.monitor import telling
from portal.ground import clock_of


def verify_ledger(settings: Settings, held: Path | None = None, state: Path | None = None) -> Report:
    """Recompute the ledger of an installation, against a checkpoint that someone kept where one is given.

    With a file for it, what was read is kept there, and the next check goes on behind it, also where this one is interrupted. A ledger
    that does not verify opens an incident that staff see. `Misconfigured` where the file is something else.
    """
    checkpoint = held.read_text(encoding="utf-8") if held else None
    resume = _resume(state) if state else None
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        with telling() as progress:
            return inspect(Store(engine, clock_of(settings), settings.node), KeyRing(master_key(settings)), progress, checkpoint, resume)
    finally:
        engine.dispose()


def _resume(state: Path) -> Resume:
    try:
        return Resume(read_reached(state), lambda reached: reached.save(state))
    except ValueError as error:
        raise Misconfigured("state", f"{error}.", "Name another file, or take it away and have everything read.") from error


def anchored(settings: Settings) -> Standing:
    """Who outside holds the ledger, as far as what they signed holds."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        with Store(engine, clock_of(settings), settings.node).read() as session:
            return standing(session, settings.anchors, current_origin(session, settings))
    finally:
        engine.dispose()


def anchor_lines(found: Standing) -> Iterator[str]:
    """What it prints of anchors; a witness that holds another history comes first."""
    yield from (f"WRONG  {each}" for each in found.refusals)
    yield from found.problems
    yield found.sentence()


def close_and_open(settings: Settings, why: str, key: str) -> Log:
    """Close the log and open the next, while nothing signs; `Misconfigured` where a portal or worker runs."""
    mend = "Stop the portal and every worker, close the log, and start them again."
    if is_served(settings.home):
        raise Misconfigured("portal", "is running, and signs checkpoints.", mend)
    engine = open_engine(settings.database_url, settings.subject_folder)
    store = Store(engine, clock_of(settings), settings.node)
    leader = Leader(store, SEQUENCER)
    try:
        if not leader.leads():
            raise Misconfigured("worker", "is running, and signs checkpoints.", mend)
        return close_log(store, KeyRing(master_key(settings)), settings, why, key)
    finally:
        leader.resign()
        engine.dispose()


def erase_values(settings: Settings, subject: str, reason: str) -> Erased:
    """Erase as the operator on the machine, whom the entry names so. Raises what `contracts.ledger.erasing.erase` does."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        store = Store(engine, clock_of(settings), settings.node)
        roles = frozenset({Role.COMPLIANCE})
        operator = Actor("operator", "", "Operator", "", roles, second_factor_at=store.clock.now())
        return erase(store, operator, subject, reason)
    finally:
        engine.dispose()


def erased_lines(erased: Erased) -> Iterator[str]:
    """What `licet ledger erase` prints: what went, and what waits, why and until when."""
    gone = erased.entries - erased.held
    yield f"Erased values of {gone} entries. The erasure is {erased.id} in the ledger; docs/erasing.md says what stays."
    if erased.hold is not None:
        hold = erased.hold
        yield f"Values of {erased.held} entries wait: the hold {hold.id} names them until {hold.ends_at.date() - timedelta(days=1)}."
        yield f"Its ground: {hold.ground}"
        yield "They are erased by themselves when no hold names them any more. There is nothing to do."


def lines(report: Report) -> Iterator[str]:
    """What `licet ledger verify` prints; the first wrong entry comes first."""
    if report.ok:
        yield f"The ledger is whole: {report.size} entries, {report.checkpoints} checkpoints, {report.erased} values erased."
        if report.pruned:
            yield f"Pruned ({report.pruned}): the period of these entries is over; their hashes are in the tree as before."
        yield f"Root {report.root}"
        if report.before:
            yield f"An earlier check read the first {report.before} entries; leave --state away to have them read again."
        return
    for problem in report.problems:
        place = "" if problem.index is None else f"entry {problem.index} ({problem.entry_id}): "
        yield f"WRONG  {place}{problem.what}"
    yield f"The ledger does not verify: {len(report.problems)} problems in {report.size} entries."
