"""What the demo's people answer to the further questions of a form; every kind finds its own among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_NEED = {
    "text": "Words are what we study: a topic or a count says what people wrote about and not how they put it.",
    "author_handle": "Two accounts of one newsroom are told apart by nothing else; it is dropped after that step.",
}
_ANSWERS: dict[str, Any] = {
    "mandate": "The regional archive, under its statute; the head of collections answers for it.",
    "models": "One small language model for our own search, open weights, trained once a year.",
    "memorising": "Duplicates are removed before training, and outputs are tested against the records.",
    "basis_yours": "public-task",
    "basis_ours": "legitimate-interest",
    "special_condition": "research",
    "controller": "alone",
    "transfers": "eea",
    "funding": "Our own budget and one public grant, number 2026-118.",
    "conflicts": "None of the people on the project, and none of the funder, gains by a result.",
    "storage": "One encrypted server in our own machine room; three named people have access, each action is logged.",
    "retention_days": "365",
    "researchers": "Three researchers of our lab, and a partner at a society for digital rights.",
    "risk": ["civic-discourse"],
    "contribution": "We measure how false reports on elections spread between regions, which shows where the risk arises.",
    "independence": "A public university without clients; nobody on the project has shares in or income from a platform.",
    "measures": "One encrypted server, three named people, each action logged; people are counted and never named in results.",
    "proportion": "Reach cannot be counted from a sample of regions; a year covers two elections and the months between.",
    "destruction": "Files and backups are deleted by the administrator, who signs a record of it.",
}


def usual(fields: Iterable[str]) -> dict[str, Any]:
    """Answers for an application that asks for these fields. Those to questions that are not asked are not kept."""
    why = "The question cannot be answered without it; a sample was tried and was too small to tell countries apart."
    return {**_ANSWERS, "necessity": {name: _NEED.get(name, why) for name in fields}}


def typed(fields: Iterable[str]) -> dict[str, Any]:
    """The same by the names that they have in a page's form, with the sections that they are of."""
    found: dict[str, Any] = {f"answers.{name}": answer for name, answer in _ANSWERS.items()}
    found |= {f"answers.necessity.{name}": why for name, why in usual(fields)["necessity"].items()}
    return found | {"section": ["request", "office", "models", "need", "law", "money", "keeping", "site", "conditions", "time"]}
