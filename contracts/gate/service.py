"""The gate: looks up, decides, counts. One object for both its shells, the proxy's endpoint and the demo site's middleware."""

from __future__ import annotations

import asyncio
import threading
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from contracts.clock import Clock
from contracts.credentials.tokens import CRAWLER_KIND, Claims, Tokens
from contracts.errors import Refusal, StoreUnavailable
from contracts.gate import banning, mode, record, rules
from contracts.gate.bans import Bans
from contracts.gate.budgets import Pace, Standing
from contracts.gate.claimed import for_claim
from contracts.gate.decide import (
    RETRY_SECONDS,
    Decision,
    Mode,
    Verdict,
    for_licence,
    for_nobody_known,
    for_pace,
    open_to_all,
)
from contracts.gate.drawn import DecisionIds
from contracts.gate.facts import Facts, Page, agent_label, identity_of, network_of, read_target
from contracts.gate.flush import Flush
from contracts.gate.identity import Identities, Identity, TokenVerifier, visitor
from contracts.gate.metering import Meter
from contracts.gate.naming import Names
from contracts.gate.openings import Opening, Openings
from contracts.gate.policy import Numbers, numbers_of
from contracts.gate.recognised import Recognised
from contracts.gate.tally import Fetch, Stop, StopKey, Tally
from contracts.gate.visited import Seat, Visited
from contracts.gate.visitors import Visitors
from contracts.keys import KeyRing, Purpose
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.store.epochs import Epochs, EpochWatch
from contracts.store.jobs import Job
from contracts.store.unit import Store, Unit
from contracts.terms.grant import Grant

# A proxy waits longer than this for its answer, so that the class of the path decides here and not its own failure.
DEADLINE_SECONDS = 0.05
FETCH_SECONDS = 0.4
SUM_SECONDS = 1.0
SEAL_SECONDS = 5.0


class Grants(Protocol):
    """Where grants come from: `contracts.access.grants.GrantCache`."""

    def remembered(self, contract_id: str) -> Grant | Refusal | None: ...

    async def looked_at(self, contract_id: str) -> Grant | Refusal: ...

    def look_again(self) -> None: ...


