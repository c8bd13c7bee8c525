"""The gate: looks up, decides, counts. One object for both its shells, the proxy's endpoint and the demo site's middleware."""

from __future__ import annotations

import base64
import binascii
import threading
from collections import Counter
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy.exc import SQLAlchemyError

from contracts.clock import Clock
from contracts.credentials.tokens import MAX_TOKEN_CHARACTERS, Claims, Tokens
from contracts.errors import Refusal, StoreUnavailable
from contracts.gate import mode, record
from contracts.gate.budgets import Pace, PageBudget, Standing
from contracts.gate.decide import Decision, Mode, Policy, Verdict, for_licence, for_pace, for_visitor, open_to_all
from contracts.gate.facts import Facts, Page, agent_label, identity_of, network_of, read_target
from contracts.gate.tally import Fetch, Stop, StopKey, Sums, Tally
from contracts.ids import new_id
from contracts.ledger.stage import stage
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.store.epochs import Epochs, EpochWatch
from contracts.store.jobs import Job
from contracts.store.unit import Store, Unit
from contracts.terms.grant import Grant

FETCH_SECONDS = 0.15
SUM_SECONDS = 1.0
FETCHES_A_TRANSACTION = 500
STOPS_A_TRANSACTION = 100  # holds SQLite's write lock a few milliseconds
RETRY_SECONDS = 2
# RFC 6750 section 2.1, and RSL's Crawler Authorization Protocol.
_SCHEMES = ("bearer", "license")


class Grants(Protocol):
    """Where grants come from: `contracts.access.grants.GrantCache`."""

    async def get(self, contract_id: str) -> Grant | Refusal: ...


