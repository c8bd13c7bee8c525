"""Mail and web addresses as people type them: their kept form, and what is wrong with one. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")


def address(email: str) -> str:
    """A mail address in the form that is kept and compared: without blanks around it, in lower case."""
    return email.strip().lower()


def address_problem(email: str) -> str:
    """What is wrong with a mail address, as a sentence; empty where nothing is."""
    return "" if len(email) <= 254 and _MAIL.fullmatch(email) else "Write a mail address like name@example.org."


def site(typed: str) -> str:
    """A web address in the form that is kept: without blanks around it or a slash at its end; the rest as typed."""
    return typed.strip().rstrip("/")


def site_problem(kept: str) -> str:
    """What is wrong with the address of a site (scheme and host, maybe a port, no path), as a sentence; empty where nothing is."""
    try:
        parts = urlsplit(kept)
        port_is_odd = parts.port == 0
    except ValueError:
        return "Write a web address like https://www.example.org."
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or "") or port_is_odd or parts.username is not None:
        return "Write a web address like https://www.example.org."
    return "Leave out what follows the host, as in https://www.example.org." if parts.path or parts.query or parts.fragment else ""
