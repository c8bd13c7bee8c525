"""Estimates: how much a query would bring and cost, before it is made. Decided like the query, counted, recorded, rounded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from contracts.access.decide import Allowed, decide
from contracts.access.grants import Held
from contracts.access.query import MAX_LIMIT
from contracts.access.questions import Questions
from contracts.access.request import Answer, RecordsRequest, entry_of
from contracts.aggregates.settle import Ask, Settled, settle
from contracts.clock import rfc3339
from contracts.datasets.catalogue import Version
from contracts.datasets.engines.chosen import ChosenCounts
from contracts.datasets.plan import Page
from contracts.deliveries.overlay import Erased, ErasureOverlay
from contracts.errors import Refusal, Refused, refuse
from contracts.estimates.rounding import cost, days_of, rounded
from contracts.house import House
from contracts.quotas.service import resets_at
from contracts.quotas.standing import Standing
from contracts.store.epochs import Epochs
from contracts.terms.grant import Grant

KIND = "estimate"
A_DAY = 500
_MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class Sized:
    """How many records there are and how many bytes one has on average; `at_least` where no more were looked at."""

    rows: int
    row_bytes: float
    at_least: bool


class Estimator(Questions[RecordsRequest]):
    """Answers estimates, and refuses them where the query itself would be. One a process; one is counted at a time, so that

    counting leaves the other cores to pages.
    """

    event = "access.estimate"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._counts = ChosenCounts(house.settings)
        self._overlay = ErasureOverlay(house.store, house.watch)
        self._turn = asyncio.Semaphore(1)

    async def _answered(self, request: RecordsRequest, held: Held) -> Answer:
        """Raises `StaleEpoch` where contracts or erasures moved while it was counted."""
        grant, today = held.grant, self._house.data.today()
        if isinstance(grant, Refusal):
            raise Refused(grant)
        dataset = self._house.catalogue.get(request.dataset_id)
        allowed = decide(grant, request.caller.claims, dataset, request.query, request.caller.address, today)
        if isinstance(allowed, Refusal):
            raise Refused(allowed)
        version = held.versions.get(allowed.dataset.id)
        if version is None:
            raise refuse("dataset_unavailable", "The dataset was not loaded yet. Ask the platform.")
        erased = await self._overlay.of(allowed.dataset.id)
        async with self._turn:
            sized = await asyncio.to_thread(self._sized, allowed, grant, version, erased)
        entry = entry_of(request, grant, True, allowed, None, version.version, self.event)
        resets = rfc3339(resets_at(today, self._house.data.zone))
        used_up = Refusal("estimates_exhausted", f"A contract has {A_DAY} estimates a day. Go on after the reset.", {"resets_at": resets})
        ask, seen = Ask(grant.contract_id, KIND, today, A_DAY, used_up), Epochs(grants=held.epoch, erasures=erased.epoch)
        settled = await asyncio.to_thread(settle, self._house.store, ask, entry, seen, request.caller.proof)
        if settled.refusal is not None:
            return Answer(settled.entry_id, refusal=settled.refusal, grant=grant, receipt=settled.receipt)
        quotas = await asyncio.to_thread(self._quotas, grant, allowed.dataset)
        return Answer(
            settled.entry_id, _body(quotas.standings[0], grant, sized, settled), grant=grant, quotas=quotas, receipt=settled.receipt
        )

    def _sized(self, allowed: Allowed, grant: Grant, version: Version, erased: Erased) -> Sized:
        page = self._house.data.pages.page_of(allowed, grant, version, erased, None, MAX_LIMIT)
        row_bytes = sum(len(row.encode()) + 1 for row in page.rows) / max(1, len(page.rows))
        if not page.more:
            return Sized(len(page.rows), row_bytes, at_least=False)
        if not grant.sandbox and not allowed.pseudonyms_tested:
            rows = self._counts.of(version.dataset, version.version, allowed.tests, erased.ordinals)
            if allowed.sample is not None:
                rows = rows * allowed.sample.millionths // 1_000_000
            return Sized(rows, row_bytes, at_least=False)
        return self._by_pages(allowed, grant, version, erased, page, row_bytes)

    def _by_pages(self, allowed: Allowed, grant: Grant, version: Version, erased: Erased, page: Page, row_bytes: float) -> Sized:
        """Where only the engine's pages can tell: as many as are read in a moment."""
        rows = len(page.rows)
        for _ in range(_MOST_PAGES - 1):
            if not page.more:
                break
            page = self._house.data.pages.page_of(allowed, grant, version, erased, page.mark(len(page.rows)), MAX_LIMIT)
            rows += len(page.rows)
        return Sized(rows, row_bytes, at_least=page.more)


def _body(day: Standing, grant: Grant, sized: Sized, settled: Settled) -> bytes:
    rows, price = rounded(sized.rows), grant.terms.price
    told: dict[str, Any] = {
        "rows": rows,
        "at_least": sized.at_least,
        "bytes": rounded(round(rows * sized.row_bytes)),
        "quota": {"limit": day.limit, "left": day.left, "days": days_of(rows, day.limit)},
        "price": None if price is None else {"amount": cost(rows, price), "currency": price.currency},
        "estimates": {"limit": A_DAY, "used": settled.used},
        "entry": settled.entry_id,
    }
    return orjson.dumps(told)
