"""What the gate tells: to the proxy that asks, to the site behind, to a visitor that is stopped. Names and values, no framework."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.gate.decide import Decision
from contracts.gate.signatures.asking import accept_signature
from contracts.gate.stopped import StoppedPage
from contracts.settings import Settings

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that a stopped visitor is sent. `headers` lack the length, which whoever sends it adds."""

    status: int
    headers: list[Header]
    body: bytes


# Headers by which a proxy tells the site what the gate found; a client's own are never passed on.
TO_SITE = ("x-licet-contract", "x-licet-decision")
PRIVATE = ("x-gate-", "x-licet-")

_DAY = 86_400
# What the headers call each limit, as the API does, with its window in seconds; waiting frees none of the period's.
_LIMITS: dict[str, tuple[str, int]] = {
    "rate_exceeded": ("requests", 1),
    "quota_exhausted": ("records", _DAY),
    "bytes_exhausted": ("bytes", _DAY),
    "period_exhausted": ("records-in-period", 0),
    "distinct_exhausted": ("distinct-records", 0),
    "period_bytes_exhausted": ("bytes-in-period", 0),
}


def licence_link(settings: Settings) -> str:
    """Where the machine-readable licence is (RSL 1.0 section 2.2), as a value of `Link` (RFC 8288)."""
    return f'<{settings.base_url}/license.xml>; rel="license"; type="application/rsl+xml"'


def register_link(settings: Settings) -> str:
    """Where to apply for a contract, as a value of `Link`."""
    return f'<{settings.base_url}/apply>; rel="register"'


def takes_html(accept: str) -> bool:
    """Whether a visitor's `Accept` names HTML, as browsers that open a page do; programs that take anything get plain lines."""
    return "text/html" in accept.lower()


def limit_of(decision: Decision) -> list[Header]:
    """The limit that was reached, as `RateLimit-Policy` and `RateLimit` tell it (draft-ietf-httpapi-ratelimit-headers-11)."""
    if not decision.limit or decision.reason not in _LIMITS:
        return []
    name, window = _LIMITS[decision.reason]
    policy, left = f'"{name}";q={decision.limit}', f'"{name}";r=0'
    if not window:
        return [("ratelimit-policy", policy), ("ratelimit", left)]
    return [("ratelimit-policy", f"{policy};w={window}"), ("ratelimit", f"{left};t={decision.retry_after}")]


class Telling:
    """The headers of one installation, made once."""

    def __init__(self, settings: Settings) -> None:
        self._licence, self._register, self._page = licence_link(settings), register_link(settings), StoppedPage(settings)
        self._asks = settings.gate.ask_for_signatures
        self._challenge = f'Bearer resource_metadata="{settings.base_url}/.well-known/oauth-protected-resource", error="invalid_token"'

    def visitor(self, decision: Decision) -> list[Header]:
        """For a stopped visitor: which decision, why, and where the way in is."""
        return [("x-gate-decision", decision.id), ("x-gate-reason", decision.reason), *self._stopped(decision)]

    def answer(self, decision: Decision, accept: str) -> Answer:
        """The whole answer to a stopped visitor: the page for who takes HTML (`accept` is the visitor's header), else two lines."""
        told = [*self.visitor(decision), ("vary", "accept"), ("x-content-type-options", "nosniff")]
        if takes_html(accept):
            told += [("content-type", "text/html; charset=utf-8"), ("content-security-policy", self._page.policy)]
            return Answer(decision.status, told, self._page.html(decision))
        return Answer(decision.status, [*told, ("content-type", "text/plain; charset=utf-8")], self._page.lines(decision))

    def _stopped(self, decision: Decision) -> list[Header]:
        told = [("link", self._licence), ("link", self._register), ("cache-control", "private, no-store")]
        if decision.retry_after:
            told.append(("retry-after", str(decision.retry_after)))
        told += limit_of(decision)
        if decision.status == 401:
            told.append(("www-authenticate", self._challenge))
        if decision.signature:
            told.append(("x-gate-signature", decision.signature))
        if decision.signature or (self._asks and decision.status == 403):
            told.append(("accept-signature", accept_signature()))
        return told
