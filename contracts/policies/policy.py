"""What of the settings is policy, how two policies compare, and the narrower of both; pure.

A policy is kept as plain JSON: limits as numbers, lists of what is allowed, and for each field its class, its column, whether
partners filter by it, and how it is generalised. What a release does not know in a kept policy counts as not allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.gate.settings import Gate
from contracts.policies.counting import counting_of, counting_widenings, held_counting, narrower_counting
from contracts.policies.crawling import NAME, crawler_widenings, crawlers_of, held_crawlers, narrower_crawlers
from contracts.policies.grains import grain_widenings, grains_of, held_grains, narrower_grains
from contracts.settings import DatasetSettings

Policy = dict[str, Any]

# What a class promises of a field; a person's id stands in for all about the person. A class that promises less, or other things, is wider.
PROMISES: dict[str, frozenset[str]] = {
    "plain": frozenset(),
    "personal": frozenset({"personal"}),
    "special": frozenset({"personal", "special"}),
    "key": frozenset({"replaced"}),
    "subject": frozenset({"personal", "special", "replaced"}),
}
LIMITS = ("max_records_per_day", "max_requests_per_second")
# Columns that keep erased records, and people who object, out: another one, or none, would let them in.
GUARDS = ("deleted", "objects")
# Of the settings of a dataset and of its fields: what a policy holds, and what widens nothing.
OF_DATASET = frozenset({"fields", "purposes", "key", "subject", "aggregates", *LIMITS, *GUARDS})
_LIES = ("engine", "location", "source", "table", "beside")
# By what compliance finds a person: nobody else reads by it.
_FINDS = ("found_by", "profile")
FREE_OF_DATASET = frozenset({"title", "summary", "changes", "time", "page", "price_per_1000", "currency", *_LIES, *_FINDS, "lines"})
OF_FIELD = frozenset({"field_class", "column", "filterable", "at_least", "regions", "region_letters"})
# What a contract may agree on in place of the value itself only ever tells less.
FREE_OF_FIELD = frozenset({"type", "description", "examples", "grains"})


def policy_of(dataset: DatasetSettings) -> Policy:
    """The policy that a dataset's settings describe. What is key or subject by its place is so by its class as well."""
    return {
        "fields": {name: _field(dataset, name) for name in sorted(dataset.fields)},
        "purposes": sorted(set(dataset.purposes)),
        **{name: getattr(dataset, name) for name in (*LIMITS, *GUARDS)},
        **counting_of(dataset.aggregates),
    }


def gate_policy_of(gate: Gate) -> Policy:
    """What the gate's settings let through without counting it."""
    return {"free_paths": sorted(set(gate.free_paths)), NAME: crawlers_of(gate.search_crawlers)}


def widenings(wanted: Policy, held: Policy) -> Iterator[str]:
    """Each way in which the wanted policy allows more than the held one, as a sentence."""
    for name, each in wanted.get("fields", {}).items():
        yield from _field_widenings(name, each, held["fields"].get(name))
    for purpose in sorted(set(wanted.get("purposes", ())) - set(held.get("purposes", ()))):
        yield f"Partners may apply for the purpose {purpose} as well."
    for name in LIMITS:
        if name in wanted and wanted[name] > held[name]:
            yield _LIMIT[name].format(was=held[name], now=wanted[name])
    for name in GUARDS:
        if name in wanted and held[name] is not None and wanted[name] != held[name]:
            yield _GUARD[name].format(was=held[name])
    yield from counting_widenings(wanted.get("aggregates"), held.get("aggregates"))
    for path in wanted.get("free_paths", ()):
        if not _covers(held.get("free_paths", ()), path):
            yield f"The gate lets everybody fetch {path} uncounted."
    yield from crawler_widenings(wanted, held)


