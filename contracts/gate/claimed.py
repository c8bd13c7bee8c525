"""What follows from whom a request claims to be from, before budgets are looked at. Pure."""

from __future__ import annotations

from contracts.gate.decide import Verdict
from contracts.gate.identity import Identity
from contracts.gate.reasons import REASONS

# A search engine's crawler takes none of these lightly: it forgets pages that it is refused.
_HARD = (401, 402, 403)
SOON_SECONDS = 3


def for_claim(identity: Identity) -> Verdict | None:
    """The verdict on whoever claims to be a crawler, where that claim alone decides; None where budgets do.

    Invalid signatures are refused rather than counted as a visitor's, so that whoever signs learns at once that it does so wrongly.
    """
    if identity.kind == "search_crawler" and identity.state != "unverified":
        return Verdict("search_crawler" if identity.state == "verified" else "search_crawler_fake")
    if identity.kind == "signature" and identity.state == "invalid":
        return Verdict("signature_replayed" if identity.label == "replayed" else "signature_invalid")
    return None


def softened(verdict: Verdict, identity: Identity) -> Verdict:
    """The verdict, unless it would refuse a search engine's crawler whose address is still being looked at: it is asked to come again.

    Whoever only calls itself one gains nothing by it: its pages are counted as anyone's, and in the end it is known to be none.
    """
    if identity.kind == "search_crawler" and identity.state == "unverified" and REASONS[verdict.reason].status in _HARD:
        return Verdict("search_crawler_unconfirmed", SOON_SECONDS)
    return verdict