class Gate:
    """Answers for one request to the main site: allow or stop, and why.

    Budgets and pace live in this process; the mode in the store, followed by the epoch `gate`. Licensed fetches reach the ledger
    within 0.2 s by the job `gate-fetches`; should it fall 20,000 behind, licensed crawlers are refused.
    """

    def __init__(self, store: Store, watch: EpochWatch, tokens: Tokens, grants: Grants, settings: Settings, clock: Clock) -> None:
        self._store, self._watch, self._tokens, self._grants, self._clock = store, watch, tokens, grants, clock
        self.settings = settings
        self._audience = tokens.audiences["site"]
        self._zone = ZoneInfo(settings.platform.time_zone)
        each = settings.gate.anonymous_budget
        self.policy = Policy(each, each * settings.gate.network_factor, tuple(settings.gate.free_paths))
        self._lock = threading.Lock()
        self._pages, self._networks, self._pace, self._tally = PageBudget(), PageBudget(), Pace(), Tally()
        self._minute: Counter[str] = Counter()
        self._minute_began = clock.now()
        self.mode: Mode = settings.gate.mode
        self.reload()
        watch.on_change(self._on_change)

    async def decide(self, facts: Facts) -> Decision:
        """The decision on one request, counted as it is given. Waits for the store only for a grant that is not in memory."""
        now = self._clock.now()
        page = read_target(facts.target)
        if page is None:
            return self._finish(facts, now, Verdict("malformed"))
        free = open_to_all(page, self.policy)
        if free is not None:
            return self._finish(facts, now, free, licensed=self.is_ours(facts.authorization))
        token = self._token_of(facts.authorization)
        return await self._licensed(facts, page, token, now) if token else self._visitor(facts, page, now)

    def is_ours(self, authorization: str) -> bool:
        """Whether the header carries a token that names this platform as its issuer, good or not."""
        return bool(self._token_of(authorization))

    def set_mode(self, unit: Unit, actor: Actor, wanted: str) -> None:
        """`contracts.gate.mode.set_mode`, felt in this process as soon as it is durable."""
        mode.set_mode(unit, actor, wanted, self.settings)
        unit.after_commit(self.reload)

    def reload(self) -> None:
        """Read the mode again."""
        self._mode_known = False
        with self._store.read() as session:
            self.mode = mode.current(session, self.settings).mode
        self._mode_known = True

    def jobs(self) -> list[Job]:
        """Recurring work of the process that decides."""
        return [
            Job("gate-fetches", FETCH_SECONDS, self.flush_fetches),
            Job("gate-counts", SUM_SECONDS, self.flush_counts),
            Job("gate-prune", 3600.0, self.prune),
        ]

    def flush_fetches(self) -> int:
        """Write waiting licensed fetches to the ledger. Returns 0 always, so that the worker keeps the pause that makes batches."""
        fetches = self._tally.take_fetches()
        done = 0
        try:
            while done < len(fetches):
                batch = fetches[done : done + FETCHES_A_TRANSACTION]
                with self._store.write("gate fetches") as unit:
                    stage(unit.connection, unit.node, unit.now, record.fetch_entries(batch))
                done += len(batch)
        finally:
            self._tally.give_back(fetches[done:])
        return 0

    def flush_counts(self) -> int:
        """Write counts and stops to their rows, and once a minute the ledger's entry of counts. Returns 0 always.

        Also reads the mode again where the news of its change could not be followed.
        """
        if not self._mode_known:
            self.reload()
        self._write_counts(every=60.0)
        return 0

    def prune(self) -> int:
        """Forget counts and stops older than 30 days."""
        with self._store.write("gate prune") as unit:
            record.prune(unit)
        return 0

    def close(self) -> None:
        """Write what is still in memory; call it once no more requests come."""
        self.flush_fetches()
        self._write_counts(every=0.0)

    def _write_counts(self, every: float) -> None:
        parts = self._tally.take_sums().parts(STOPS_A_TRANSACTION)
        try:
            while parts:
                self._write_part(parts[0], every)
                parts.pop(0)
        except BaseException:  # whatever went wrong, the counts must not be lost
            for part in parts:
                self._tally.give_sums_back(part)
            raise

    def _write_part(self, sums: Sums, every: float) -> None:
        now, total = self._clock.now(), self._minute + record.by_outcome(sums)
        due = bool(total) and (now - self._minute_began).total_seconds() >= every
        if not sums and not due:
            return
        with self._store.write("gate counts") as unit:
            record.write_sums(unit, sums)
            if due:
                stage(unit.connection, unit.node, unit.now, [record.count_entry(total, self._minute_began, now)])
        self._minute, self._minute_began = (Counter(), now) if due else (total, self._minute_began)

    def _on_change(self, before: Epochs, after: Epochs) -> None:
        if before.gate != after.gate:
            try:
                self.reload()
            except SQLAlchemyError:
                return  # others wait for the same news; `gate-counts` tries again within a second

    def _token_of(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        return token if scheme.lower() in _SCHEMES and _issuer_of(token) == self._tokens.issuer else ""

    def _visitor(self, facts: Facts, page: Page, now: datetime) -> Decision:
        seconds = now.timestamp()
        who, network = identity_of(facts.address, facts.user_agent), network_of(facts.address)
        with self._lock:
            own, shared = self._pages.look(who, page.key, seconds), self._networks.look(network, page.key, seconds)
            verdict = for_visitor(own, shared, self.policy)
            if not verdict.stops:
                self._pages.add(who, page.key, seconds)
                self._networks.add(network, page.key, seconds)
        # One over the network's budget is summed up by network: whoever invents user agents must not write a row for each.
        return self._finish(facts, now, verdict, identity=who if verdict.reason == "budget_exceeded" else "", standing=own)

    async def _licensed(self, facts: Facts, page: Page, token: str, now: datetime) -> Decision:
        if self._tally.behind or not self._watch.fresh():
            reason = "ledger_behind" if self._tally.behind else "grant_unverified"
            return self._finish(facts, now, Verdict(reason, RETRY_SECONDS), licensed=True)
        try:
            claims = await self._tokens.check(token, self._audience)
            grant = claims if isinstance(claims, Refusal) else await self._grants.get(claims.contract_id)
        except (SQLAlchemyError, StoreUnavailable):
            return self._finish(facts, now, Verdict("grant_unverified", RETRY_SECONDS), licensed=True)
        if isinstance(claims, Refusal) or claims.bound:
            return self._finish(facts, now, Verdict("token_invalid"), licensed=True)
        verdict = self._under_contract(claims, grant, facts, page, now)
        decision = self._finish(facts, now, verdict, licensed=True, identity=claims.contract_id, contract_id=claims.contract_id)
        self._tally.fetch(_fetch(claims, grant, decision, facts))
        return decision

    def _under_contract(self, claims: Claims, grant: Grant | Refusal, facts: Facts, page: Page, now: datetime) -> Verdict:
        verdict = for_licence(claims, grant, facts, page, now.astimezone(self._zone).date())
        if verdict.stops or isinstance(grant, Refusal) or grant.terms.crawl is None:
            return verdict
        return self._paced(grant.contract_id, grant.terms.crawl.requests_per_second, now.timestamp())

    def _paced(self, contract_id: str, rate: int, seconds: float) -> Verdict:
        with self._lock:
            verdict = for_pace(self._pace.wait(contract_id, rate, seconds))
            if not verdict.stops:
                self._pace.take(contract_id, rate, seconds)
        return verdict

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
    ) -> Decision:
        """Name the decision and count it."""
        decision = Decision(new_id("dec"), verdict.reason, self.mode, verdict.retry_after, licensed, contract_id)
        if not decision.stops:
            self._tally.count(now, _OUTCOME.get(verdict.reason, "open"))
            return decision
        effect = "would_stop" if decision.allow else "stopped"
        key = StopKey(identity or identity_of(facts.address, ""), verdict.reason, effect)
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


_OUTCOME = {"within_budget": "visitor", "licensed": "licensed"}


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
    )


def _issuer_of(token: str) -> str:
    """The issuer that a JWT names, not verified: it only tells our tokens from those of the site itself."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > MAX_TOKEN_CHARACTERS:
        return ""
    try:
        payload = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return ""
    issuer = payload.get("iss") if isinstance(payload, dict) else None
    return issuer if isinstance(issuer, str) else ""
