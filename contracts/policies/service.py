"""Policies of datasets and of the gate: what the settings say holds only as far as two members of staff confirmed it.

A start with a narrower policy takes it over at once. A wider one waits: the process works by the narrower one, and the desk asks two
people, neither of whom gave the other a role. What they confirm holds in each process from its next start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from contracts.applications.decide import reason_refusal
from contracts.errors import Refusal, Refused
from contracts.ids import new_id
from contracts.ledger.stage import Entry, canonical, record
from contracts.lifecycle.tables import Contract
from contracts.notices import audience, send
from contracts.people import assurance
from contracts.people.actor import SYSTEM, Actor
from contracts.people.assurance import Act
from contracts.people.independence import entangled_with, second_person
from contracts.policies.four_eyes import CONTRACTS, policy_for
from contracts.policies.policy import (
    LIMITS,
    Policy,
    gate_policy_of,
    held_dataset,
    held_gate,
    narrower,
    policy_of,
    widenings,
)
from contracts.policies.states import OPEN, ROLES, Command, State, next_state
from contracts.policies.tables import ConfirmedPolicy, PolicyChange
from contracts.settings import DatasetSettings, Settings
from contracts.store.unit import Store, Unit

GATE = "gate"
_DATASET = "dataset:"
# What holds of a dataset that was never confirmed: nothing.
CLOSED: Policy = {"fields": {}, "purposes": [], **dict.fromkeys(LIMITS, 0), "deleted": None, "objects": None}


def hold(store: Store, settings: Settings) -> Settings:
    """The settings as far as they are confirmed; what is wider is left out, and the desk asked about it. Called at each start.

    The first policies of an installation are taken over as they are: nothing was read yet under any other. So is that of a dataset
    which comes before the first contract is in force; one that comes later waits, with none of its data offered.
    """
    wanted = {
        CONTRACTS: policy_for(settings),
        GATE: gate_policy_of(settings.gate),
        **{_DATASET + name: policy_of(each) for name, each in settings.datasets.items()},
    }
    with store.read() as session:
        settled = _held(session)
        waits = _waiting(session)
    if any(settled.get(subject) != policy for subject, policy in wanted.items()) or waits:
        with store.write("policies") as unit:
            settled = _settle(unit, wanted)
    return _narrowed(settings, wanted, settled)


def confirm(unit: Unit, actor: Actor, change_id: str, revision: int) -> PolicyChange:
    """Confirm a wider policy, as the first or the second of two; the second makes it hold from the next start."""
    change = _take(unit, actor, change_id, Command.CONFIRM, revision)
    if change.state == State.CONFIRMED_ONCE:
        change.first_by, change.first_at = actor.account_id, unit.now
        _record(unit, actor, change, "policy.first_confirmed")
        return change
    change.decided_by, change.decided_at = actor.account_id, unit.now
    _keep(unit, change.subject, change.wanted)
    _record(unit, actor, change, "policy.confirmed")
    return change


def decline(unit: Unit, actor: Actor, change_id: str, revision: int, reason: str) -> PolicyChange:
    """Decline a wider policy with a reason; one member of staff is enough to leave things narrower."""
    actor.require(*ROLES)
    if refusal := reason_refusal(reason):
        raise Refused(refusal)
    change = _take(unit, actor, change_id, Command.DECLINE, revision)
    change.decided_by, change.decided_at, change.reason = actor.account_id, unit.now, reason.strip()
    _record(unit, actor, change, "policy.declined", reason=change.reason)
    return change


def changes(session: Session) -> list[PolicyChange]:
    """Every change that was ever found, what waits first, then the newest."""
    rows = session.exec(select(PolicyChange).order_by(col(PolicyChange.id).desc())).all()
    return sorted(rows, key=lambda row: row.state not in OPEN)


def what_widens(session: Session, change: PolicyChange) -> list[str]:
    """What the change allows more than what holds now, in sentences."""
    held = session.get(ConfirmedPolicy, change.subject)
    return list(widenings(change.wanted, held.policy if held else CLOSED))


def subject_name(subject: str, settings: Settings) -> str:
    """What the policy is of, for people."""
    name = subject.removeprefix(_DATASET)
    known = settings.datasets.get(name)
    return "the gate" if subject == GATE else known.title if known else name


def _settle(unit: Unit, wanted: Mapping[str, Policy]) -> dict[str, Policy]:
    """Take over what is narrower, and put what is wider before the desk. Processes that start at once take turns at the gate's row."""
    known = _held(unit.session)
    is_new = not known or unit.session.exec(select(Contract.id).where(col(Contract.activated_at).is_not(None))).first() is None
    if GATE not in known:
        _adopt(unit, GATE, wanted[GATE])
    unit.lock(ConfirmedPolicy, GATE)
    known = _held(unit.session)
    for subject, policy in wanted.items():
        held = known.get(subject)
        if subject == CONTRACTS:
            _switch(unit, policy, held)
        elif held is None and is_new:
            _adopt(unit, subject, policy)
        elif held is None or any(widenings(policy, held)):
            _ask(unit, subject, policy, held)
        else:
            _narrow(unit, subject, policy, held)
            _supersede(unit, subject)
    for subject in {each.subject for each in _waiting(unit.session)} - wanted.keys():
        _supersede(unit, subject)
    return _held(unit.session)


