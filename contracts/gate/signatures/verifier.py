"""Signed requests: whose crawler it is. Keys are found by the pair of key set and thumbprint, never by a name that comes with the request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from contracts.crawlers.lookup import Crawler
from contracts.credentials.tokens import CRAWLER_KIND, Claims
from contracts.gate.facts import Facts, Signed, identity_of
from contracts.gate.identity import NOBODY, Identity
from contracts.gate.signatures.check import signed_by
from contracts.gate.signatures.nonces import Nonces
from contracts.gate.signatures.profile import LASTS_SECONDS, Claim, Fault, claims_in

SCOPE = "site:fetch"
# Which of several signatures counts: what is proved, else what is wrong, else what cannot be told.
_ORDER = {"verified": 0, "invalid": 1, "unverified": 2}
_USED = {"again": "replayed", "untold": "nonce_untold"}


class Known(Protocol):
    """Where proved keys are found: `contracts.crawlers.lookup.CrawlerKeys`."""

    async def found(self, thumbprint: str, keys_at: str) -> Crawler | None: ...


class Signatures:
    """Identifies crawlers that sign (Web Bot Auth). Nothing is fetched for a request: what directories publish is known beforehand."""

    def __init__(self, known: Known, nonces: Nonces) -> None:
        self._known, self._nonces = known, nonces

    def known(self, facts: Facts, now: datetime) -> Identity | None:
        """Nobody where nothing is signed; a signature is always looked at in `verify`, because its nonce may have to be asked for."""
        return NOBODY if facts.signature is None else None

    async def verify(self, facts: Facts, now: datetime) -> Identity:
        """Who signed the request. Each signature is judged by itself, and one that is verified is enough.

        Raises SQLAlchemyError or StoreUnavailable where the proved keys have to be read and cannot be.
        """
        if facts.signature is None:
            return NOBODY
        found: list[Identity] = []
        for each in claims_in(facts.signature, facts.scheme, now):
            found.append(await self._judged(each, facts.signature, facts, now))
            if found[-1].state == "verified":
                return found[-1]
        return min(found, key=lambda each: _ORDER[each.state], default=NOBODY)

    async def _judged(self, claim: Claim | Fault, signed: Signed, facts: Facts, now: datetime) -> Identity:
        if isinstance(claim, Fault):
            return _faulty(claim, facts)
        crawler = await self._known.found(claim.keyid, claim.keys_at)
        if crawler is None:
            return _faulty(Fault("key_unknown"), facts)
        if not crawler.key.counts(now):
            return _faulty(Fault("key_ended"), facts)
        if not signed_by(crawler.key.key, claim, signed, facts):
            return _faulty(Fault("wrong"), facts)
        used = await self._nonces.use(claim.keyid, claim.nonce, claim.created, now) if claim.nonce else "first"
        return _faulty(Fault(_USED[used]), facts) if used in _USED else _verified(crawler, claim)


def _verified(crawler: Crawler, claim: Claim) -> Identity:
    """The crawler, with claims as a token of its contract would make them; whether the contract lets it fetch is the grant's to say."""
    claims = Claims(
        client_id=crawler.id,
        contract_id=crawler.contract_id,
        contract_version=0,
        scopes=frozenset({SCOPE}),
        jti="",
        expires_at=datetime.fromtimestamp(min(claim.expires, claim.created + LASTS_SECONDS), UTC),
        audience="",
        kind=CRAWLER_KIND,
    )
    return Identity("signature", crawler.id, "verified", crawler.contract_id, claims, crawler.directory_url or crawler.key.thumbprint)


def _faulty(fault: Fault, facts: Facts) -> Identity:
    return Identity("signature", identity_of(facts.address, facts.user_agent), fault.state, label=fault.problem)
