"""The gate's mode: shadow (allow and record) or enforce. One row, moved under the epoch `gate`, so that it changes within 2 s everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from contracts.errors import refuse
from contracts.gate.decide import Mode
from contracts.gate.tables import GateState
from contracts.ledger.stage import Entry, record
from contracts.people.actor import SYSTEM, Actor
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.settings import Settings
from contracts.store.epochs import bump
from contracts.store.unit import Unit

MODES: dict[Mode, str] = {
    "shadow": "Everyone passes; the gate records whom it would have stopped.",
    "enforce": "The gate stops whoever is over a budget or outside a contract.",
}
SUBJECT = "gate"  # what the ledger's entries on the mode are about
_ROW = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """The mode, and who set it when; both empty while the installation's first mode holds."""

    mode: Mode
    changed_by: str = ""
    changed_at: datetime | None = None


def current(session: Session, settings: Settings) -> Setting:
    """The mode that holds now."""
    row = session.get(GateState, _ROW)
    if row is None:
        return Setting(settings.gate.mode)
    account = session.get(Account, row.changed_by) if row.changed_by else None
    return Setting("enforce" if row.mode == "enforce" else "shadow", account.name if account else "the licet command", row.changed_at)


def set_mode(unit: Unit, actor: Actor, mode: str, settings: Settings) -> None:
    """Change the mode; setting the present one again changes nothing.

    For operators. `SYSTEM` (the command `licet gate off`) may restore shadow and nothing else, so that whoever has a shell but no
    role cannot turn enforcement on.
    """
    wanted = next((known for known in MODES if known == mode), None)
    if wanted is None:
        raise refuse("invalid_input", "The mode is shadow or enforce.", fields={"mode": "Choose shadow or enforce."})
    by_command = actor is SYSTEM
    if not (by_command and wanted == "shadow"):
        actor.require(Role.OPERATOR)
    row = unit.session.get(GateState, _ROW, with_for_update=True)
    before = current(unit.session, settings).mode
    if before == wanted:
        return
    row = row or GateState(id=_ROW, mode=wanted, changed_at=unit.now)
    row.mode, row.changed_at, row.changed_by = wanted, unit.now, None if by_command else actor.account_id
    unit.session.add(row)
    bump(unit, "gate")
    personal = {} if by_command else {"account": actor.account_id, "network": actor.network}
    changed = {"before": before, "after": wanted}
    record(unit, Entry(event="gate.mode_changed", subject=SUBJECT, organisation=actor.organisation_id, facts=changed, personal=personal))
