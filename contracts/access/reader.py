"""Reading records: decide, read, commit, and only then answer. Stale facts re-run the request; a refusal is recorded too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.exc import SQLAlchemyError

from contracts.access.answers import FREED_DAILY, Charge, Committed, Delivered, Portion, portion
from contracts.access.cursor import CursorKeys
from contracts.access.decide import Allowed, admit, decide
from contracts.access.formats import CHUNK
from contracts.access.grants import GrantCache, Held
from contracts.access.pages import Pages
from contracts.access.request import RUNS, UNSETTLED, Answer, Caller, Part, Quotas, RecordsRequest, entry_of
from contracts.access.writer import AccessWriter
from contracts.clock import Clock, rfc3339
from contracts.credentials.decide import LOOK
from contracts.datasets.catalogue import Catalogue, Version
from contracts.datasets.plan import Mark, Page
from contracts.deliveries.overlay import Erased, ErasureOverlay
from contracts.errors import Refusal, Refused, StaleEpoch
from contracts.keys import KeyRing
from contracts.quotas import distinct
from contracts.quotas.service import begins_at, day_of, resets_at
from contracts.quotas.standing import Standing
from contracts.settings import Settings
from contracts.store.epochs import Epochs, EpochWatch
from contracts.store.places import places
from contracts.store.unit import Store
from contracts.terms.grant import Grant


class Reader:
    """Answers requests for records. One for a process; safe from any loop."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        watch: EpochWatch,
        keys: KeyRing,
        catalogue: Catalogue,
        grants: GrantCache,
        writer: AccessWriter,
    ) -> None:
        self._store, self._settings, self._clock, self._watch = store, settings, clock, watch
        self._keys, self._catalogue, self._grants, self._writer = keys, catalogue, grants, writer
        self.pages = Pages(store, settings, keys, catalogue)
        self._overlay = ErasureOverlay(store, watch)
        self._pool = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2), thread_name_prefix="records")
        self._places = places(settings.shared, "places")
        self._cursors = CursorKeys(store, keys)
        self.chunk = CHUNK
        self._used: dict[tuple[str, date], int] = {}
        self._counted: set[tuple[str, int]] = set()

    @property
    def zone(self) -> str:
        """The time zone of quota days and contract dates."""
        return self._settings.platform.time_zone

    async def records(self, request: RecordsRequest) -> Answer:
        """Answer a request whole: nothing leaves before its entry is durable, nothing after a suspension or erasure committed.

        Raises `StoreUnavailable` where the store takes no entries; then there is no answer and no entry.
        """
        contract_id = request.caller.claims.contract_id
        held = await self._grants.held(contract_id)
        most = None if isinstance(held.grant, Refusal) else held.grant.terms.concurrent_requests
        if most is None:
            return await self._answered(request)
        async with self._placed(contract_id, most) as refusal:
            return await (self._answered(request) if refusal is None else self.refuse(refusal, request, held, self._clock.now()))

    async def chunks(self, request: RecordsRequest) -> AsyncGenerator[Answer, None]:
        """Answers that follow each other up to the query's limit, each as `records` gives it; the last may be a refusal.

        The next is read, charged and recorded only when it is asked for. All of them take one place among the contract's.
        """
        contract_id = request.caller.claims.contract_id
        held = await self._grants.held(contract_id)
        most = None if isinstance(held.grant, Refusal) else held.grant.terms.concurrent_requests
        async with self._placed(contract_id, most) as refusal:
            if refusal is not None:
                yield await self.refuse(refusal, request, held, self._clock.now())
                return
            left = request.query.limit
            while left > 0:
                answer = await self._answered(replace(request, query=replace(request.query, limit=min(left, self.chunk))))
                yield answer
                if answer.part is None or not answer.part.following:
                    return
                left -= len(answer.part.rows)
                # The proof was of the request, and is used up.
                query, caller = replace(request.query, cursor=answer.part.following), replace(request.caller, proof=None)
                request = replace(request, query=query, caller=caller)

    @asynccontextmanager
    async def _placed(self, contract_id: str, most: int | None) -> AsyncIterator[Refusal | None]:
        """One of the places of a contract, or `too_many_at_once`; it is given back also when the request is given up in the middle."""
        place = None if most is None else await asyncio.to_thread(self._places.take, contract_id, most)
        if most is not None and not place:
            reason = f"The contract allows {most} requests for records at the same time. Send this again when another has ended."
            yield Refusal("too_many_at_once", reason, {"limit": most})
            return
        try:
            yield None
        finally:
            if place:
                await asyncio.shield(asyncio.to_thread(self._places.give, contract_id, place))

    async def _answered(self, request: RecordsRequest) -> Answer:
        kept: _Read | None = None
        for run in range(RUNS):
            held = await self._grants.held(request.caller.claims.contract_id)
            now = self._clock.now()
            verdict = await self._verdict(held, request, now)
            if isinstance(verdict, Refusal):
                if run == 0 and verdict.code in _MAY_BE_OVER and await self._moved(held):
                    continue
                return await self.refuse(verdict, request, held, now)
            try:
                kept = await self._read(verdict, request, held, now, kept)
            except Refused as refused:
                # A version that was current a moment ago may be gone from the disk: the one that is now is read instead.
                if run + 1 < RUNS and refused.refusal.code in _MAY_BE_OVER and await self._moved(held):
                    continue
                return await self.refuse(refused.refusal, request, held, now, verdict)
            try:
                committed = await self._writer.commit(self._delivered(verdict, request, kept, now))
            except StaleEpoch:
                if await self._look_again():
                    continue
                break
            return await self._answer(verdict, kept, committed, now)
        return await self.refuse(UNSETTLED, request, held, now)

    async def authorise(self, caller: Caller, scope: str = LOOK) -> Held | Refusal:
        """The grant of a caller who may use the API now, by the epoch as it is now; for everything but records, which decide more."""
        if not await self._look_again():
            return _UNVERIFIED
        held = await self._grants.held(caller.claims.contract_id)
        if isinstance(held.grant, Refusal):
            return held.grant
        return admit(held.grant, caller.claims, caller.address, self.today(), scope) or held

    async def refuse(
        self, refusal: Refusal, request: RecordsRequest, held: Held | None, now: datetime, allowed: Allowed | None = None
    ) -> Answer:
        """Record a refusal of records and return it as an answer."""
        grant = None if held is None or isinstance(held.grant, Refusal) else held.grant
        entry = entry_of(request, grant, self._known(request.dataset_id), allowed, refusal)
        committed = await self._writer.record_once(entry, request.caller.proof)
        refusal, quotas = committed.refusal or refusal, None
        if grant is not None and refusal.code == "quota_exhausted":
            quotas = self._quotas(grant.contract_id, refusal.facts["limit"], refusal.facts["used"], now)
            refusal = _with_reset(refusal, resets_at(self.today(now), self.zone))
        return Answer(committed.entry_id, refusal=refusal, grant=grant, quotas=quotas, receipt=committed.receipt)

    def today(self, now: datetime | None = None) -> date:
        """The date in the platform's time zone."""
        return day_of(now or self._clock.now(), self.zone)

    def seconds_left(self, now: datetime) -> int:
        """Seconds until the quotas of the day free, and one more, so that nobody comes too early."""
        return int((resets_at(self.today(now), self.zone) - now).total_seconds()) + 1

    def close(self) -> None:
        """End the threads that read."""
        self._pool.shutdown()
        self.pages.close()
        self._places.close()

    async def _verdict(self, held: Held, request: RecordsRequest, now: datetime) -> Allowed | Refusal:
        if isinstance(held.grant, Refusal):
            return held.grant
        if not await self._is_fresh():
            return _UNVERIFIED
        caller, today = request.caller, self.today(now)
        dataset = self._catalogue.get(request.dataset_id)
        verdict = decide(held.grant, caller.claims, dataset, request.query, caller.address, today, held.decided)
        if isinstance(verdict, Refusal):
            return verdict
        used = self._used.get((held.grant.contract_id, today), 0)
        if used >= verdict.cap and not request.is_repeatable:
            # What is used only grows within a day, so what this process last wrote suffices to say no to what cannot be free.
            return Refusal("quota_exhausted", _EXHAUSTED, {"limit": verdict.cap, "used": used})
        return verdict

    async def _read(self, allowed: Allowed, request: RecordsRequest, held: Held, now: datetime, kept: _Read | None) -> _Read:
        """The page; one that was read before is kept where neither grant nor version nor erasures differ."""
        version = held.versions.get(allowed.dataset.id)
        if version is None or isinstance(held.grant, Refusal):
            raise Refused(Refusal("dataset_unavailable", "The dataset was not loaded yet. Ask the platform."))
        erased = await self._overlay.of(allowed.dataset.id)
        seen = Epochs(grants=held.epoch, erasures=erased.epoch)
        if kept is not None and kept.grant == held.grant and kept.version == version and kept.seen.erasures == seen.erasures:
            return _Read(held.grant, version, seen, kept.page, kept.whole, kept.withheld, kept.mark)
        mark = await self._cursors.mark(request.query.cursor, held.grant.contract_id, allowed.fingerprint, now)
        left = max(1, allowed.cap - self._used.get((held.grant.contract_id, self.today(now)), 0))
        limit = allowed.limit if request.is_repeatable else min(allowed.limit, left)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._read_now, allowed, held.grant, version, erased, seen, mark, limit)

    def _read_now(
        self, allowed: Allowed, grant: Grant, version: Version, erased: Erased, seen: Epochs, mark: Mark | None, limit: int
    ) -> _Read:
        page = self.pages.page_of(allowed, grant, version, erased, mark, limit)
        if not grant.sandbox:
            self._ensure_counted(grant)
        return _Read(grant, version, seen, page, portion(page, len(page.rows)), self.pages.withheld(allowed, grant, version), mark)

    def _ensure_counted(self, grant: Grant) -> None:
        """Know which records the contract received, where its terms cap different ones; looked for once a version."""
        known = (grant.contract_id, grant.version)
        if grant.terms.distinct_records is not None and known not in self._counted:
            distinct.ensure(self._store, grant.contract_id, grant.version, begins_at(grant.terms.starts, self.zone))
            self._counted.add(known)

    def _delivered(self, allowed: Allowed, request: RecordsRequest, read: _Read, now: datetime) -> Delivered:
        entry = entry_of(request, read.grant, True, allowed, None, read.version.version)
        terms = read.grant.terms
        charge = Charge(
            contract_id=read.grant.contract_id,
            day=self.today(now),
            cap=allowed.cap,
            starts=terms.starts,
            period_cap=terms.records_in_period,
            version=read.grant.version,
            distinct_cap=terms.distinct_records,
            bytes_cap=terms.bytes_per_day,
            period_bytes_cap=terms.bytes_in_period,
        )
        repeat = None if read.grant.sandbox else request.repeat(read.grant, allowed, read.mark)
        return Delivered(entry, read.page, read.whole, read.grant, charge, read.seen, request.caller.proof, repeat)

    async def _answer(self, allowed: Allowed, read: _Read, committed: Committed, now: datetime) -> Answer:
        contract_id, today = read.grant.contract_id, self.today(now)
        self._remember((contract_id, today), committed.quota_after)
        quotas = self._quotas(contract_id, allowed.cap, committed.quota_after, now, committed.standings)
        if committed.refusal is not None or committed.portion is None:
            refusal = committed.refusal or UNSETTLED
            if refusal.code in FREED_DAILY:
                refusal = _with_reset(refusal, resets_at(today, self.zone))
            return Answer(committed.entry_id, refusal=refusal, grant=read.grant, quotas=quotas, receipt=committed.receipt)
        part = committed.portion
        following = ""
        if part.count and (read.page.more or part.count < len(read.page.rows)):
            following = (await self._cursors.cursors()).seal(read.page.mark(part.count), contract_id, allowed.fingerprint, now)
        rows = read.page.rows if part.count == len(read.page.rows) else read.page.rows[: part.count]
        told = Part(allowed.columns, rows, part.data, following, read.withheld)
        return Answer(
            committed.entry_id, told.page(committed.entry_id), grant=read.grant, quotas=quotas, part=told, receipt=committed.receipt
        )

    async def _is_fresh(self) -> bool:
        return self._watch.fresh() or await self._look_again()

    async def _look_again(self) -> bool:
        try:
            await asyncio.to_thread(self._watch.poll)
        except SQLAlchemyError:
            return False
        return True

    async def _moved(self, held: Held) -> bool:
        """Whether grants have moved since this one was loaded: a contract just lifted, a client just made."""
        return await self._look_again() and self._watch.epochs.grants > held.epoch

    def _known(self, dataset_id: str) -> bool:
        return self._catalogue.get(dataset_id) is not None

    def _remember(self, account: tuple[str, date], used: int) -> None:
        if len(self._used) > 10_000:
            self._used.clear()
        self._used[account] = max(used, self._used.get(account, 0))

    def _quotas(self, contract_id: str, cap: int, used: int, now: datetime, others: tuple[Standing, ...] = ()) -> Quotas:
        day = Standing("records_per_day", max(used, self._used.get((contract_id, self.today(now)), 0)), cap)
        return Quotas((day, *others), self.seconds_left(now))


@dataclass(frozen=True, slots=True)
class _Read:
    """A page with the facts that it was read under."""

    grant: Grant
    version: Version
    seen: Epochs
    page: Page
    whole: Portion
    withheld: bytes
    mark: Mark | None


def _with_reset(refusal: Refusal, moment: datetime) -> Refusal:
    return Refusal(refusal.code, refusal.reason, {**refusal.facts, "resets_at": rfc3339(moment)})


_EXHAUSTED = "The contract's records for the day are used up. Go on after the reset."
_UNVERIFIED = Refusal("grant_unverified", "This process cannot read suspensions at the moment. Try again shortly.")
# Refusals that a change of a moment ago may have ended; grants are looked at once more before they are said.
_MAY_BE_OVER = frozenset({"not_found", "contract_not_active", "token_invalid", "scope_not_granted", "dataset_unavailable"})
