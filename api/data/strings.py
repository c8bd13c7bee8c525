"""Query strings of /v1: read strictly, and kept beside the entry without secrets."""

from __future__ import annotations

from urllib.parse import parse_qsl

from contracts.errors import Refusal

_MAX_QUERY = 8_192


def pairs_of(raw: bytes) -> list[tuple[str, str]] | Refusal:
    """The decoded names and values, or `bad_request`."""
    if len(raw) > _MAX_QUERY:
        return Refusal("bad_request", f"The query string is longer than {_MAX_QUERY} bytes.")
    if b"access_token=" in raw:
        return Refusal("bad_request", "Send the token in the Authorization header; in an address it ends up in logs. Revoke this one.")
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict")
    except ValueError:
        return Refusal("bad_request", "The query string is not names and values in percent-encoded UTF-8.")


def recordable(raw: bytes) -> str:
    """The query as the ledger keeps it beside the entry: never a secret, never unbounded."""
    return "" if b"access_token=" in raw else raw[:_MAX_QUERY].decode("latin-1")
