"""The gate's decision: facts in, a reason out. Pure; `service` looks things up before and counts after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal

from contracts.credentials.tokens import CRAWLER_KIND, Claims
from contracts.errors import Refusal
from contracts.gate.bans import Ban
from contracts.gate.budgets import Standing
from contracts.gate.facts import Facts, Page, covers
from contracts.gate.policy import Policy
from contracts.gate.reasons import REASONS
from contracts.gate.routes import Listed
from contracts.terms.grant import Grant
from contracts.terms.model import CrawlTerms

SCOPE = "site:fetch"
RETRY_SECONDS = 2
OPEN_PATHS = ("/robots.txt", "/license.xml", "/.well-known/")

STOPPING = frozenset(code for code, reason in REASONS.items() if reason.stops)
_OPEN = Listed(OPEN_PATHS)

Mode = Literal["shadow", "enforce"]
Effect = Literal["allow", "mask", "challenge", "deny"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reason of `REASONS`, and seconds after which trying again makes sense (0: no time is known).

    `limit` is what a limit allows that was reached, in the unit of its reason; 0 where none was.
    """

    reason: str
    retry_after: int = 0
    limit: int = 0

    @property
    def stops(self) -> bool:
        """Whether an enforcing gate stops the request."""
        return self.reason in STOPPING


# What most requests meet, made once.
OPEN_PATH, NOT_A_PAGE, WITHIN_BUDGET, LICENSED = map(Verdict, ("open_path", "not_a_page", "within_budget", "licensed"))


@dataclass(slots=True)
class Decision:
    """The gate's answer for one request.

    `allow` is what the proxy does. In shadow it is true although `reason` stops: `would_stop` says so. `licensed` is true where the
    request carried a token of ours, good or not; such a token is never handed to the site. `contract_id` is set for verified tokens.
    `signature` says why the request's signature does not count.
    """

    id: str
    reason: str
    mode: Mode
    retry_after: int = 0
    licensed: bool = False
    contract_id: str = ""
    limit: int = 0
    signature: str = ""

    @property
    def stops(self) -> bool:
        """Whether the reason is one that stops."""
        return self.reason in STOPPING

    @property
    def allow(self) -> bool:
        """Whether the request goes on to the site."""
        return self.mode == "shadow" or self.reason not in STOPPING

    @property
    def effect(self) -> Effect:
        """What the proxy does with the request: let it through, or send what the decision tells."""
        return "allow" if self.allow else "deny"

    @property
    def would_stop(self) -> bool:
        """Passed only because the gate is in shadow."""
        return self.stops and self.allow

    @property
    def status(self) -> int:
        """200, or the status that a stopped visitor is told."""
        return 200 if self.allow else REASONS[self.reason].status


def open_to_all(page: Page, policy: Policy) -> Verdict | None:
    """The verdict on paths that nobody is counted for, or None."""
    if _OPEN.covers(page):
        return OPEN_PATH
    return NOT_A_PAGE if policy.free.covers(page) else None


def for_visitor(own: Standing, network: Standing, policy: Policy) -> Verdict:
    """Anyone without a licence: a page read before always passes, a new one while both budgets last.

    The network's budget is what keeps a visitor from earning a new one by naming another user agent.
    """
    if not own.known and own.pages >= policy.anonymous_budget:
        return Verdict("budget_exceeded", own.frees_in)
    if not network.known and network.pages >= policy.network_budget:
        return Verdict("network_budget_exceeded", network.frees_in)
    return WITHIN_BUDGET


def for_banned(ban: Ban, now: float) -> Verdict:
    """Somebody without a licence who is banned, or comes from a network that is; `now` in seconds since 1970."""
    return Verdict("banned", math.ceil(ban.ends - now))


def for_licence(claims: Claims, grant: Grant | Refusal, facts: Facts, page: Page, today: date) -> Verdict:
    """A verified token or crawler's key under its contract; everything but the pace. What the contract does not name is refused."""
    if isinstance(grant, Refusal):
        return Verdict(_known(grant))
    ended = grant.refusal_at(today, claims.client_id)
    if ended is not None:
        return Verdict(_known(ended))
    # A crawler's key is found among the proved ones, read anew with every change of a credential, before its claims are made.
    live = claims.scopes if claims.kind == CRAWLER_KIND else grant.clients.get(claims.client_id)
    if live is None:
        return Verdict("contract_not_active")
    if grant.is_over(claims):
        return Verdict("token_invalid")
    if SCOPE not in claims.scopes & live:
        return Verdict("scope_not_granted")
    if grant.terms.crawl is None:
        return Verdict("crawl_not_in_contract")
    elsewhere = grant.refusal_from(facts.address, claims.client_id)
    if elsewhere is not None:
        return Verdict(_known(elsewhere))
    outside = _outside(grant.terms.crawl, facts.host, page)
    return LICENSED if outside is None else Verdict(outside)


def for_nobody_known(page: Page, policy: Policy, licensed: bool) -> Verdict | None:
    """Who asks could not be told in time: the class of the path decides; None where it stays open to whoever keeps to the budgets.

    Whoever shows a credential of ours is asked to come again: a licensed fetch without its entry would be worse than a late one.
    """
    return None if not licensed and policy.stays_open(page) else Verdict("undecided", RETRY_SECONDS)


def for_pace(wait: float, rate: int) -> Verdict:
    """The pace of a fetch that is otherwise within its contract; `wait` in seconds, `rate` in requests a second."""
    return Verdict("rate_exceeded", math.ceil(wait), rate) if wait > 0 else LICENSED


def _outside(crawl: CrawlTerms, host: str, page: Page) -> str | None:
    named = host.lower()
    bare = named.rsplit(":", 1)[0] if not named.endswith("]") else named
    # Loops, because each fetch of every crawler comes by here.
    for each in crawl.hosts:
        if each.lower() in (named, bare):
            break
    else:
        return "site_not_in_contract"
    for path in crawl.paths:
        if covers(path, page):
            return None
    return "path_not_in_contract"


def _known(refusal: Refusal) -> str:
    # A refusal that the gate has no reason of its own for still refuses.
    return refusal.code if refusal.code in REASONS else "contract_not_active"
