"""Kinds of application on one screen. The kind chooses the form and whether records are paid for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

AI_TRAINING = "ai-training"


@dataclass(frozen=True, slots=True)
class KindFacts:
    """One row. `retention_days` what the desk proposes at most; staff begin those `by_staff`."""

    title: str
    meaning: str
    priced: bool
    retention_days: int
    by_staff: bool = False


KINDS: dict[str, KindFacts] = {
    "research": KindFacts("Research", "Free of charge; results are published so that nobody is identified.", False, 365),
    "public-interest": KindFacts(
        "Public interest",
        "Free of charge; for journalism, archives and public bodies that answer to an office or an editor.",
        False,
        365,
    ),
    "commercial": KindFacts("Commercial", "At the dataset’s price, billed by what is read.", True, 30),
    AI_TRAINING: KindFacts(
        "AI training",
        "At the dataset’s price; for fitting the weights of models, and only where a dataset allows it.",
        True,
        30,
    ),
    "dsa-40-4": KindFacts(
        "Coordinator’s request",
        "Vetted research under Article 40(4) of the EU Digital Services Act, begun by our staff from a Coordinator’s reasoned request.",
        False,
        365,
        by_staff=True,
    ),
}
APPLIED_FOR = tuple(kind for kind, facts in KINDS.items() if not facts.by_staff)
"""The kinds that partners apply for, each with a form."""


def offered(purposes: Iterable[str]) -> tuple[str, ...]:
    """The kinds that a dataset with these purposes can be applied for. AI training is a kind and a purpose of its own, off unless named."""
    found = set(purposes)
    return tuple(kind for kind in APPLIED_FOR if (AI_TRAINING in found if kind == AI_TRAINING else found - {AI_TRAINING}))


def fits(kind: str, purpose: str) -> bool:
    """Whether an application of the kind may name the purpose: the purpose of training models goes with that kind alone."""
    return (kind == AI_TRAINING) == (purpose == AI_TRAINING)
