"""Reading a token request: a small form, each parameter once, the credentials in one place."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from starlette.types import Receive, Scope

from contracts.credentials.assertions import TYPE, claimed_client
from contracts.gate.offers import Offer

MAX_BODY_BYTES = 8 * 1024
MAX_PARAMETERS = 20
MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_REMEMBERED_BYTES, MOST_REMEMBERED = 512, 256

Pairs = tuple[tuple[str, str], ...]

# A program asks for its tokens in the same words each time. Forms with any other parameter may hold a secret and are not kept.
_PUBLIC = frozenset({"grant_type", "scope", "resource"})
_REMEMBERED: dict[bytes, Pairs] = {}
_READ = frozenset({b"authorization", b"content-type", b"dpop"})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A request that is no token request: the status and OAuth error it gets, and a sentence in plain ASCII."""

    status: int
    error: str
    description: str
    proofs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TokenForm:
    """A readable token request. `client_id` is what the caller says it is, in whichever place; `offer` the licence that it accepts.

    `secret` is that of HTTP Basic, empty where the caller proves itself otherwise; `proofs` are the `DPoP` headers.
    """

    values: dict[str, str] = field(repr=False)
    client_id: str
    secret: str = field(default="", repr=False)
    proofs: Sequence[str] = ()
    offer: Offer | None = None
    resources: tuple[str, ...] = ()


class _Sent(NamedTuple):
    """The headers that matter here, each as often as it was sent."""

    media_types: list[str]
    authorization: list[str]
    proofs: list[str]


async def read_form(scope: Scope, receive: Receive) -> TokenForm | Unreadable:
    """The form of a request, as `form_of` reads it."""
    return form_of(scope, await read_body(receive, MAX_BODY_BYTES))


def form_of(scope: Scope, body: bytes | None) -> TokenForm | Unreadable:
    """The form by RFC 6749 section 3.2: parameters without a value are left out, repeated ones and any in the URL refused.

    Without a body it was larger than 8 KiB.
    """
    sent = _sent(scope)
    form = _read(scope, body, sent)
    return replace(form, proofs=sent.proofs) if sent.proofs else form


def words_of(scope: Scope, body: bytes | None) -> bytes | None:
    """A hash of all that `form_of` reads, for requests that come again in the same words; None for one that it refuses or that is
    proved by something which is used up.
    """
    if body is None or scope.get("query_string"):
        return None
    told = [name + b"\n" + value for name, value in scope["headers"] if name in _READ]
    if any(each.startswith(b"dpop\n") for each in told):
        return None
    # No header holds a line's end (RFC 9110 section 5.5), so the body begins after the first empty line and nowhere else.
    return hashlib.sha256(b"\n".join([*told, b"", body])).digest()


def _read(scope: Scope, body: bytes | None, sent: _Sent) -> TokenForm | Unreadable:
    if scope.get("query_string"):
        return _bad("Send the parameters in the body, never in the address: addresses end up in logs.")
    if not sent.media_types or sent.media_types[0].partition(";")[0].strip().lower() != MEDIA_TYPE:
        return _bad(f"Send the parameters as {MEDIA_TYPE}.")
    if body is None:
        return Unreadable(413, "invalid_request", "The body is larger than 8 KiB.")
    try:
        pairs = _pairs(body)
    except ValueError:
        return _bad("The body cannot be read as form parameters in UTF-8.")
    values = dict(pairs)
    # The one parameter that may be repeated (RFC 8707 section 2).
    resources = tuple(value for name, value in pairs if name == "resource")
    if len(values) + max(0, len(resources) - 1) != len(pairs):
        return _bad("A parameter is repeated.")
    said = _client(sent.authorization, values)
    return said if isinstance(said, Unreadable) else TokenForm(values, *said, resources=resources)


def _sent(scope: Scope) -> _Sent:
    """Read in one pass over what the server gives, whose names are in lower case (ASGI)."""
    sent = _Sent([], [], [])
    for name, value in scope["headers"]:
        if name == b"authorization":
            sent.authorization.append(value.decode("latin-1"))
        elif name == b"content-type":
            sent.media_types.append(value.decode("latin-1"))
        elif name == b"dpop":
            sent.proofs.append(value.decode("latin-1"))
    return sent


def _pairs(body: bytes) -> Pairs:
    """The parameters in order. Raises ValueError where they are none in UTF-8, or too many."""
    known = _REMEMBERED.get(body)
    if known is None:
        known = tuple(parse_qsl(body.decode(), max_num_fields=MAX_PARAMETERS, errors="strict"))
        if _PUBLIC.issuperset(name for name, _ in known) and len(body) <= MAX_REMEMBERED_BYTES:
            if len(_REMEMBERED) >= MOST_REMEMBERED:
                _REMEMBERED.clear()
            _REMEMBERED[body] = known
    return known


def _client(given: Sequence[str], values: dict[str, str]) -> tuple[str, str] | Unreadable:
    """Who the caller says it is, in the one place where it may say so, and its secret where that stands in HTTP Basic."""
    if "client_assertion" in values or "client_assertion_type" in values:
        asserted = _asserted_id(values, alone=not given and "client_secret" not in values)
        return asserted if isinstance(asserted, Unreadable) else (asserted, "")
    if not given:
        return values.get("client_id", ""), ""
    basic = _basic(given[0]) if len(given) == 1 else None
    if basic is None:
        return Unreadable(401, "invalid_client", "The Authorization header is not HTTP Basic with client id and secret.")
    if "client_secret" in values or values.get("client_id", basic[0]) != basic[0]:
        return _bad("Send the credentials in one place: the Authorization header or the body.")
    return basic


def _asserted_id(values: dict[str, str], *, alone: bool) -> str | Unreadable:
    """RFC 7521 section 4.2: the assertion names the client, and is the only way in which the client proves itself."""
    if not alone:
        return _bad("Prove the client in one way: by its assertion or by its secret.")
    if values.get("client_assertion_type") != TYPE or "client_assertion" not in values:
        return _bad(f"Send client_assertion together with client_assertion_type={TYPE}.")
    client_id = claimed_client(values["client_assertion"])
    if not client_id or values.get("client_id", client_id) != client_id:
        return Unreadable(401, "invalid_client", "The client assertion is no JWT whose sub is the client id.")
    return client_id


def _basic(header: str) -> tuple[str, str] | None:
    """Id and secret, each form-encoded in it (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    try:
        client_id, colon, secret = binascii.a2b_base64(encoded.strip(), strict_mode=True).decode().partition(":")
    except ValueError:
        return None
    return (unquote(client_id), unquote(secret)) if scheme.lower() == "basic" and colon else None


async def read_body(receive: Receive, most: int) -> bytes | None:
    """The whole body, or None above `most` bytes or where the caller went away."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            return None
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _bad(description: str) -> Unreadable:
    return Unreadable(400, "invalid_request", description)
