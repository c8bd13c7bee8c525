"""What a claim decides: verified crawlers pass, fakes and wrong signatures do not, and nobody is refused while it is being looked at."""

from __future__ import annotations

import pytest

from contracts.gate.claimed import for_claim, softened
from contracts.gate.decide import Verdict
from contracts.gate.identity import NOBODY, Identity, Kind, State
from contracts.gate.reasons import REASONS


@pytest.mark.parametrize(
    ("kind", "state", "label", "reason"),
    [
        ("search_crawler", "verified", "google", "search_crawler"),
        ("search_crawler", "invalid", "google", "search_crawler_fake"),
        ("search_crawler", "unverified", "google", None),
        ("signature", "invalid", "wrong", "signature_invalid"),
        ("signature", "invalid", "replayed", "signature_replayed"),
        ("signature", "unverified", "key_unknown", None),
        ("signature", "verified", "", None),
        ("account", "verified", "", None),
        ("account", "invalid", "", None),
    ],
)
def test_what_a_claim_alone_decides(kind: Kind, state: State, label: str, reason: str | None) -> None:
    verdict = for_claim(Identity(kind, "k", state, label=label))
    assert verdict == (None if reason is None else Verdict(reason))


def test_a_crawler_that_is_being_looked_at_is_asked_to_come_again_and_never_refused() -> None:
    unknown = Identity("search_crawler", "k", "unverified", label="google")
    for reason in REASONS:
        verdict = softened(Verdict(reason), unknown)
        assert REASONS[verdict.reason].status not in (401, 402, 403)
        assert softened(Verdict(reason), NOBODY) == Verdict(reason)
    assert softened(Verdict("budget_exceeded", 60), unknown) == Verdict("search_crawler_unconfirmed", 3)
    assert softened(Verdict("within_budget"), unknown) == Verdict("within_budget")
