"""The state of a contract as the ledger tells it: whoever edits the row past every service contradicts the ledger.

The seal holds terms, text and signatures, not the state, which changes after it. Each change of state is an entry in the same
transaction, so row and newest entry agree unless one of them was edited; an entry that was made up stands in the ledger for all to see.
"""

from __future__ import annotations

import orjson
from sqlalchemy import text
from sqlmodel import Session, col, select

from contracts.errors import Refusal
from contracts.ledger.tables import LedgerEntry, StagedEntry
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract

STATE_AFTER: dict[str, State] = {
    "contract.drafted": State.DRAFT,
    "contract.offered": State.OFFERED,
    "contract.signed": State.SIGNED,
    "contract.activated": State.ACTIVE,
    "contract.suspended": State.SUSPENDED,
    "contract.lift_asked": State.LIFT_ASKED,
    "contract.lifted": State.ACTIVE,
    "contract.terminated": State.TERMINATED,
    "contract.expired": State.EXPIRED,
}

_NAMES = {"sqlite": "instr(leaf, :thing) > 0", "postgresql": "position(:thing in leaf) > 0"}
_LOOKS = 3


def check_state(session: Session, contract: Contract) -> Refusal | None:
    """`seal_broken` where the row's state is not the one that its newest entry led to. Reads the row again before it says so.

    A contract that has no entries is left to its seal: only tests make such.
    """
    for _ in range(_LOOKS):
        told = state_told(session, contract.id)
        if told is None or told == contract.state:
            return None
        # Where each statement sees its own moment, a change between row and entry looks like a contradiction once.
        session.refresh(contract)
    reason = "The stored contract is not in the state that the ledger tells. Access stays closed; the compliance officer settles it."
    return Refusal("seal_broken", reason, {"contract": contract.id, "differs": "state"})


def state_told(session: Session, contract_id: str) -> State | None:
    """The state after the newest entry about the contract, integrated or still staged; None where there is none."""
    # Staged ones first: an entry that is integrated meanwhile is then seen twice, never missed.
    named = text(_NAMES[session.connection().dialect.name]).bindparams(thing=contract_id.encode())
    waiting = session.exec(select(StagedEntry.leaf).where(named).order_by(col(StagedEntry.seq).desc())).all()
    for leaf in map(orjson.loads, waiting):
        if leaf.get("subject") == contract_id and leaf["event"] in STATE_AFTER:
            return STATE_AFTER[leaf["event"]]
    mine = (col(LedgerEntry.subject) == contract_id) & col(LedgerEntry.event).in_(STATE_AFTER)
    event = session.exec(select(LedgerEntry.event).where(mine).order_by(col(LedgerEntry.index).desc()).limit(1)).first()
    return None if event is None else STATE_AFTER[event]
