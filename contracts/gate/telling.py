"""What the gate tells: to the proxy that asks, to the site behind, to a visitor that is stopped. Names and values, no framework."""

from __future__ import annotations

from contracts.gate.decide import Decision
from contracts.settings import Settings

Header = tuple[str, str]

# Headers by which a proxy tells the site what the gate found; a client's own are never passed on.
TO_SITE = ("x-licet-contract", "x-licet-decision")
PRIVATE = ("x-gate-", "x-licet-")


def licence_link(settings: Settings) -> str:
    """Where the machine-readable licence is (RSL 1.0 section 2.2), as a value of `Link` (RFC 8288)."""
    return f'<{settings.base_url}/license.xml>; rel="license"; type="application/rsl+xml"'


def register_link(settings: Settings) -> str:
    """Where to apply for a contract, as a value of `Link`."""
    return f'<{settings.base_url}/apply>; rel="register"'


class Telling:
    """The headers of one installation, made once."""

    def __init__(self, settings: Settings) -> None:
        self._licence, self._register = licence_link(settings), register_link(settings)
        self._challenge = f'Bearer resource_metadata="{settings.base_url}/.well-known/oauth-protected-resource", error="invalid_token"'

    def proxy(self, decision: Decision) -> list[Header]:
        """For the proxy: the decision, and everything that it needs to tell a stopped visitor.

        nginx 1.22 keeps only the first of several headers of one name, so the two links also stand under names of their own.
        """
        told = [
            ("x-gate-status", str(decision.status)),
            ("x-gate-decision", decision.id),
            ("x-gate-reason", decision.reason),
            ("x-gate-credential", "licence" if decision.licensed else "none"),
            ("x-gate-contract", decision.contract_id if decision.allow else ""),
        ]
        if decision.allow:
            return [each for each in told if each[1]]
        return [
            *[each for each in told if each[1]],
            ("x-gate-license", self._licence),
            ("x-gate-register", self._register),
            *self._stopped(decision),
        ]

    def visitor(self, decision: Decision) -> list[Header]:
        """For a stopped visitor: which decision, why, and where the way in is."""
        return [("x-gate-decision", decision.id), ("x-gate-reason", decision.reason), *self._stopped(decision)]

    def _stopped(self, decision: Decision) -> list[Header]:
        told = [("link", self._licence), ("link", self._register), ("cache-control", "private, no-store")]
        if decision.retry_after:
            told.append(("retry-after", str(decision.retry_after)))
        if decision.status == 401:
            told.append(("www-authenticate", self._challenge))
        return told
