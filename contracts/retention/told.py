"""What everyone may know of retention: the periods, how far the ledger is pruned, the next run and those that were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from contracts.clock import rfc3339
from contracts.ledger.tree import TILE_WIDTH
from contracts.retention.plan import Plan, each_of, read_plan
from contracts.retention.policy import Policy
from contracts.retention.run import done_runs, standing
from contracts.retention.tables import RetentionRun


@dataclass(frozen=True, slots=True)
class Run:
    """One run: of how many entries values go, how many entries are pruned, and of how many both wait for holds."""

    id: str
    at: datetime
    entry_id: str
    values: int
    held: int
    entries: int


@dataclass(frozen=True, slots=True)
class Told:
    """The whole. Entries below `minimum` are pruned but those in `kept`, tiles of 256 entries; `coming` is None before the first plan."""

    policy: Policy
    minimum: int
    kept: Sequence[tuple[int, int]]
    coming: Run | None
    done: Sequence[Run]

    @property
    def pruned(self) -> int:
        """How many entries are pruned."""
        return self.minimum - TILE_WIDTH * len(list(each_of(self.kept)))

    def json(self) -> dict[str, Any]:
        """For machines; times in RFC 3339, ranges of tiles with their first and the first behind them."""
        return {
            "policy": self.policy.told(),
            "minimum_index": self.minimum,
            "kept_tiles": [list(each) for each in self.kept],
            "pruned": self.pruned,
            "next_run": _json(self.coming) if self.coming else None,
            "runs": [_json(each) | {"entry": each.entry_id} for each in self.done],
        }


def told(session: Session, policy: Policy) -> Told:
    """How retention stands now."""
    here, row = standing(session), session.exec(select(RetentionRun).where(col(RetentionRun.done_at).is_(None))).first()
    done = [_run(each, read_plan(each.plan)) for each in done_runs(session)]
    return Told(policy, here.minimum, here.kept, _run(row, read_plan(row.plan)) if row else None, done)


def _run(row: RetentionRun, plan: Plan) -> Run:
    spans = plan.values.values()
    return Run(
        row.id, row.done_at or row.due_at, row.entry_id, sum(each.entries for each in spans), sum(each.held for each in spans), plan.entries
    )


def _json(run: Run) -> dict[str, Any]:
    return {"at": rfc3339(run.at), "values_of": run.values, "held": run.held, "entries": run.entries}
