"""What a bar finds and acts on: open applications are stopped, live contracts suspended, each as an entry and a mail of its own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from contracts.applications import service as applications
from contracts.applications.states import TABLE, Command, State
from contracts.applications.tables import Application
from contracts.bars.resemble import name_key
from contracts.bars.states import Scope
from contracts.bars.tables import Bar
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.states import FINAL
from contracts.lifecycle.states import TABLE as CONTRACTS
from contracts.lifecycle.states import Command as ContractCommand
from contracts.lifecycle.states import State as ContractState
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.store.unit import Unit

# Stopped where it can be: whatever a decision, a signature or a wish would still bring on.
OPEN = tuple(state.value for state, row in TABLE.items() if row[Command.STOP] is not None)
LIVE = tuple(state.value for state, row in CONTRACTS.items() if row[ContractCommand.SUSPEND] is not None)


@dataclass(frozen=True, slots=True)
class Found:
    """What a bar concerns: applications to stop, contracts to suspend, and contracts not yet in force, which wait as they are."""

    applications: tuple[Application, ...]
    contracts: tuple[Contract, ...]
    held: tuple[Contract, ...]


def found_by(session: Session, bar: Bar) -> Found:
    """What the bar concerns as it stands now. An approved application that has its contract is not open any more."""
    mine = [each for each in _applications(session, bar.organisation_id) if concerns(bar, each)]
    contracts = _contracts(session, [each.id for each in mine])
    under_way = {each.application_id for each in contracts if each.state not in FINAL}
    stopped = [each for each in mine if each.state in OPEN and not (each.state == State.APPROVED and each.id in under_way)]
    live = [each for each in contracts if each.state in LIVE]
    held = [each for each in contracts if each.state in (ContractState.DRAFT, ContractState.OFFERED, ContractState.SIGNED)]
    return Found(tuple(stopped), tuple(live), tuple(held))


def strike(unit: Unit, actor: Actor, bar: Bar) -> Found:
    """Stop and suspend what the bar concerns, with its reason; what was found."""
    found = found_by(unit.session, bar)
    for application in found.applications:
        applications.stop(unit, actor, application.id, bar.reason)
    for contract in found.contracts:
        held = unit.lock(Contract, contract.id)
        lifecycle.suspend(unit, actor, held.id, held.revision, bar.reason)
    return found


def _applications(session: Session, organisation_id: str) -> list[Application]:
    query = select(Application).where(Application.organisation_id == organisation_id)
    return list(session.exec(query.order_by(col(Application.id))).all())


def _contracts(session: Session, application_ids: list[str]) -> list[Contract]:
    query = select(Contract).where(col(Contract.application_id).in_(application_ids))
    return list(session.exec(query.order_by(col(Contract.id))).all())


def concerns(bar: Bar, application: Application) -> bool:
    """Whether an application of the bar's organisation is one that the bar is about."""
    if bar.scope == Scope.PERSON:
        return application.created_by == bar.account_id
    if bar.scope == Scope.PROJECT:
        return application.id == bar.application_id or name_key(application.project) == (bar.name_key or "-")
    return True