def narrower(wanted: Policy, held: Policy) -> Policy:
    """The widest policy that neither of the two would refuse: what holds while the wanted one waits."""
    made: Policy = {}
    if "fields" in wanted:
        shared = [name for name in wanted["fields"] if name in held["fields"]]
        made["fields"] = {name: _narrower_field(wanted["fields"][name], held["fields"][name]) for name in shared}
        made["purposes"] = sorted(set(wanted["purposes"]) & set(held["purposes"]))
        made |= {name: min(wanted[name], held[name]) for name in LIMITS}
        made |= {name: held[name] if held[name] is not None else wanted[name] for name in GUARDS}
        made |= narrower_counting(wanted.get("aggregates"), held.get("aggregates"))
    if "free_paths" in wanted:
        made["free_paths"] = [path for path in wanted["free_paths"] if _covers(held["free_paths"], path)]
    if NAME in wanted:
        made[NAME] = narrower_crawlers(wanted, held)
    return made


def held_dataset(dataset: DatasetSettings, policy: Policy) -> DatasetSettings | None:
    """The dataset's settings as the policy lets them stand; None where it leaves nothing that a dataset is made of."""
    fields = {name: dataset.fields[name].model_copy(update=_kept(each)) for name, each in policy["fields"].items()}
    purposes = [each for each in dataset.purposes if each in policy["purposes"]]
    roles = {role: getattr(dataset, role) if getattr(dataset, role) in fields else None for role in ("key", "time", "subject")}
    if roles["key"] is None or not purposes:
        return None
    limits = {name: policy[name] for name in (*LIMITS, *GUARDS)}
    counting = held_counting(dataset.aggregates, policy.get("aggregates"), fields) if roles["subject"] else None
    return dataset.model_copy(update={"fields": fields, "purposes": purposes, "aggregates": counting, **limits, **roles})


def held_gate(gate: Gate, policy: Policy) -> Gate:
    """The gate's settings as the policy lets them stand."""
    free = [each for each in gate.free_paths if each in policy["free_paths"]]
    return gate.model_copy(update={"free_paths": free, NAME: held_crawlers(gate.search_crawlers, policy)})


def _field(dataset: DatasetSettings, name: str) -> dict[str, Any]:
    settings = dataset.fields[name]
    by_place = "key" if name == dataset.key else "subject" if name == dataset.subject else settings.field_class
    both = PROMISES[settings.field_class] | PROMISES[by_place]
    named = min((each for each in PROMISES if PROMISES[each] >= both), key=lambda each: len(PROMISES[each]))
    return {"class": named, "column": settings.column or name, "filterable": settings.filterable, **grains_of(settings)}


def _field_widenings(name: str, wanted: Mapping[str, Any], held: Mapping[str, Any] | None) -> Iterator[str]:
    if held is None:
        yield f"Partners may apply for the field {name} as well."
        return
    if not PROMISES[wanted["class"]] >= PROMISES[held["class"]]:
        yield f"The field {name} is {wanted['class']} instead of {held['class']}."
    if wanted["column"] != held["column"]:
        yield f"The field {name} is filled from the column {wanted['column']} instead of {held['column']}."
    if wanted["filterable"] and not held["filterable"]:
        yield f"Partners may filter by the field {name}."
    yield from grain_widenings(name, wanted, held)


def _narrower_field(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    named = wanted["class"] if PROMISES[wanted["class"]] >= PROMISES[held["class"]] else held["class"]
    filterable = wanted["filterable"] and held["filterable"]
    return {"class": named, "column": held["column"], "filterable": filterable, **narrower_grains(wanted, held)}


def _kept(field: Mapping[str, Any]) -> dict[str, Any]:
    return {"field_class": field["class"], "column": field["column"], "filterable": field["filterable"], **held_grains(field)}


def _covers(held: list[str], path: str) -> bool:
    return any(path == each or (each.endswith("/") and path.startswith(each)) for each in held)


_LIMIT = {
    "max_records_per_day": "A contract may allow {now:,} records in a day instead of {was:,}.",
    "max_requests_per_second": "A contract may allow {now:,} requests in a second instead of {was:,}.",
}
_GUARD = {
    "deleted": "Records that the column {was} marks as erased would be served.",
    "objects": "Records of people who object, whom the column {was} marks, would be served.",
}
