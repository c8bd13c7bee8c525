"""Clocks of applications: the job that reminds before and after a day, and settles what follows from it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from contracts.applications import workdays
from contracts.applications.core import enter, settle, tell, tell_stewards
from contracts.applications.states import WAITING, WRITABLE, Command, State
from contracts.applications.tables import Application
from contracts.clock import day_in, long_day
from contracts.people.actor import SYSTEM
from contracts.settings import Platform, Settings
from contracts.store.unit import Store, Unit

# How long a draft that nobody writes in is kept, and how long before an end its applicant is reminded.
DRAFT_DAYS = 180
REMIND_APPLICANT_DAYS = 7
REMIND_STAFF_WORKDAYS = 2


def run_due(store: Store, settings: Settings) -> int:
    """Send the reminders that are due and end what nobody went on with; returns how many applications it touched.

    Each in its own short unit of work, which looks at the row again under its lock.
    """
    platform = settings.platform
    with store.read() as session:
        found = touched(session, store.clock.now(), platform)
    return sum(_one(store, application_id, platform) for application_id in found)


def touched(session: Session, now: datetime, platform: Platform) -> list[str]:
    """Applications about which something is to be done at this moment."""
    open_states = [state.value for state in WAITING | WRITABLE]
    rows, today = session.exec(select(Application).where(col(Application.state).in_(open_states))).all(), day_in(now, platform.time_zone)
    return [each.id for each in rows if is_over(each, today) or reminder(each, today, platform.holidays)]


def is_over(application: Application, today: date) -> bool:
    """Whether its time has passed: a draft untouched for 180 days, a returned one not handed in by its day."""
    end = ends_on(application)
    return end is not None and end < today


def ends_on(application: Application) -> date | None:
    """The last day on which its applicant can go on with it; None where it is not the applicant's to go on."""
    if application.state == State.RETURNED:
        return application.answer_by
    if application.state == State.DRAFT:
        return (application.changed_at or application.created_at).date() + timedelta(days=DRAFT_DAYS)
    return None


def reminder(application: Application, today: date, holidays: Collection[date]) -> str:
    """Which reminder is due and has not gone out: "soon", "late", or none. Each goes out once for a clock."""
    end = ends_on(application)
    if end is not None:
        is_near = end - timedelta(days=REMIND_APPLICANT_DAYS) <= today
        return "soon" if is_near and not application.reminded else ""
    if State(application.state) not in WAITING or application.decide_by is None:
        return ""
    left = workdays.between(today, application.decide_by, holidays)
    level = "late" if application.decide_by < today else "soon" if left <= REMIND_STAFF_WORKDAYS else ""
    order = ("", "soon", "late")
    return level if order.index(level) > order.index(application.reminded) else ""


def _one(store: Store, application_id: str, platform: Platform) -> int:
    with store.write("application clock") as unit:
        application, today = unit.lock(Application, application_id), day_in(unit.now, platform.time_zone)
        if State(application.state) in WRITABLE and is_over(application, today):
            _expire(unit, application)
        elif level := reminder(application, today, platform.holidays):
            _remind(unit, application, level)
        else:
            return 0
    return 1


def _expire(unit: Unit, application: Application) -> None:
    settle(unit, application, Command.EXPIRE)
    tell(unit, application, application.created_by, "application-expired")
    enter(unit, SYSTEM, application, "application.expired")


def _remind(unit: Unit, application: Application, level: str) -> None:
    application.reminded = level
    unit.session.add(application)
    end = ends_on(application)
    if end is not None:
        tell(unit, application, application.created_by, "application-ends", ends=long_day(end))
        return
    template = "application-late" if level == "late" else "application-due"
    tell_stewards(unit, application, template, decide_by=long_day(application.decide_by) if application.decide_by else "")
