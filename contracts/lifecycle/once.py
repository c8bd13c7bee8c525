"""What is told once: a row a notice, made in the transaction that asks for the mail, so that no restart and no second worker tells it again."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, Session, SQLModel, select

from contracts.store.unit import Unit


class ToldOnce(SQLModel, table=True):
    """One notice about one contract and one day: `what` is the notice, `about` the day that it warns of.

    A day that is moved (a renewal, another date for a certificate) is another row, so its notices go out anew.
    """

    __tablename__ = "told_once"

    contract_id: str = Field(primary_key=True, foreign_key="contract.id")
    what: str = Field(primary_key=True)
    about: date = Field(primary_key=True)
    told_at: datetime


def first_time(unit: Unit, contract_id: str, what: str, about: date) -> bool:
    """Whether this was not told before; from now on it was. The caller has locked the contract."""
    if unit.session.get(ToldOnce, (contract_id, what, about)) is not None:
        return False
    unit.session.add(ToldOnce(contract_id=contract_id, what=what, about=about, told_at=unit.now))
    return True


def told_before(session: Session) -> set[tuple[str, str, date]]:
    """Everything that was told, to leave it out before any lock is taken."""
    return {(row.contract_id, row.what, row.about) for row in session.exec(select(ToldOnce)).all()}
