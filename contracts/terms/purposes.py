"""Purposes that an application may name and a contract may allow. Unknown ones are refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PurposeFacts:
    """One row: plain words, RSL 1.0 usage tokens for the licence that the site publishes, and GA4GH DUO terms.

    DUO speaks of research alone, so other purposes have none; every contract is for its project (DUO:0000027) whatever the purpose.
    """

    title: str
    meaning: str
    rsl_usage: tuple[str, ...]
    duo: tuple[str, ...] = ()


PURPOSES: dict[str, PurposeFacts] = {
    "research": PurposeFacts(
        "Research in the public interest",
        "Answering a research question; results are published, people are not identified.",
        ("search",),
        ("DUO:0000042", "DUO:0000046", "DUO:0000019"),
    ),
    "systemic-risk": PurposeFacts(
        "Research into systemic risks",
        "Research that helps to detect, identify and understand systemic risks in the Union "
        "(EU Digital Services Act, Articles 34(1) and 40(12)), and nothing else.",
        ("search",),
        ("DUO:0000042", "DUO:0000046"),
    ),
    "journalism": PurposeFacts("Journalism", "Reporting in the public interest.", ("search",)),
    "market-analysis": PurposeFacts(
        "Market analysis", "Aggregate insight into topics, prices and trends, for own use or customers.", ("search",)
    ),
    "archiving": PurposeFacts("Archiving", "Keeping the public record.", ("search",)),
    "ai-training": PurposeFacts(
        "Training of AI models", "Any use that fits model weights to the records; off unless a dataset allows it.", ("ai-train",)
    ),
}

DUO: dict[str, str] = {
    "DUO:0000019": "publication required",
    "DUO:0000027": "project specific restriction",
    "DUO:0000042": "general research use",
    "DUO:0000046": "non-commercial use only",
}
"""The terms of GA4GH's Data Use Ontology that purposes map to; each is `http://purl.obolibrary.org/obo/DUO_…`."""

PROHIBITED: dict[str, str] = {
    "identify-people": "Finding out who a person behind a pseudonym is.",
    "resale": "Passing records on, free or for money.",
    "ai-training": "Fitting the weights of AI models to the records.",
    "political-targeting": "Choosing whom to address with political messages.",
}
