"""What a contract has read and what it costs, by day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.billing.costs import DayCost, cost_of_contract, costs_by_day, money
from contracts.billing.costs import total as total_of
from contracts.clock import day_in
from contracts.health import service as health
from contracts.health.service import Ends
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.quotas.alerts import TITLES, told_of
from contracts.quotas.service import used_on
from contracts.quotas.standing import standings
from portal.chain import chain
from portal.deps import house_of, page, partner
from portal.pages.partner import reads

router = APIRouter()

DAYS = 30
_PLACES = 4
_CENT = Decimal("0.01")


@router.get("/partner/contracts/{contract_id}/usage")
def show(request: Request, actor: Annotated[Actor, Depends(partner)], contract_id: str) -> Response:
    """Thirty days as bars, every day with records as a row; costs are exact and equal the ledger's rows."""
    house = house_of(request)
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    since = today - timedelta(days=DAYS - 1)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        terms = reads.terms_of(session, contract)
        used = reads.used_by_day(session, contract_id, since)
        costs = costs_by_day(session, contract_id, since=since)
        totals = cost_of_contract(session, contract_id)
        links = chain(session, contract=contract, staff=False)
        told = told_of(session, contract.id)
        today_bytes = used_on(session, contract.id, today).bytes
        ends = health.by_day(session, contract.id, since)
        service = health.of_platform(session, house.clock.now())
        standing = standings(session, contract.id, contract.version, terms) if terms else []
    days = [since + timedelta(days=each) for each in range(DAYS)]
    return page(
        request,
        "partner/usage.html",
        contract=contract,
        terms=terms,
        links=links,
        series=[(short_day(each), used.get(each, 0)) for each in days],
        rows=[(each, used[each], _cost(costs, each)) for each in reversed(days) if used.get(each)],
        period_cost=", ".join(_amount(each.amount, each.currency) for each in total_of(costs)),
        total=sum(used.values()),
        standings=standing,
        requests=[("Today", ends.get(today, Ends())), (f"{DAYS} days", health.in_all(ends))],
        service=[("5 minutes", service["five_minutes"]), ("24 hours", service["day"])],
        told=told,
        quota_titles=TITLES,
        today_used=used.get(today, 0),
        today_bytes=today_bytes,
        costs=[money(each.amount.quantize(_CENT), each.currency) for each in totals],
        stand_in=house.settings.billing.stripe_key is None,
        zone=house.settings.platform.time_zone,
    )


def short_day(day: date) -> str:
    """A day as a chart's label, such as "3 Nov"."""
    return f"{day.day} {day:%b}"


def _cost(costs: list[DayCost], day: date) -> str:
    return ", ".join(_amount(each.amount, each.currency) for each in costs if each.day == day) or "–"


def _amount(amount: Decimal, currency: str) -> str:
    """Exact, with at least four decimals, so that a column of them lines up."""
    exact = money(amount, currency)
    places = len(exact.partition(".")[2])
    return exact if places >= _PLACES else f"{exact}{'' if places else '.'}{'0' * (_PLACES - places)}"
