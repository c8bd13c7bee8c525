"""The gate's page and its switch."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.appeals import queries as appeals
from contracts.clock import rfc3339
from contracts.gate import mode, queries
from contracts.gate.decide import Decision
from contracts.gate.queries import Effect, Hour
from contracts.gate.reasons import REASONS
from contracts.gate.tables import GateStop
from contracts.gate.tally import OUTCOMES
from contracts.gate.telling import Telling
from contracts.ledger.queries import about
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import go, house_of, page, requires
from portal.forms import Form, submitted
from portal.pages.desk import reads

routes = APIRouter(prefix="/operator")
Operator = Annotated[Actor, Depends(requires(Role.OPERATOR))]
BASE = "/operator"
CSV_AT_MOST = 10_000
SAMPLE = "budget_exceeded"
_EFFECTS = (("All", ""), ("Stopped", "stopped"), ("Passed in shadow", "would_stop"))


@routes.get("")
def show(request: Request, actor: Operator, effect: str = "", reason: str = "") -> Response:
    """The mode with its switch, the last day's requests, and who was or would have been stopped."""
    house = house_of(request)
    now = house.clock.now()
    with house.store.read() as session:
        setting = mode.current(session, house.settings)
        hours = queries.hours(session, now)
        effects = queries.effects(session, now)
        found = queries.stops(session, now, effect, reason)
        context: dict[str, Any] = {
            "setting": setting,
            "appeals": appeals.waiting(session),
            "totals": _totals(hours),
            "effects": effects,
            "stops": found,
            "titles": reads.contract_titles(session, [each.contract_id for each in found if each.contract_id]),
            "facets": _facets(effect, reason, effects),
            "reason_facets": _reason_facets(queries.by_reason(session, now, effect), effect, reason),
            "series": [(f"{hour.begins:%H}:00", hour.total) for hour in hours],
            "history": about(session, mode.SUBJECT, limit=10),
        }
    more: dict[str, Any] = {
        "reasons": REASONS,
        "modes": mode.MODES,
        "policy": house.gate.policy,
        "crawlers": sorted(each.agent for each in house.settings.gate.search_crawlers.values()),
        "csv_path": _path(BASE + "/stops.csv", effect, reason),
    }
    return page(request, "operator/gate.html", **context, **more)


@routes.post("/mode")
def switch(request: Request, actor: Operator, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Enforce, or go back to shadow."""
    house, wanted = house_of(request), form.text("mode")
    with house.store.write("gate mode") as unit:
        house.gate.set_mode(unit, actor, wanted)
    return go(BASE, f"gate-{wanted}")


@routes.get("/stopped")
def stopped(request: Request, _actor: Operator) -> Response:
    """The page that a stopped visitor sees, as it is now, about a decision that nobody got."""
    house = house_of(request)
    name = house.gate.names.name(house.clock.now(), SAMPLE, "stopped", "")
    told = Telling(house.settings).answer(Decision(name, SAMPLE, "enforce", 1800), "text/html")
    return Response(told.body, headers=dict(told.headers))


@routes.get("/stops.csv")
def stops_csv(request: Request, actor: Operator, effect: str = "", reason: str = "") -> Response:
    """The same rows as the page's list, up to 10,000."""
    house = house_of(request)
    with house.store.read() as session:
        found = queries.stops(session, house.clock.now(), effect, reason, CSV_AT_MOST)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["day", "identity", "network", "agent", "contract", "reason", "effect", "requests", "pages", "first", "last", "decision"]
    )
    for each in found:
        writer.writerow(_line(each))
    named = {"content-disposition": 'attachment; filename="gate-stops.csv"', "cache-control": "no-store"}
    return Response(out.getvalue(), media_type="text/csv", headers=named)


def _line(stop: GateStop) -> list[object]:
    times = [rfc3339(stop.first_at), rfc3339(stop.last_at)]
    who = [stop.day.isoformat(), stop.identity, stop.network, stop.agent, stop.contract_id]
    return [*who, stop.reason, stop.effect, stop.requests, stop.pages, *times, stop.last_decision]


def _totals(hours: list[Hour]) -> dict[str, int]:
    return {outcome: sum(hour.requests[outcome] for hour in hours) for outcome in OUTCOMES}


def _path(base: str, effect: str, reason: str) -> str:
    query = urlencode({name: value for name, value in (("effect", effect), ("reason", reason)) if value})
    return f"{base}?{query}" if query else base


def _facets(effect: str, reason: str, effects: dict[str, Effect]) -> list[tuple[str, str, int, bool]]:
    counts = {"": sum(each.rows for each in effects.values())} | {name: each.rows for name, each in effects.items()}
    return [(title, _path(BASE, code, reason), counts[code], effect == code) for title, code in _EFFECTS]


def _reason_facets(counts: dict[str, int], effect: str, reason: str) -> list[tuple[str, str, int, bool]]:
    """Worth showing once there are two reasons, or to leave a reason again."""
    if len(counts) < 2 and not reason:
        return []
    whole = [("Any reason", _path(BASE, effect, ""), sum(counts.values()), not reason)]
    return whole + [(code, _path(BASE, effect, code), count, reason == code) for code, count in counts.items()]
