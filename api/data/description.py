"""What the addresses of /v1 take and answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.data.views import LOG_PAGE
from api.openapi import FREE, TEXT, Operation, Operations, Schema, answer, in_header, in_path, in_query, operation, problems, thing
from contracts.access.formats import FORMATS, MEDIA_TYPES
from contracts.access.query import DEFAULT_LIMIT, MAX_LIMIT, MAX_SEED, MAX_STREAM

_TOKEN: tuple[Mapping[str, list[str]], ...] = ({"token": []},)
_LIST = {"type": "array", "items": FREE}
_NUMBER: Schema = {"type": "integer"}
_DATASET = in_path("dataset_id", "The dataset's id, as /v1/datasets lists it")
_KEY = in_header(
    "Idempotency-Key", "Any value of your own. The same request with it is free for ten minutes; so is one with the same cursor"
)
# Without a usable token, over the contract's pace, outside the contract, and where nothing can be recorded.
_ALWAYS = (400, 401, 403, 429, 503)
_LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_STREAM, "default": DEFAULT_LIMIT}

_LIMIT_TOLD = f"Records in one answer, at most {MAX_LIMIT} in a page of JSON"
_FORMAT: Mapping[str, Any] = {
    "description": "The form of the answer, in the place of the header Accept; all but json are streams",
    "schema": {"type": "string", "enum": list(FORMATS)},
}
_SAMPLE: Mapping[str, Any] = {
    "description": "A random sample: the share of all records, with at most six decimals",
    "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
}
_SEED: Mapping[str, Any] = {
    "description": "Which sample: the same seed gives the same records, also after a refresh",
    "schema": {"type": "integer", "minimum": 0, "maximum": MAX_SEED, "default": 0},
}
_QUERY = thing(
    {
        "where": {**FREE, "description": "A test {field, op, value}, or {and: [...]}, {or: [...]} or {not: ...} of conditions"},
        "fields": {"type": "array", "items": TEXT, "description": "Names of fields; without it all that the contract names"},
        "limit": {**_LIMIT, "description": _LIMIT_TOLD},
        "cursor": {**TEXT, "description": "Where the answer before ended"},
        "purpose": {**TEXT, "description": "A purpose of the contract; without it the first"},
        "format": {**_FORMAT["schema"], "description": _FORMAT["description"]},
        "sample": {**_SAMPLE["schema"], "description": _SAMPLE["description"]},
        "seed": {**_SEED["schema"], "description": _SEED["description"]},
    }
)
_EXAMPLE = {"where": {"or": [{"field": "lang", "op": "in", "value": ["de", "sv"]}, {"not": {"field": "likes", "op": "lt", "value": 10}}]}}


_LIMITS = {
    "RateLimit-Policy": {"description": "The limits of the contract that hold here", "schema": TEXT},
    "RateLimit": {"description": "What is left of each (r), and the seconds until it frees (t)", "schema": TEXT},
}


_RECEIPT = {
    "Licet-Leaf": {"description": "The hash of this answer's entry in the ledger (RFC 6962 leaf hash, base64)", "schema": TEXT},
    "Licet-Checkpoint": {"description": "The newest checkpoint: how many entries the ledger had, and its root in base64", "schema": TEXT},
}


def _answer(schema: Schema) -> Operation:
    """An answer, which names in its headers the limits, and what it carries of the ledger."""
    return {**answer(schema), "headers": {**_LIMITS, **_RECEIPT}}


def _get(schema: Schema, *more: int, parameters: tuple[Operation, ...] = ()) -> Operation:
    return operation({200: _answer(schema), **problems(*_ALWAYS, *more)}, parameters=parameters, security=_TOKEN)


def _told(**members: Schema) -> Schema:
    return thing({**members, "entry": {"type": "string", "description": "The ledger entry of this answer"}}, (*members, "entry"))


_PAGE = _answer(_told(data=_LIST))
_STREAMS = {MEDIA_TYPES[each]: {"schema": TEXT} for each in FORMATS if each != "json"}
_RECORDS = {**_PAGE, "content": {**_PAGE["content"], **_STREAMS}}
_PROOF = _get(_told(state=TEXT, ready_at=TEXT), 404, parameters=(in_path("entry_id", "An entry of /v1/access-log"),))

OPERATIONS: Operations = {
    ("GET", "/v1/contract"): _get(_told(contract=TEXT, version={"type": "integer"}, state=TEXT, terms_sha256=TEXT, terms=FREE)),
    ("GET", "/v1/datasets"): _get(_told(data=_LIST)),
    ("GET", "/v1/datasets/{dataset_id}"): _get(_told(id=TEXT, fields=_LIST, changes=_LIST, limits=FREE), 404, parameters=(_DATASET,)),
    ("GET", "/v1/datasets/{dataset_id}/records"): operation(
        {200: _RECORDS, **problems(*_ALWAYS, 404, 422)},
        parameters=(
            _DATASET,
            in_query("fields", "Names of fields with commas between; without it all that the contract names"),
            in_query("limit", _LIMIT_TOLD, _LIMIT),
            in_query("cursor", "Where the answer before ended"),
            in_query("purpose", "A purpose of the contract; without it the first"),
            in_query("format", _FORMAT["description"], _FORMAT["schema"]),
            in_query("sample", _SAMPLE["description"], _SAMPLE["schema"]),
            in_query("seed", _SEED["description"], _SEED["schema"]),
            _KEY,
        ),
        security=_TOKEN,
    ),
    ("POST", "/v1/datasets/{dataset_id}/query"): operation(
        {200: _RECORDS, **problems(*_ALWAYS, 404, 422)},
        parameters=(_DATASET, _KEY),
        body={"required": True, "content": {"application/json": {"schema": _QUERY, "example": _EXAMPLE}}},
        security=_TOKEN,
    ),
    ("POST", "/v1/datasets/{dataset_id}/estimate"): operation(
        {200: _answer(_told(rows=_NUMBER, at_least=FREE, bytes=_NUMBER, quota=FREE, estimates=FREE)), **problems(*_ALWAYS, 404, 422)},
        parameters=(_DATASET,),
        body={"required": True, "content": {"application/json": {"schema": _QUERY, "example": _EXAMPLE}}},
        security=_TOKEN,
    ),
    ("GET", "/v1/datasets/{dataset_id}/aggregate"): _get(
        _told(data=_LIST, by=_LIST, withheld=FREE, questions=FREE),
        422,
        parameters=(
            _DATASET,
            in_query("measures", "Of count, distinct (people), sum:FIELD and avg:FIELD, with commas between; without it count"),
            in_query("by", "Up to three fields that the dataset has buckets for"),
            in_query("purpose", "A purpose of the contract; without it the first"),
        ),
    ),
    ("GET", "/v1/usage"): _get(_told(data=_LIST, requests=FREE, price={"type": ["object", "null"]})),
    ("GET", "/v1/access-log"): _get(
        _told(data=_LIST, next={"type": ["string", "null"]}),
        422,
        parameters=(in_query("before", f"What `next` gave; {LOG_PAGE} entries a page"),),
    ),
    ("GET", "/v1/access-log/{entry_id}/proof"): {
        **_PROOF,
        "responses": {
            **_PROOF["responses"],
            "200": {
                "description": "The proof as C2SP tlog-proof, or when it will be ready.",
                "content": {**_PROOF["responses"]["200"]["content"], "text/plain": {"schema": TEXT}},
            },
        },
    },
    ("GET", "/v1/erasures"): _get(_told(data=_LIST)),
    ("GET", "/v1/status"): _get(_told(status=TEXT, at=TEXT, records=FREE, service=FREE)),
}
