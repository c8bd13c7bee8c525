"""The state and version of a contract as the ledger tells them: whoever edits the row past every service contradicts the ledger.

The seal holds terms, text and signatures of one version, not the state, which changes after it, nor which version rules: an older one
has a good seal too. Each change is an entry in the same transaction, so row and newest entry agree unless one of them was edited; an
entry that was made up stands in the ledger for all to see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Select, bindparam, select, text
from sqlmodel import Session, col

from contracts.errors import Refusal
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.search.find import Question, kinds_of
from contracts.search.follow import FIRST
from contracts.search.tables import SearchedEntry

STATE_AFTER: dict[str, State] = {
    "contract.drafted": State.DRAFT,
    "contract.redrafted": State.DRAFT,
    "contract.offered": State.OFFERED,
    "contract.reoffered": State.OFFERED,
    "contract.countered": State.COUNTERED,
    "contract.recalled": State.OFFERED,
    "contract.counter_declined": State.OFFERED,
    "contract.signed": State.SIGNED,
    "contract.activated": State.ACTIVE,
    "contract.suspended": State.SUSPENDED,
    "contract.lift_asked": State.LIFT_ASKED,
    "contract.lifted": State.ACTIVE,
    "contract.terminated": State.TERMINATED,
    "contract.expired": State.EXPIRED,
    "contract.closing": State.CLOSING,
    "contract.closed": State.CLOSED,
    "contract.certificate_sent_back": State.CLOSING,
}

# Changes which version rules, and no state: an amendment comes into force while its contract is active or suspended.
AMENDED = "amendment.in_force"

_NAMES = {"sqlite": "instr(leaf, :thing) > 0", "postgresql": "position(:thing in leaf) > 0"}
_LOOKS = 3

_NUMBER, _LEAF = col(LedgerEntry.index), col(LedgerEntry.leaf)


def _newest_of(events: tuple[str, ...]) -> Select[bytes]:
    mine = (col(SearchedEntry.subject) == bindparam("contract")) & col(SearchedEntry.kind).in_(kinds_of(Question(events=events)))
    newest = select(col(SearchedEntry.index)).where(mine).order_by(col(SearchedEntry.index).desc()).limit(1)
    return select(_LEAF).where(newest.scalar_subquery() == _NUMBER)


# Built once: the gate looks at every contract whose crawlers come, again and again, and building a statement costs more than running it.
_FRESH = {name: select(_LEAF).where(_NUMBER >= FIRST, text(named)).order_by(_NUMBER.desc()) for name, named in _NAMES.items()}
_NEWEST = tuple(_newest_of(events) for events in ((*STATE_AFTER, AMENDED), tuple(STATE_AFTER)))


@dataclass(frozen=True, slots=True)
class Told:
    """State and version after the newest entries; None where none tells."""

    state: State | None = None
    version: int | None = None

    def differs(self, contract: Contract) -> str:
        """What of the row contradicts this: "state", "version" or nothing."""
        if self.state is not None and self.state != contract.state:
            return "state"
        return "version" if self.version is not None and self.version != contract.version else ""


def check_state(session: Session, contract: Contract) -> Refusal | None:
    """`seal_broken` where the row's state or version is not the one that its newest entries led to. Reads the row again before it says so.

    A contract that has no entries is left to its seal: only tests make such.
    """
    differs = ""
    for _ in range(_LOOKS):
        differs = told(session, contract.id).differs(contract)
        if not differs:
            return None
        # Where each statement sees its own moment, a change between row and entry looks like a contradiction once.
        session.refresh(contract)
    reason = "The stored contract is not the one that the ledger tells. Access stays closed; the compliance officer settles it."
    return Refusal("seal_broken", reason, {"contract": contract.id, "differs": differs})


def state_told(session: Session, contract_id: str) -> State | None:
    """The state after the newest entry about the contract, in the tree or still waiting for it; None where there is none."""
    return told(session, contract_id).state


def told(session: Session, contract_id: str) -> Told:
    """State and version after the newest entries about the contract, in the tree or still waiting for it."""
    state: State | None = None
    version: int | None = None
    for leaf in _newest_first(session, contract_id):
        version = version or leaf.get("contract_version")
        state = state or STATE_AFTER.get(leaf["event"])
        if state is not None:
            break
    return Told(state, version)


def _newest_first(session: Session, contract_id: str) -> Iterator[Mapping[str, Any]]:
    connection = session.connection()
    # What search does not know yet first: an entry that it comes to know meanwhile is then seen twice, never missed.
    fresh = connection.execute(_FRESH[connection.dialect.name], {"thing": contract_id.encode()}).scalars().all()
    for leaf in map(orjson.loads, fresh):
        if leaf.get("subject") == contract_id and (leaf["event"] in STATE_AFTER or leaf["event"] == AMENDED):
            yield leaf
    for newest in _NEWEST:
        yield from map(orjson.loads, connection.execute(newest, {"contract": contract_id}).scalars())
