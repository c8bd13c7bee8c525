"""What people's face answers in JSON to those who ask for it, in the words of OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_PARAMETER = {"in": "path", "required": True, "schema": {"type": "string"}}


def _get(summary: str, members: Sequence[str], *refused: int, parameters: Sequence[Mapping[str, Any]] = ()) -> Mapping[str, Any]:
    schema = {"type": "object", "required": list(members)}
    page = {"text/html": {"schema": {"type": "string"}}}
    answers: dict[str, Any] = {
        "200": {"description": "As JSON where that is asked for.", "content": {"application/json": {"schema": schema}} | page}
    }
    for status in (*refused, 429, 503):
        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        answers[str(status)] = {"description": "Refused.", "content": problem | page}
    return {"summary": summary, "parameters": list(parameters), "responses": answers}


OPERATIONS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("GET", "/datasets"): _get("The public catalogue", ("datasets",)),
    ("GET", "/datasets/{dataset_id}"): _get(
        "One dataset of the catalogue",
        ("id", "samples"),
        400,
        404,
        parameters=[_PARAMETER | {"name": "dataset_id", "description": "Its id"}],
    ),
    ("GET", "/retention"): _get("How long the ledger keeps what", ("policy", "minimum_index", "kept_tiles", "pruned", "next_run", "runs")),
    ("GET", "/licences"): _get("The public register of licences", ("licences",)),
}