class Gate:
    """Answers for one request to the main site: allow or stop, and why.

    Budgets and pace live in this process; mode, numbers and bans in the store, followed by the epoch `gate`. Licensed fetches reach the ledger
    within half a second by the job `gate-fetches`; should it fall 20,000 behind, licensed crawlers are refused.
    What has to be looked up is waited for 50 ms; then the class of the path decides.
    """

    def __init__(
        self,
        store: Store,
        watch: EpochWatch,
        tokens: Tokens,
        grants: Grants,
        settings: Settings,
        clock: Clock,
        keys: KeyRing,
        recognised: Recognised | None = None,
    ) -> None:
        self._store, self._watch, self._grants, self._clock = store, watch, grants, clock
        self.settings, self.names = settings, Names(keys.derived(Purpose.DECISION))
        self._token = TokenVerifier(tokens)
        self._recognised = recognised
        self.identities = Identities([self._token, *(recognised.verifiers if recognised else ())])
        self.deadline_seconds = DEADLINE_SECONDS
        self._zone = ZoneInfo(settings.platform.time_zone)
        self._day = (clock.now(), clock.now(), date.min)
        self._ids = DecisionIds()
        self._numbers = numbers_of(settings)
        self.policy = self._numbers.policy(tuple(settings.gate.free_paths))
        self.bans = Bans()
        self._bans_read: datetime | None = None
        self._openings = Openings()
        self._reloading = threading.Lock()
        self._lock = threading.Lock()
        self._visited = Visited(settings.shared, self.policy, lambda: clock.now().timestamp())
        self._visitors = Visitors(self.bans, self._visited)
        self._pace, self._tally = Pace(), Tally()
        self._meter = Meter(store, settings)
        self._flush = Flush(store, clock, self._tally, self._meter, self._openings)
        self.mode: Mode = settings.gate.mode
        self.reload()
        watch.on_change(self._on_change)

    async def decide(self, facts: Facts) -> Decision:
        """The decision on one request, counted as it is given. Waits only for what is not in memory, and for that 50 ms at most."""
        decision = self.decide_now(facts)
        return decision if decision is not None else await self._looked_up(facts, self._clock.now())

    def decide_now(self, facts: Facts) -> Decision | None:
        """The decision where memory knows all that it needs; None, and nothing counted, where `decide` has to look something up."""
        now = self._clock.now()
        page = read_target(facts.target)
        if page is None:
            return self._finish(facts, now, Verdict("malformed"))
        free = open_to_all(page, self.policy)
        if free is not None:
            return self._finish(facts, now, free, licensed=self.is_ours(facts.authorization))
        seat = self._visited.remembered(facts)
        if seat is not None:
            here = not self._visited.is_shared or self._counts_here(page, now, seat)
            return self._visitor(facts, page, now, seat) if here else None
        try:
            identity = self.identities.known(facts, now)
        except StoreUnavailable:
            return None
        if identity is None:
            return None
        answers = identity.licensed and self._answers()
        grant = self._grants.remembered(identity.contract_id) if answers else None
        if (answers and grant is None) or (isinstance(grant, Grant) and not self._meter.knows(grant, self._today(now))):
            return None
        if not identity.licensed and self._visited.is_shared and not self._counts_here(page, now, self._visited.known(facts, identity)):
            return None
        return self._judged(facts, page, now, identity, grant)

    def remembered(self, facts: Facts) -> Seat | None:
        """The seat of a visitor who came before and shows nothing more than that."""
        return self._visited.remembered(facts)

    def page_that_counts(self, target: str) -> str | None:
        """The key of a target's page; None where it is malformed, or open to everyone."""
        page = read_target(target)
        return None if page is None or open_to_all(page, self.policy) is not None else page.key

    def pass_again(self, seat: Seat, page: str) -> str | None:
        """The id of the decision on a seat and a page that counts, where it lets pass; else None, and nothing is counted."""
        now = self._clock.now()
        seconds = now.timestamp()
        if self._visited.is_shared and not self._visited.decides(seat, page, seconds):
            return None
        if self._visitors.halt(seat, page, seconds, self.policy) is not None:
            return None
        self._tally.count_passed(now, "visitor")
        return self._ids.next()

    def is_ours(self, authorization: str) -> bool:
        """Whether the header carries a token that names this platform as its issuer, good or not."""
        return self._token.is_ours(authorization)

    def set_mode(self, unit: Unit, actor: Actor, wanted: str) -> None:
        """`contracts.gate.mode.set_mode`, felt in this process as soon as it is durable."""
        mode.set_mode(unit, actor, wanted, self.settings)
        unit.after_commit(self.reload)

    def set_numbers(self, unit: Unit, actor: Actor, wanted: Numbers) -> None:
        """`contracts.gate.rules.set_numbers`, felt in this process as soon as it is durable."""
        rules.set_numbers(unit, actor, wanted, self.settings)
        unit.after_commit(self.reload)

    def reload(self) -> None:
        """Read mode, numbers and bans again. One thread at a time, so that what was read first never follows what was read later."""
        with self._reloading:
            self._known = False
            with self._store.read() as session:
                self.mode = mode.current(session, self.settings).mode
                numbers = rules.current(session, self.settings).numbers
                self._bans_read = banning.read(session, self.bans, self._clock.now(), self._bans_read)
            if numbers != self._numbers:
                self._numbers, self.policy = numbers, numbers.policy(self.policy.free_paths)
                self._visited.follow(self.policy)
            self._known = True

    def jobs(self) -> list[Job]:
        """Recurring work of the process that decides."""
        return [
            Job("gate-fetches", FETCH_SECONDS, self.flush_fetches),
            Job("gate-counts", SUM_SECONDS, self.flush_counts),
            Job("gate-seals", SEAL_SECONDS, self.look_again),
            Job("gate-prune", 3600.0, self.prune),
            *(self._recognised.jobs() if self._recognised else ()),
        ]

    def flush_fetches(self) -> int:
        """Write waiting licensed fetches to the ledger. Returns 0 always, so that the worker keeps the pause that makes batches."""
        self._flush.fetches()
        return 0

    def flush_counts(self) -> int:
        """Write counts and stops to their rows, and once a minute the ledger's entry of counts. Returns 0 always.

        Also reads the rules again where the news of their change could not be followed.
        """
        if not self._known:
            self.reload()
        self._flush.counts(every=60.0)
        self._flush.open_time()
        return 0

    def look_again(self) -> int:
        """Look at the seals of the contracts whose crawlers came since the last time, so that none of them waits for it. Returns 0."""
        self._grants.look_again()
        return 0

    def prune(self) -> int:
        """Forget counts and stops older than 30 days, and bans that ended."""
        self.bans.forget(self._clock.now().timestamp())
        with self._store.write("gate prune") as unit:
            record.prune(unit)
            banning.prune(unit)
        return 0

    def close(self) -> None:
        """Write what is still in memory; call it once no more requests come."""
        if self._recognised is not None:
            self._recognised.close()
        self.flush_fetches()
        self._flush.counts(every=0.0)
        self._flush.open_time()
        self._visited.close()

    def _on_change(self, before: Epochs, after: Epochs) -> None:
        if before.gate != after.gate:
            try:
                self.reload()
            except SQLAlchemyError:
                return  # others wait for the same news; `gate-counts` tries again within a second

    async def _looked_up(self, facts: Facts, now: datetime) -> Decision:
        page = read_target(facts.target)
        if page is None:
            return self._finish(facts, now, Verdict("malformed"))
        try:
            async with asyncio.timeout(self.deadline_seconds):
                identity = await self.identities.identify(facts, now)
                grant = await self._grants.looked_at(identity.contract_id) if identity.licensed and self._answers() else None
                if isinstance(grant, Grant) and not self._meter.knows(grant, self._today(now)):
                    await asyncio.to_thread(self._meter.load, grant, now)
                while not identity.licensed and not self._counts_here(page, now, self._visited.known(facts, identity)):
                    await self._visited.settled()
        except TimeoutError:
            return self._undecided(facts, page, now)
        except (SQLAlchemyError, StoreUnavailable):
            return self._finish(facts, now, Verdict("grant_unverified", RETRY_SECONDS), licensed=self.is_ours(facts.authorization))
        return self._judged(facts, page, now, identity, grant)

    def _counts_here(self, page: Page, now: datetime, seat: Seat) -> bool:
        """Whether this process can say what is left of a visitor's budgets."""
        return not self._visited.is_shared or self._visited.decides(seat, page.key, now.timestamp())

    def _answers(self) -> bool:
        """Whether the house can answer for licensed fetches: their entries are taken, and suspensions are known."""
        return not self._tally.behind and self._watch.fresh()

    def _judged(self, facts: Facts, page: Page, now: datetime, identity: Identity, grant: Grant | Refusal | None) -> Decision:
        """The decision on whoever it is; `grant` is that of a licensed identity, None where the house cannot answer for it."""
        if identity.licensed and identity.claims is not None:
            return self._licensed(facts, page, now, identity.claims, grant)
        if identity.kind == "token":
            return self._finish(facts, now, Verdict("token_invalid"), licensed=True)
        claim = for_claim(identity)
        # Summed up by network where it stops: whoever invents user agents or signatures must not write a row for each.
        if claim is not None:
            return self._finish(facts, now, claim, signature=identity.fault)
        return self._visitor(facts, page, now, self._visited.known(facts, identity))

    def _undecided(self, facts: Facts, page: Page, now: datetime) -> Decision:
        ours = self.is_ours(facts.authorization)
        stopped = for_nobody_known(page, self.policy, ours or facts.signature is not None)
        if stopped is not None:
            return self._finish(facts, now, stopped, licensed=ours)
        seat = self._visited.seat(visitor(facts.address, facts.user_agent), facts.address)
        decision = self._visitor(facts, page, now, seat, "undecided_open")
        if not decision.stops:
            self._openings.note(Opening(now, now, 1))
        return decision

    def _visitor(self, facts: Facts, page: Page, now: datetime, seat: Seat, passing: str = "within_budget") -> Decision:
        halt = self._visitors.halt(seat, page.key, now.timestamp(), self.policy)
        if halt is None:
            return self._passed(now, passing)
        fault = seat.identity.fault
        return self._finish(facts, now, halt.verdict, identity=halt.identity, standing=halt.standing, signature=fault)

    def _licensed(self, facts: Facts, page: Page, now: datetime, claims: Claims, grant: Grant | Refusal | None) -> Decision:
        # Beside a signature the header `Authorization` is the site's own business.
        by_token = claims.kind != CRAWLER_KIND
        if grant is None:
            reason = "ledger_behind" if self._tally.behind else "grant_unverified"
            return self._finish(facts, now, Verdict(reason, RETRY_SECONDS), licensed=by_token)
        verdict = self._under_contract(claims, grant, facts, page, now)
        decision = self._finish(facts, now, verdict, licensed=by_token, identity=claims.contract_id, contract_id=claims.contract_id)
        self._tally.fetch(_fetch(claims, grant, decision, facts))
        return decision

    def _under_contract(self, claims: Claims, grant: Grant | Refusal, facts: Facts, page: Page, now: datetime) -> Verdict:
        verdict = for_licence(claims, grant, facts, page, self._today(now))
        if verdict.stops or isinstance(grant, Refusal) or grant.terms.crawl is None:
            return verdict
        verdict = self._paced(grant.contract_id, grant.terms.crawl.requests_per_second, now.timestamp())
        return verdict if verdict.stops else self._meter.refusal(grant, now) or verdict

    def _paced(self, contract_id: str, rate: int, seconds: float) -> Verdict:
        with self._lock:
            verdict = for_pace(self._pace.wait(contract_id, rate, seconds), rate)
            if not verdict.stops:
                self._pace.take(contract_id, rate, seconds)
        return verdict

    def _today(self, now: datetime) -> date:
        """The day in the platform's time zone, which changes with a minute at the soonest."""
        since, until, today = self._day
        if not since <= now < until:
            since = now.replace(second=0, microsecond=0)
            today = now.astimezone(self._zone).date()
            self._day = since, since + timedelta(minutes=1), today
        return today

    def _passed(self, now: datetime, reason: str, licensed: bool = False, contract_id: str = "") -> Decision:
        """Name the decision on a request that passes by itself, and count it."""
        self._tally.count_passed(now, _OUTCOME.get(reason, "open"))
        return Decision(self._ids.next(), reason, self.mode, 0, licensed, contract_id)

    def _finish(
        self,
        facts: Facts,
        now: datetime,
        verdict: Verdict,
        *,
        licensed: bool = False,
        identity: str = "",
        contract_id: str = "",
        standing: Standing | None = None,
        signature: str = "",
    ) -> Decision:
        """Name the decision and count it."""
        mode: Mode = self.mode
        if not verdict.stops:
            return self._passed(now, verdict.reason, licensed, contract_id)
        effect = "would_stop" if mode == "shadow" else "stopped"
        key = StopKey(identity or identity_of(facts.address, ""), verdict.reason, effect)
        decision = Decision(
            self.names.name(now, verdict.reason, effect, key.identity),
            verdict.reason,
            mode,
            verdict.retry_after,
            licensed,
            contract_id,
            verdict.limit,
            signature,
        )
        stop = Stop(
            network_of(facts.address),
            agent_label(facts.user_agent),
            contract_id,
            now,
            now,
            1,
            standing.pages if standing else 0,
            decision.id,
        )
        self._tally.count(now, effect, key, stop)
        return decision


_OUTCOME = {"within_budget": "visitor", "undecided_open": "visitor", "licensed": "licensed"}


def _fetch(claims: Claims, grant: Grant | Refusal, decision: Decision, facts: Facts) -> Fetch:
    known = None if isinstance(grant, Refusal) else grant
    return Fetch(
        contract_id=claims.contract_id,
        contract_version=known.version if known else claims.contract_version,
        terms_sha256=known.terms_sha256 if known else "",
        organisation_id=known.organisation_id if known else "",
        client_id=claims.client_id,
        allowed=decision.allow,
        reason=decision.reason,
        path=facts.target,
        network=network_of(facts.address),
        terms=known.terms if known else None,
    )
