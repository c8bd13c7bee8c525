"""Knowing again: names without case, accents, blanks and marks, and the domains of an organisation's own mail addresses; pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

# Where anybody may have an address, it says nothing about who somebody is.
EVERYBODYS = frozenset(
    {
        *("aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.de", "gmx.net", "googlemail.com"),
        *("hotmail.com", "icloud.com", "laposte.net", "libero.it", "live.com", "mail.com", "mail.ru", "me.com", "msn.com"),
        *("o2.pl", "orange.fr", "outlook.com", "posteo.de", "proton.me", "protonmail.com", "qq.com", "t-online.de"),
        *("tutanota.com", "web.de", "wp.pl", "yahoo.com", "yandex.ru", "ziggo.nl"),
    }
)


def name_key(name: str) -> str:
    """The letters and digits of a name, without case and accents: "Quotient  Analytics, Ltd." is "quotientanalyticsltd"."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    return "".join(each for each in folded if each.isalnum())


def domains_of(addresses: Iterable[str]) -> list[str]:
    """The domains of mail addresses, sorted, each once; those where anybody may have an address are left out."""
    found = {each.rpartition("@")[2].casefold() for each in addresses if "@" in each}
    return sorted(found - EVERYBODYS)


def is_within(domain: str, of: Iterable[str]) -> bool:
    """Whether the domain is one of those, or lies below one."""
    return any(domain == each or domain.endswith(f".{each}") for each in of)
