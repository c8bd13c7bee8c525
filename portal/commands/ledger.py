"""`licet ledger verify`: the whole ledger recomputed, and said in lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contracts.anchors.closing import close_log
from contracts.anchors.logs import current_origin
from contracts.anchors.status import Standing, standing
from contracts.anchors.tables import Log
from contracts.errors import Misconfigured
from contracts.keys import KeyRing, master_key
from contracts.ledger.erasing import Erased, erase
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


def verify_ledger(settings: Settings, held: Path | None = None) -> Report:
    """Recompute the ledger of an installation, against a checkpoint that someone kept where one is given.

    A ledger that does not verify opens an incident that staff see.
    """
    checkpoint = held.read_text(encoding="utf-8") if held else None
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        with telling() as progress:
            return inspect(Store(engine, clock_of(settings), settings.node), KeyRing(master_key(settings)), progress, checkpoint)
    finally:
        engine.dispose()


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


def lines(report: Report) -> Iterator[str]:
    """What `licet ledger verify` prints; the first wrong entry comes first."""
    if report.ok:
        yield f"The ledger is whole: {report.size} entries, {report.checkpoints} checkpoints, {report.erased} values erased."
        yield f"Root {report.root}"
        return
    for problem in report.problems:
        place = "" if problem.index is None else f"entry {problem.index} ({problem.entry_id}): "
        yield f"WRONG  {place}{problem.what}"
    yield f"The ledger does not verify: {len(report.problems)} problems in {report.size} entries."
