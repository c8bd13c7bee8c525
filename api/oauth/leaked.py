"""POST /oauth/leaked: anyone who found a secret of this platform in the open reports it, and it ends at once.

Takes the list that GitHub's secret scanning partners get (`token`, `type`, `url`), one such object, or `token` as a form. The
answer says of each whether it was live; who holds a secret could find that out by using it. Secrets are never logged or stored.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.oauth.decision import Decision
from api.oauth.form import MEDIA_TYPE, read_body
from api.oauth.pace import PaceLimits
from api.oauth.shell import TOO_OFTEN, Shell, answer
from contracts.credentials.leaks import MOST, Report, Status, answer_reports
from contracts.networks import prefix

LIMITS = PaceLimits(network="30/minute", client="30/minute")
MAX_BODY_BYTES = 64 * 1024
MAX_CHARACTERS = 8 * 1024

Item = Mapping[str, Any]


class LeakedEndpoint:
    """Takes reports of secrets."""

    def __init__(self, shell: Shell, limits: PaceLimits = LIMITS) -> None:
        self._shell, self._pace = shell, shell.pace(limits, "leaked")

    async def __call__(self, scope: Scope, receive: Receive, send: Send, _path: dict[str, str]) -> None:
        """One report. Errors leave in the form of the other OAuth addresses."""
        network = prefix(self._shell.address(scope))
        body = await read_body(receive, MAX_BODY_BYTES)
        response = await self._shell.in_thread(partial(self._respond, body, Headers(scope=scope), network))
        await response(scope, receive, send)

    def _respond(self, body: bytes | None, headers: Headers, network: str) -> Response:
        wait = self._pace.wait(network, "")
        if wait:
            return answer(Decision(429, {**TOO_OFTEN, "error_description": _OFTEN}, "too_many_requests"), {"retry-after": str(wait)})
        if body is None:
            return _bad(413, f"The body is larger than {MAX_BODY_BYTES // 1024} KiB. Send the secrets in several reports.")
        said = _read(body, headers)
        if isinstance(said, str):
            return _bad(400, said)
        items = [said] if isinstance(said, Mapping) else said
        reports = [Report(str(each["token"]), _text(each, "url")) for each in items]
        found = answer_reports(self._shell.house.store, reports, self._shell.house.tokens.read, network)
        told = [_told(each, status) for each, status in zip(items, found, strict=True)]
        return Response(orjson.dumps(told if isinstance(said, list) else told[0]), 200, {"cache-control": "no-store"}, "application/json")


def _read(body: bytes, headers: Headers) -> Item | list[Item] | str:
    """One item, a list of them, or in a sentence what is wrong with the body."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() == MEDIA_TYPE:
        return _form(body)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "Send JSON: a list of objects with token, type and url, or one such object."
    if isinstance(document, dict):
        return document if _is_item(document) else _ITEM
    if not isinstance(document, list) or not 1 <= len(document) <= MOST:
        return f"Send a list of 1 to {MOST} objects with token, type and url, or one such object."
    return document if all(map(_is_item, document)) else _ITEM


def _form(body: bytes) -> Item | str:
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=10, errors="strict")
    except ValueError:
        return "The body cannot be read as form parameters in UTF-8."
    values = dict(pairs)
    return values if len(values) == len(pairs) and _is_item(values) else _ITEM


def _is_item(item: object) -> bool:
    if not isinstance(item, dict) or not all(isinstance(item.get(name, ""), str) for name in ("token", "type", "url")):
        return False
    return 1 <= len(item.get("token", "")) <= MAX_CHARACTERS


def _text(item: Item, name: str) -> str:
    return str(item.get(name, "")).replace("\0", "")


def _told(item: Item, status: Status) -> dict[str, str]:
    """What is said of one secret, by its hash, in the form that GitHub reads answers of partners in."""
    digest = base64.b64encode(hashlib.sha256(str(item["token"]).encode("utf-8", "surrogatepass")).digest()).decode()
    label = "true_positive" if status == "revoked" else "false_positive"
    return {"token_hash": digest, "token_type": _text(item, "type")[:100], "label": label, "status": status}


def _bad(status: int, description: str) -> Response:
    return answer(Decision(status, {"error": "invalid_request", "error_description": description}, "invalid_request"), {})


_ITEM = f"Each object has a token of 1 to {MAX_CHARACTERS} characters, and may have a type and a url, all texts."
_OFTEN = "Too many reports came from this network. Send up to 100 secrets in one report."
