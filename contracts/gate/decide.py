"""The gate's decision: facts in, a reason out. Pure; `service` looks things up before and counts after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal

from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.gate.budgets import Standing
from contracts.gate.facts import Facts, Page, covers
from contracts.gate.reasons import REASONS
from contracts.terms.grant import Grant
from contracts.terms.model import CrawlTerms

SCOPE = "site:fetch"
OPEN_PATHS = ("/robots.txt", "/license.xml", "/.well-known/")

Mode = Literal["shadow", "enforce"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's numbers: distinct pages an hour of one identity, and of all identities of one network together."""

    anonymous_budget: int
    network_budget: int
    free_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reason of `REASONS`, and seconds after which trying again makes sense (0: no time is known)."""

    reason: str
    retry_after: int = 0

    @property
    def stops(self) -> bool:
        """Whether an enforcing gate stops the request."""
        return REASONS[self.reason].stops


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer for one request.

    `allow` is what the proxy does. In shadow it is true although `reason` stops: `would_stop` says so. `licensed` is true where the
    request carried a token of ours, good or not; such a token is never handed to the site. `contract_id` is set for verified tokens.
    """

    id: str
    reason: str
    mode: Mode
    retry_after: int = 0
    licensed: bool = False
    contract_id: str = ""

    @property
    def stops(self) -> bool:
        """Whether the reason is one that stops."""
        return REASONS[self.reason].stops

    @property
    def allow(self) -> bool:
        """Whether the request goes on to the site."""
        return self.mode == "shadow" or not self.stops

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
    if _listed(OPEN_PATHS, page):
        return Verdict("open_path")
    return Verdict("not_a_page") if _listed(policy.free_paths, page) else None


def for_visitor(own: Standing, network: Standing, policy: Policy) -> Verdict:
    """Anyone without a licence: a page read before always passes, a new one while both budgets last.

    The network's budget is what keeps a visitor from earning a new one by naming another user agent.
    """
    if not own.known and own.pages >= policy.anonymous_budget:
        return Verdict("budget_exceeded", own.frees_in)
    if not network.known and network.pages >= policy.network_budget:
        return Verdict("network_budget_exceeded", network.frees_in)
    return Verdict("within_budget")


def for_licence(claims: Claims, grant: Grant | Refusal, facts: Facts, page: Page, today: date) -> Verdict:
    """A verified token under its contract; everything but the pace. What the contract does not name is refused."""
    if isinstance(grant, Refusal):
        return Verdict(_known(grant))
    ended = grant.refusal_at(today, claims.client_id)
    if ended is not None:
        return Verdict(_known(ended))
    live = grant.clients.get(claims.client_id)
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
    return Verdict(_outside(grant.terms.crawl, facts.host, page) or "licensed")


def for_pace(wait: float) -> Verdict:
    """The pace of a fetch that is otherwise within its contract; `wait` in seconds."""
    return Verdict("rate_exceeded", math.ceil(wait)) if wait > 0 else Verdict("licensed")


def _listed(paths: tuple[str, ...], page: Page) -> bool:
    """A path with a slash at its end stands for all below it, any other for itself alone."""
    return page.plain and any(page.path.startswith(each) if each.endswith("/") else page.path == each for each in paths)


def _outside(crawl: CrawlTerms, host: str, page: Page) -> str | None:
    named = host.lower()
    bare = named.rsplit(":", 1)[0] if not named.endswith("]") else named
    if not any(each.lower() in (named, bare) for each in crawl.hosts):
        return "site_not_in_contract"
    if not any(covers(path, page) for path in crawl.paths):
        return "path_not_in_contract"
    return None


def _known(refusal: Refusal) -> str:
    # A refusal that the gate has no reason of its own for still refuses.
    return refusal.code if refusal.code in REASONS else "contract_not_active"
