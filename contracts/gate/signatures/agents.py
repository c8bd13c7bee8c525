"""Where a signed request says that its keys are: the field `Signature-Agent` in its four generations on the wire. Pure.

A, up to draft-meunier-web-bot-auth-architecture-03: one string, an origin. B, -04 and -05: a dictionary of origins. C, up to
draft-ietf-webbotauth-httpsig-protocol-00: with `type` directory, jwks_uri or cimd. D, -01: each member is the key set's own address.
A bare origin without a type means the directory at its well-known path in every one of them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from contracts.crawlers.directory import PATH
from contracts.crawlers.identifiers import identifier

_TYPES = ("directory", "jwks_uri", "cimd")


def key_set(member: Any) -> str:
    """The identifier of the key set that one member of the dictionary means; empty where it means none.

    `member` is a parsed structured field item: its value and its parameters. One with parameters that no generation knows, or with
    a `type` that is none of the three, is ignored, and so is a directory that is more than an origin.
    """
    value, params = member
    kind = str(params["type"]) if set(params) == {"type"} else None
    if type(value) is not str or not set(params) <= {"type"} or (params and kind not in _TYPES):
        return ""
    known = identifier(value)
    if not known or kind in ("jwks_uri", "cimd"):
        return known
    if _is_origin(value):
        return known.removesuffix("/") + PATH
    return known if kind is None else ""


def _is_origin(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query
