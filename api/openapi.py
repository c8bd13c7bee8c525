"""The description of the addresses that answer JSON, as OpenAPI 3.1.

Routes here answer by themselves, so FastAPI knows their paths and little else, and the hot ones it does not know at all. Each subject
says in its `description.py` what its addresses take and answer; this puts it together. A test finds every route described, and no
description without its route.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.front import HotRoute
from api.oauth.errors import ERRORS
from api.problems import MEDIA_TYPE
from contracts.codes import CODES

Operation = Mapping[str, Any]
# Method in capitals and path, as the route names them.
Operations = Mapping[tuple[str, str], Operation]
Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
FREE: Schema = {"type": "object"}


def describe(app: FastAPI, hot: Sequence[HotRoute], operations: Operations) -> None:
    """Give the app the whole description; it is made when it is first asked for, and kept."""
    made: dict[str, Any] = {}

    def whole() -> dict[str, Any]:
        if not made:
            made.update(_document(app, hot, operations))
        return made

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI's documented way to change the description


def operation(
    answers: Mapping[int, Operation],
    *,
    parameters: Sequence[Operation] = (),
    body: Operation | None = None,
    security: Sequence[Mapping[str, list[str]]] = (),
) -> Operation:
    """What an address takes and answers; the summary is the route's own."""
    made: dict[str, Any] = {"responses": {str(status): answer for status, answer in sorted(answers.items())}}
    if parameters:
        made["parameters"] = list(parameters)
    if body is not None:
        made["requestBody"] = body
    if security:
        made["security"] = list(security)
    return made


def answer(schema: Schema, media_type: str = "application/json", description: str = "The answer.") -> Operation:
    """One answer with a body."""
    return {"description": description, "content": {media_type: {"schema": schema}}}


def empty(description: str) -> Operation:
    """One answer without a body."""
    return {"description": description}


def problems(*statuses: int) -> dict[int, Operation]:
    """Refusals as RFC 9457 problem documents."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {status: answer(schema, MEDIA_TYPE, HTTPStatus(status).phrase) for status in statuses}


def oauth_errors(*statuses: int) -> dict[int, Operation]:
    """Refusals in OAuth's own form (RFC 6749 section 5.2)."""
    schema = {"$ref": "#/components/schemas/OAuthError"}
    return {status: answer(schema, description=HTTPStatus(status).phrase) for status in statuses}


def form(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Operation:
    """A body of form parameters; others than these are ignored."""
    schema = thing(properties, required)
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def thing(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """An object with these members among others."""
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def in_path(name: str, description: str) -> Operation:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": TEXT}


def in_query(name: str, description: str, schema: Schema = TEXT, *, required: bool = False) -> Operation:
    """A parameter of the query."""
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def in_header(name: str, description: str) -> Operation:
    """A header that a request may have."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": TEXT}


def _document(app: FastAPI, hot: Sequence[HotRoute], operations: Operations) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    paths: dict[str, dict[str, Any]] = document["paths"]
    for route in hot:
        for method in route.methods:
            paths.setdefault(route.path.replace(":path}", "}"), {}).setdefault(method.lower(), {"summary": route.summary})
    for (method, path), told in operations.items():
        paths.setdefault(path, {}).setdefault(method.lower(), {}).update(told)
    document["components"] = _COMPONENTS
    return document


_COMPONENTS: dict[str, Any] = {
    "schemas": {
        "Problem": thing(
            {
                "type": TEXT,
                "title": TEXT,
                "status": {"type": "integer"},
                "detail": TEXT,
                "code": {"type": "string", "enum": sorted(CODES)},
                "reason": TEXT,
                "entry": {"type": "string", "description": "The ledger entry of the refusal"},
            },
            ("title", "status", "detail", "code"),
        ),
        "OAuthError": thing(
            {"error": {"type": "string", "enum": sorted(ERRORS)}, "error_description": TEXT, "code": TEXT},
            ("error", "error_description"),
        ),
    },
    "securitySchemes": {
        "token": {"type": "http", "scheme": "bearer", "description": "An access token of this server"},
        "client": {"type": "http", "scheme": "basic", "description": "A client's id and secret"},
    },
}