def _switch(unit: Unit, policy: Policy, held: Policy | None) -> None:
    """Take over whether one person may countersign alone; switching it, which the rule lets one person do, is an entry."""
    if policy == held:
        return
    _keep(unit, CONTRACTS, policy)
    if held is not None or not policy["four_eyes"]:
        record(unit, Entry(event="policy.four_eyes_on" if policy["four_eyes"] else "policy.four_eyes_off", subject=CONTRACTS))


def _adopt(unit: Unit, subject: str, policy: Policy) -> None:
    try:
        with unit.session.begin_nested():
            unit.session.add(ConfirmedPolicy(subject=subject, policy=policy, confirmed_at=unit.now))
    except IntegrityError:
        return  # another process took it over a moment before
    record(unit, Entry(event="policy.adopted", subject=subject, facts={"policy_sha256": _sha256(policy)}))


def _narrow(unit: Unit, subject: str, policy: Policy, held: Policy) -> None:
    if policy == held:
        return
    _keep(unit, subject, policy)
    record(unit, Entry(event="policy.narrowed", subject=subject, facts={"policy_sha256": _sha256(policy)}))


def _ask(unit: Unit, subject: str, policy: Policy, held: Policy | None) -> None:
    if held is not None:
        _narrow(unit, subject, narrower(policy, held), held)
    digest = _sha256(policy)
    standing = [each for each in _waiting(unit.session) if each.subject == subject]
    if any(each.wanted_sha256 == digest for each in standing):
        return
    _supersede(unit, subject)
    change = PolicyChange(
        id=new_id("pol"), subject=subject, state=State.FOUND.value, wanted=policy, wanted_sha256=digest, found_at=unit.now
    )
    unit.session.add(change)
    unit.session.flush()
    for reader in audience.staff(unit.session, *ROLES):
        facts = {"subject": subject.removeprefix(_DATASET), "count": str(len(list(widenings(policy, held or CLOSED))))}
        send(unit, to=reader.email, template="policy-found", facts=facts, path="/desk/policies")
    _record(unit, SYSTEM, change, "policy.found")


def _supersede(unit: Unit, subject: str) -> None:
    for change in _waiting(unit.session):
        if change.subject == subject:
            _move(unit, change, Command.SUPERSEDE)
            _record(unit, SYSTEM, change, "policy.superseded")


def _take(unit: Unit, actor: Actor, change_id: str, command: Command, revision: int) -> PolicyChange:
    actor.require(*ROLES)
    change = unit.lock(PolicyChange, change_id)
    if change.revision != revision:
        raise Refused(Refusal("changed_meanwhile", "This changed since you opened it. Look at it again, then decide."))
    if command is Command.CONFIRM:
        before = frozenset({change.first_by} if change.first_by else ())
        refusal = second_person(actor, before, entangled_with(unit.session, actor, before)) or assurance.refusal(actor, Act.WIDEN, unit.now)
        if refusal is not None:
            raise Refused(refusal)
    _move(unit, change, command)
    return change


def _move(unit: Unit, change: PolicyChange, command: Command) -> None:
    after = next_state(State(change.state), command)
    if isinstance(after, Refusal):
        raise Refused(after)
    change.state, change.revision = after.value, change.revision + 1
    unit.session.add(change)
    unit.session.flush()


def _keep(unit: Unit, subject: str, policy: Policy) -> None:
    row = unit.session.get(ConfirmedPolicy, subject) or ConfirmedPolicy(subject=subject, policy={}, confirmed_at=unit.now)
    row.policy, row.confirmed_at = policy, unit.now
    unit.session.add(row)
    unit.session.flush()


def _held(session: Session) -> dict[str, Policy]:
    rows = session.exec(select(ConfirmedPolicy).execution_options(populate_existing=True)).all()
    return {each.subject: each.policy for each in rows}


def _waiting(session: Session) -> list[PolicyChange]:
    """Those that wait, and those that were declined and may still stand in the settings."""
    states = [state.value for state in (*OPEN, State.DECLINED)]
    return list(session.exec(select(PolicyChange).where(col(PolicyChange.state).in_(states)).order_by(col(PolicyChange.id))).all())


def _narrowed(settings: Settings, wanted: Mapping[str, Policy], held: Mapping[str, Policy]) -> Settings:
    datasets: dict[str, DatasetSettings] = {}
    for name, each in settings.datasets.items():
        policy = held.get(_DATASET + name)
        kept = each if policy == wanted[_DATASET + name] else held_dataset(each, policy or CLOSED)
        if kept is not None:
            datasets[name] = kept
    gate = settings.gate if held[GATE] == wanted[GATE] else held_gate(settings.gate, held[GATE])
    same = gate is settings.gate and all(datasets.get(name) is each for name, each in settings.datasets.items())
    return settings if same else settings.model_copy(update={"datasets": datasets, "gate": gate})


def _record(unit: Unit, actor: Actor, change: PolicyChange, event: str, **personal: str) -> None:
    facts = {"change": change.id, "policy_sha256": change.wanted_sha256}
    told = actor.personal(**personal) if actor is not SYSTEM else {}
    record(unit, Entry(event=event, subject=change.subject, facts=facts, personal=told))


def _sha256(policy: Policy) -> str:
    return hashlib.sha256(canonical(policy)).hexdigest()
