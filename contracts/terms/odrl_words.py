"""The vocabulary of our ODRL 2.2 profile: every operand, operator, action and event that an agreement of ours may hold.

What ODRL's own vocabulary has is used from there (https://www.w3.org/TR/odrl-vocab/); the rest stands under `licet:`. Reading
refuses a word that is not in these tables, because a term that was not understood could not be kept.
"""

from __future__ import annotations

from typing import Any

from contracts.datasets.coarse import GRAINS, Grain

NAMESPACE = "urn:licet:odrl:"
PROFILE = f"{NAMESPACE}profile:1"
CONTEXT: list[Any] = [
    "http://www.w3.org/ns/odrl.jsonld",
    {"licet": NAMESPACE, "xsd": "http://www.w3.org/2001/XMLSchema#", "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#"},
]

DATASET, FIELD, PURPOSE, USE = "licet:dataset:", "licet:field:", "licet:purpose:", "licet:use:"
WEBSITE = "licet:website"
CURRENCY = "urn:iso:std:iso:4217:"

# Operators by ours; ODRL 2.2 section 4 of the vocabulary.
ROW_OPERATORS = {"eq": "eq", "in": "isAnyOf", "gte": "gteq", "gt": "gt", "lte": "lteq", "lt": "lt"}
OPERATORS = frozenset({*ROW_OPERATORS.values(), "isAllOf"})

# By which grain fields are generalised.
GRAIN_OPERANDS: dict[Grain, str] = {grain: f"licet:{grain}" for grain in GRAINS}

OPERANDS: dict[str, str] = {
    "purpose": "What the records are used for; one of `licet:purpose:…`.",
    "dateTime": "The day of the act in the platform's time zone.",
    "spatial": "The country, by its code of ISO 3166-1, in which records are stored and used.",
    "payAmount": "The amount that is owed, with its currency as `unit`.",
    "event": "What a duty follows.",
    "delayPeriod": "The time between that event, or the notice, and the act.",
    "timeInterval": "The time in which a duty comes again.",
    "count": "How often in that time.",
    "licet:fields": "The field of a record.",
    "licet:pseudonymised": "The fields in whose place pseudonyms of the contract stand.",
    "licet:day": "The fields of which the day alone is given.",
    "licet:month": "The fields of which the month alone is given.",
    "licet:region": "The fields of which the region alone is given.",
    "licet:masked": "The fields in which accounts and links are masked.",
    "licet:network": "The network, in CIDR form, that a request comes from.",
    "licet:credential": "What a request shows: `named-user` a person who signed in by name, `bound-token` a token bound to a key (RFC 9449), `oauth-token` a token and no API key.",
    "licet:requestsPerSecond": "Requests in a second, over all credentials.",
    "licet:recordsPerDay": "Records in a day of the platform's time zone, over all credentials.",
    "licet:recordsInPeriod": "Records from the first day to the last, over all credentials.",
    "licet:distinctRecords": "Different records from the first day to the last.",
    "licet:bytesPerDay": "Bytes of records, as they leave, in a day of the platform's time zone, over all credentials.",
    "licet:bytesInPeriod": "Bytes of records, as they leave, from the first day to the last, over all credentials.",
    "licet:concurrentRequests": "Requests that are answered at the same time.",
    "licet:aggregateQueries": "Questions for counts and sums from the first day to the last.",
    "licet:people": "The people whom a number that is told is of.",
    "licet:perRecords": "The number of delivered records that the amount is for.",
    "licet:host": "The host of a page of the website.",
    "licet:path": "The path of a page of the website; everything below it is included.",
}
FIELD_OPERAND = "The value of the field of that dataset in a record (`licet:field:DATASET:FIELD`)."

ACTIONS: dict[str, str] = {
    "use": "Reading records through the API, and using them.",
    "licet:export": "Taking records as files of many.",
    "licet:aggregate": "Asking for counts and sums of records, without reading one.",
    "licet:fetch": "Fetching pages of the website with a token for it.",
    "distribute": "Passing records on, free or for money.",
    "compensate": "Paying for delivered records.",
    "delete": "Deleting records, with copies and backups.",
    "licet:refresh": "Comparing kept records with the source, and replacing what changed.",
    "licet:certify": "Handing in a signed certificate of destruction.",
    "licet:admitAudit": "Letting the platform audit how records are kept and used.",
    "licet:publishFree": "Publishing results so that reading them is free of charge for everyone.",
}
USE_ACTION = "A prohibited use, by its code (`licet:use:CODE`)."

EVENTS: dict[str, str] = {
    "licet:contractEnd": "The contract's last day, or the day on which it was ended early.",
    "licet:erasureReport": "The platform's report that a record was erased.",
    "licet:deletionDue": "The day on which records have to be deleted.",
}

# Prohibited uses that ODRL has a word for.
STANDARD_USES = {"resale": "distribute"}


def use_action(code: str) -> str:
    """The action of a prohibited use."""
    return STANDARD_USES.get(code, f"{USE}{code}")


def use_of(action: str) -> str:
    """The code of a prohibited use from its action; empty where the action is none."""
    standard = next((code for code, name in STANDARD_USES.items() if name == action), "")
    return standard or (action.removeprefix(USE) if action.startswith(USE) else "")
