"""Who asks: one identity for each request, verified, invalid or unverified, from what the request shows and never from what it claims.

Verifiers look in turn, each at one kind of credential. The first that finds a verified or an invalid one decides; what is unverified
counts as the visitor that it may be, and whoever shows nothing is known by network and user agent alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal, Protocol

import orjson

from contracts.credentials.tokens import MAX_TOKEN_CHARACTERS, Claims, Tokens
from contracts.errors import Refusal
from contracts.gate.facts import MAX_AGENT, Facts, agent_label, identity_of
from contracts.networks import REMEMBERED

Kind = Literal["token", "key", "signature", "search_crawler", "account", "anonymous"]
State = Literal["verified", "invalid", "unverified"]

# RFC 6750 section 2.1, and RSL's Crawler Authorization Protocol.
_SCHEMES = ("bearer", "license")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `key` is what budgets and bans go by; `contract_id` and `claims` are those of a verified credential of a contract.

    `label` is what may be shown of it: a user agent's family, a crawler's name, what is wrong with a signature. `since` is when an
    account was made, in seconds since 1970. Whoever is not verified has the visitor's key that it may be.
    """

    kind: Kind
    key: str
    state: State
    contract_id: str = ""
    claims: Claims | None = field(default=None, repr=False)
    label: str = ""
    since: int = 0

    @property
    def licensed(self) -> bool:
        """Whether it is a contract's, and verified."""
        return self.state == "verified" and self.contract_id != ""

    @property
    def fault(self) -> str:
        """Why a signature does not count (`signatures.profile.PROBLEMS`); empty where there is none, or a good one."""
        return self.label if self.kind == "signature" and self.state != "verified" else ""


NOBODY = Identity("anonymous", "", "unverified")


class Verifier(Protocol):
    """Looks at one kind of credential."""

    def known(self, facts: Facts, now: datetime) -> Identity | None:
        """Who asks as far as memory knows; None where it has to be looked up.

        An unverified identity, such as `NOBODY`, where the request shows nothing of this kind.
        """
        ...

    async def verify(self, facts: Facts, now: datetime) -> Identity:
        """Who asks. May wait; raises `StoreUnavailable` where it cannot be known now."""
        ...


class Identities:
    """Asks its verifiers in turn."""

    def __init__(self, verifiers: Sequence[Verifier]) -> None:
        self._verifiers = tuple(verifiers)

    def known(self, facts: Facts, now: datetime) -> Identity | None:
        """Who asks, from memory alone; None where a verifier has to look something up."""
        claimed: Identity | None = None
        for each in self._verifiers:
            found = each.known(facts, now)
            if found is None:
                return None
            if found.state != "unverified":
                return found
            claimed = claimed or (found if found is not NOBODY else None)
        return claimed or visitor(facts.address, facts.user_agent)

    async def identify(self, facts: Facts, now: datetime) -> Identity:
        """Who asks. May wait; raises `StoreUnavailable` where it cannot be known now."""
        claimed: Identity | None = None
        for each in self._verifiers:
            found = each.known(facts, now) or await each.verify(facts, now)
            if found.state != "unverified":
                return found
            claimed = claimed or (found if found is not NOBODY else None)
        return claimed or visitor(facts.address, facts.user_agent)


def visitor(address: str, user_agent: str) -> Identity:
    """Anyone who shows nothing that counts: known by network (/24, /48) and user agent."""
    return _visitor(address, user_agent[:MAX_AGENT])


@lru_cache(maxsize=REMEMBERED)
def _visitor(address: str, user_agent: str) -> Identity:
    """Remembered for those who also show something, which says nothing of them; `visited` remembers all others."""
    return Identity("anonymous", identity_of(address, user_agent), "unverified", label=agent_label(user_agent))


class TokenVerifier:
    """Access tokens of ours for the site (RFC 9068). A token of another issuer is the site's own business, and nothing here."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens, self._audience = tokens, tokens.audiences["site"]

    def known(self, facts: Facts, now: datetime) -> Identity | None:
        """As `Verifier.known`: a token that was seen before is known by its hash."""
        token = _token_in(facts.authorization) if facts.authorization else ""
        if not token:
            return NOBODY
        claims = self._tokens.remembered(token, self._audience)
        if claims is None:
            return None if _issuer_of(token) == self._tokens.issuer else NOBODY
        return _identity(claims)

    async def verify(self, facts: Facts, now: datetime) -> Identity:
        """As `Verifier.verify`: the first sight of a token asks whether it was ever issued."""
        return _identity(await self._tokens.check(_token_in(facts.authorization), self._audience))

    def is_ours(self, authorization: str) -> bool:
        """Whether the header carries a token that names this platform as its issuer, good or not."""
        token = _token_in(authorization)
        return bool(token) and _issuer_of(token) == self._tokens.issuer


def _identity(claims: Claims | Refusal) -> Identity:
    # What stands before the site checks no proofs of keys, so a bound token is good for nothing here.
    if isinstance(claims, Refusal) or claims.bound:
        return _INVALID
    return Identity("token", claims.contract_id, "verified", claims.contract_id, claims)


_INVALID = Identity("token", "", "invalid")


def _token_in(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if token and scheme.lower() in _SCHEMES else ""


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
