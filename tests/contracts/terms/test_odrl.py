"""ODRL: a contract's agreement reads back to exactly its terms, and nothing unknown is passed over."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from contracts.errors import Refused
from contracts.terms.model import terms_hash, to_json
from contracts.terms.odrl import Parties, to_odrl
from contracts.terms.odrl_read import from_odrl
from tests.contracts.terms.generated import Chance, chances
from tests.contracts.terms.test_grant import TERMS

PARTIES = Parties(
    "urn:licet:odrl:contract:ctr_1:1", "https://data.agora.example", "Agora Networks Ltd", "licet:organisation:org_1", "Nørd “Lab”"
)


def refusal(document: object) -> str:
    with pytest.raises(Refused) as caught:
        from_odrl(document)
    assert caught.value.refusal.code == "odrl_not_understood"
    return caught.value.refusal.reason.removeprefix("This is no agreement that Licet can keep. ")


@settings(max_examples=1000, derandomize=True)
@given(chances)
def test_what_is_read_back_is_what_was_written(chance: Chance) -> None:
    terms = chance.terms()
    assert from_odrl(json.loads(json.dumps(to_odrl(terms, PARTIES)))) == (terms, PARTIES)


def test_the_agreement_of_a_research_contract() -> None:
    everywhere = [
        {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": [{"@id": "licet:purpose:research"}]},
        {"leftOperand": "dateTime", "operator": "gteq", "rightOperand": {"@value": "2026-11-02", "@type": "xsd:date"}},
        {"leftOperand": "dateTime", "operator": "lteq", "rightOperand": {"@value": "2027-10-31", "@type": "xsd:date"}},
    ]
    posts = "licet:dataset:posts"
    assert to_odrl(TERMS, PARTIES) == {
        "@context": [
            "http://www.w3.org/ns/odrl.jsonld",
            {
                "licet": "urn:licet:odrl:",
                "xsd": "http://www.w3.org/2001/XMLSchema#",
                "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
            },
        ],
        "@type": "Agreement",
        "uid": "urn:licet:odrl:contract:ctr_1:1",
        "profile": "urn:licet:odrl:profile:1",
        "conflict": "prohibit",
        "licet:termsSha256": terms_hash(to_json(TERMS)),
        "assigner": {"@type": "Party", "uid": "https://data.agora.example", "licet:name": "Agora Networks Ltd"},
        "assignee": {"@type": "Party", "uid": "licet:organisation:org_1", "licet:name": "Nørd “Lab”"},
        "permission": [
            {
                "target": {
                    "@type": "AssetCollection",
                    "source": posts,
                    "refinement": [
                        {
                            "leftOperand": "licet:fields",
                            "operator": "isAnyOf",
                            "rightOperand": ["id", "author_id", "created_at", "lang", "text"],
                        },
                        {"leftOperand": "licet:pseudonymised", "operator": "isAllOf", "rightOperand": ["id", "author_id"]},
                        {"leftOperand": "licet:field:posts:lang", "operator": "isAnyOf", "rightOperand": ["de", "sv"]},
                    ],
                },
                "action": "use",
                "constraint": [
                    *everywhere,
                    {"leftOperand": "licet:requestsPerSecond", "operator": "lteq", "rightOperand": 10},
                    {"leftOperand": "licet:recordsPerDay", "operator": "lteq", "rightOperand": 200_000},
                ],
            }
        ],
        "prohibition": [
            {"target": [posts], "action": action}
            for action in ("licet:use:identify-people", "distribute", "licet:use:ai-training", "licet:use:political-targeting")
        ],
        "obligation": [
            {"target": [posts], "action": "delete", "constraint": _after("licet:contractEnd", "P365D")},
            {"target": [posts], "action": "delete", "constraint": _after("licet:erasureReport", "PT24H")},
        ],
    }


def _after(event: str, within: str) -> list[dict[str, Any]]:
    return [
        {"leftOperand": "event", "operator": "gt", "rightOperand": {"@id": event}},
        {"leftOperand": "delayPeriod", "operator": "lteq", "rightOperand": {"@value": within, "@type": "xsd:duration"}},
    ]


def test_the_order_of_rules_says_nothing() -> None:
    document = to_odrl(TERMS, PARTIES)
    document["obligation"].reverse()
    document["permission"][0]["constraint"].reverse()
    assert from_odrl(document) == (TERMS, PARTIES)


def _one(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["permission"][0]["constraint"][3].update({name: value})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_one("leftOperand", "licet:moons"), "The operand licet:moons is unknown."),
        (_one("leftOperand", "fileFormat"), "The operand fileFormat is unknown."),
        (_one("operator", "neq"), "The operator neq is unknown."),
        (_one("operator", "gteq"), "Its terms do not hold together: Input should be a valid integer."),
        (_one("rightOperand", 11), "It says something beside, or in contradiction to, the terms that were read from it."),
        (_one("rightOperand", True), "Its terms do not hold together: Input should be a valid integer."),
        (_one("status", 4), "It says something beside, or in contradiction to, the terms that were read from it."),
        (lambda document: document["permission"][0].update(action="distribute-freely"), "The action distribute-freely is unknown."),
        (lambda document: document["prohibition"][0].update(action="licet:use:anything"), "The action licet:use:anything is unknown."),
        (lambda document: document["obligation"][0].update(action="sing"), "The action sing is unknown."),
        (lambda document: document["permission"].append(copy.deepcopy(document["permission"][0])), "a dataset is named twice"),
        (lambda document: document["permission"][0].update(remedy=[]), "beside"),
        (lambda document: document.update(conflict="perm"), "beside"),
        (lambda document: document.update(profile="urn:licet:odrl:profile:2"), "beside"),
        (lambda document: document.update(inheritFrom="urn:else"), "beside"),
        (lambda document: document["prohibition"].pop(), "beside"),
        (lambda document: document.update({"@type": "Offer"}), "beside"),
        (lambda document: document["permission"][0]["target"]["refinement"].pop(0), "Its terms do not hold together"),
        (lambda document: document["obligation"].append({"target": [], "action": "delete", "constraint": []}), "not built"),
        (lambda document: document.pop("assignee"), "not built"),
        (lambda document: document.update(permission=[]), "not built"),
        (lambda document: document.update(permission=7), "not built"),
    ],
)
def test_what_is_unknown_beside_or_missing_is_refused(change: Callable[[dict[str, Any]], None], reason: str) -> None:
    document = json.loads(json.dumps(to_odrl(TERMS, PARTIES)))
    change(document)
    assert reason in refusal(document)


def test_what_is_no_object_is_refused() -> None:
    assert refusal([to_odrl(TERMS, PARTIES)]) == "An agreement is a JSON object."
    assert refusal({}) == "It is not built as the profile says."
