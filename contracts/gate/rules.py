"""The gate's numbers as an operator set them. One row, moved under the epoch `gate`, so that it holds within 2 s everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from contracts.errors import refuse
from contracts.gate.policy import Numbers, numbers_of
from contracts.gate.routes import MAX_PATTERNS, ROUTE_CLASSES, problem
from contracts.gate.rule_tables import GateRules
from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.settings import Settings
from contracts.store.epochs import bump
from contracts.store.unit import Unit

SUBJECT = "gate"
MOST_PAGES = 1_000_000
MOST_NETWORK_FACTOR = 1_000
_ROW = 1


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers, and who set them when; both empty while the settings hold."""

    numbers: Numbers
    changed_by: str = ""
    changed_at: datetime | None = None


def current(session: Session, settings: Settings) -> Rules:
    """The numbers that hold now."""
    row = session.get(GateRules, _ROW)
    if row is None:
        return Rules(numbers_of(settings))
    account = session.get(Account, row.changed_by)
    kept = row.numbers
    numbers = Numbers(kept["anonymous_budget"], kept["network_factor"], dict(kept["classes"]), tuple(kept["open_classes"]))
    return Rules(numbers, account.name if account else "", row.changed_at)


def set_numbers(unit: Unit, actor: Actor, wanted: Numbers, settings: Settings) -> None:
    """Change the numbers; what is so already changes nothing. For operators; `invalid_input` names what cannot be."""
    actor.require(Role.OPERATOR)
    if errors := problems(wanted):
        raise refuse("invalid_input", "Mend the fields that are named and send the form again.", fields=dict(errors))
    row = unit.session.get(GateRules, _ROW, with_for_update=True)
    changed = wanted.differs_from(current(unit.session, settings).numbers)
    if not changed:
        return
    row = row or GateRules(id=_ROW, numbers={}, changed_by=actor.account_id, changed_at=unit.now)
    row.numbers = asdict(wanted) | {"classes": dict(wanted.classes), "open_classes": sorted(wanted.open_classes)}
    row.changed_at, row.changed_by = unit.now, actor.account_id
    unit.session.add(row)
    bump(unit, "gate")
    entry = Entry(event="gate.rules_changed", subject=SUBJECT, organisation=actor.organisation_id, facts=changed, personal=actor.personal())
    record(unit, entry)


def problems(wanted: Numbers) -> Mapping[str, str]:
    """What cannot be, by field."""
    found = {}
    if not 1 <= wanted.anonymous_budget <= MOST_PAGES:
        found["anonymous_budget"] = f"Choose between 1 and {MOST_PAGES:,} pages."
    if not 1 <= wanted.network_factor <= MOST_NETWORK_FACTOR:
        found["network_factor"] = f"Choose between 1 and {MOST_NETWORK_FACTOR:,}."
    if len(wanted.classes) > MAX_PATTERNS:
        found["classes"] = f"At most {MAX_PATTERNS} patterns are looked at."
    wrong = [sentence for pattern, named in wanted.classes.items() if (sentence := problem(pattern, named))]
    if wrong:
        found["classes"] = " ".join(wrong[:3])
    if not set(wanted.open_classes) <= set(ROUTE_CLASSES):
        found["open_classes"] = f"The classes are {', '.join(ROUTE_CLASSES)}."
    return found
