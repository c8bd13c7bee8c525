"""Own clauses that bind a term: a member of staff confirms that the term still stands in the words, before they are used."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.signing.clauses import ClauseFile
from contracts.signing.tables import ClauseConfirmation
from contracts.store.unit import Unit

MAY_CONFIRM = (Role.STEWARD, Role.COMPLIANCE)


def confirm(unit: Unit, actor: Actor, found: ClauseFile, sha256: str) -> ClauseConfirmation:
    """Confirm what a clause says, by its hash as the person read it; done twice it is one confirmation.

    Raises `role_required`, `changed_meanwhile` where the file changed since, and `command_not_possible` for a clause that needs none.
    """
    actor.require(*MAY_CONFIRM)
    if found.sha256 != sha256:
        raise refuse("changed_meanwhile", "The clause's file changed since you opened it. Read it again, then confirm.")
    if not found.needs_confirmation:
        raise refuse("command_not_possible", "This clause needs no confirmation: it is general, or it is the bundled text.")
    known = unit.session.get(ClauseConfirmation, sha256)
    if known is not None:
        return known
    made = ClauseConfirmation(
        sha256=sha256, clause=found.name, term=found.clause.binds, confirmed_by=actor.account_id, confirmed_at=unit.now
    )
    unit.session.add(made)
    facts = {"clause": found.name, "term": found.clause.binds, "sha256": sha256}
    record(unit, Entry(event="clause.confirmed", subject=found.name, facts=facts, personal=actor.personal()))
    return made


def check_confirmed(session: Session, clauses: Iterable[ClauseFile]) -> None:
    """Raise `clause_unconfirmed` where one of the clauses binds a term in words that nobody of staff confirmed."""
    waiting = unconfirmed(session, clauses)
    if waiting:
        reason = (
            f"The operator's own clause “{waiting[0].clause.title}” is not confirmed yet. Confirm it on the page of contract templates."
        )
        raise refuse("clause_unconfirmed", reason, clause=waiting[0].name, term=waiting[0].clause.binds)


def unconfirmed(session: Session, clauses: Iterable[ClauseFile]) -> list[ClauseFile]:
    """Those of the clauses that need a confirmation and have none."""
    needed = {each.sha256: each for each in clauses if each.needs_confirmation}
    if not needed:
        return []
    known = session.exec(select(ClauseConfirmation.sha256).where(col(ClauseConfirmation.sha256).in_(list(needed)))).all()
    return [each for sha256, each in needed.items() if sha256 not in set(known)]
