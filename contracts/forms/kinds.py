"""Kinds of application on one screen. The kind chooses the form, the contract's template and whether records are paid for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

AI_TRAINING = "ai-training"


@dataclass(frozen=True, slots=True)
class KindFacts:
    """One row. `template` is the contract template, `retention_days` what the desk proposes at most."""

    title: str
    meaning: str
    template: str
    priced: bool
    retention_days: int


KINDS: dict[str, KindFacts] = {
    "research": KindFacts("Research", "Free of charge; results are published so that nobody is identified.", "research", False, 365),
    "public-interest": KindFacts(
        "Public interest",
        "Free of charge; for journalism, archives and public bodies that answer to an office or an editor.",
        "research",
        False,
        365,
    ),
    "commercial": KindFacts("Commercial", "At the dataset’s price, billed by what is read.", "commercial", True, 30),
    AI_TRAINING: KindFacts(
        "AI training",
        "At the dataset’s price; for fitting the weights of models, and only where a dataset allows it.",
        "commercial",
        True,
        30,
    ),
}


def offered(purposes: Iterable[str]) -> tuple[str, ...]:
    """The kinds that a dataset with these purposes can be applied for. AI training is a kind and a purpose of its own, off unless named."""
    found = set(purposes)
    return tuple(kind for kind in KINDS if (AI_TRAINING in found if kind == AI_TRAINING else found - {AI_TRAINING}))


def fits(kind: str, purpose: str) -> bool:
    """Whether an application of the kind may name the purpose: the purpose of training models goes with that kind alone."""
    return (kind == AI_TRAINING) == (purpose == AI_TRAINING)
