"""The name of a key set: its address in the one spelling by which two are compared. Pure."""

from __future__ import annotations

import re

from contracts.errors import Refused
from contracts.guarded import checked

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def identifier(url: str) -> str:
    """The address without query, normalised (RFC 3986 sections 6.2.2 and 6.2.3); empty where it is no https address to be asked.

    draft-ietf-webbotauth-httpsig-protocol section 4.4: without its query, or one key set would have as many names as it has spellings.
    """
    try:
        parts = checked(url, None)
    except Refused:
        return ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return f"https://{host}{port}{_without_dots(_ESCAPE.sub(_spelt, parts.path))}"


def _spelt(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for each in segments:
        if each == "..":
            kept[-1:] = []
        elif each != ".":
            kept.append(each)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
