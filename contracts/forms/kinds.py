"""Kinds of application on one screen. The kind chooses the form and whether records are paid for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.forms.criteria import ARTICLE_40_12, Criterion

AI_TRAINING = "ai-training"
PUBLIC_DATA = "dsa-40-12"


@dataclass(frozen=True, slots=True)
class KindFacts:
    """One row. `retention_days` what the desk proposes at most; staff begin those `by_staff`.

    One with `criteria` is decided by them and by nothing else.
    """

    title: str
    meaning: str
    priced: bool
    retention_days: int
    by_staff: bool = False
    criteria: tuple[Criterion, ...] = ()


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
    PUBLIC_DATA: KindFacts(
        "Public data, Article 40(12)",
        "Free of charge; for research into systemic risks, decided by the conditions of Article 40(12) of the EU Digital Services Act alone.",
        False,
        365,
        criteria=ARTICLE_40_12,
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
OWN_PURPOSE = {AI_TRAINING: "ai-training", PUBLIC_DATA: "systemic-risk"}
"""Kinds with a purpose of their own: neither goes without the other, and a dataset offers them where its policy names that purpose."""

OF_PURPOSE = {purpose: kind for kind, purpose in OWN_PURPOSE.items()}


def offered(purposes: Iterable[str]) -> tuple[str, ...]:
    """The kinds that a dataset with these purposes can be applied for; one with a purpose of its own is off unless that is named."""
    found = set(purposes)
    common = found - set(OWN_PURPOSE.values())
    return tuple(kind for kind in APPLIED_FOR if (OWN_PURPOSE[kind] in found if kind in OWN_PURPOSE else common))


def fits(kind: str, purpose: str) -> bool:
    """Whether an application of the kind may name the purpose."""
    return OWN_PURPOSE[kind] == purpose if kind in OWN_PURPOSE else purpose not in OWN_PURPOSE.values()
