"""Networks that search engines publish for their crawlers: JSON files under `home/ranges`, in the format that Google began with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from contracts.errors import Misconfigured
from contracts.networks import parse

FOLDER = "ranges"
MOST_NETWORKS = 20_000
# Wider ones are a mistake, and one of them would let half the world through.
_WIDEST = {4: 8, 6: 19}

Network = IPv4Network | IPv6Network


class Networks:
    """Whether an address lies in one of many networks; one look in a set for each length of prefix that occurs."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._by_length: dict[tuple[int, int], set[int]] = {}
        for each in networks:
            shift = each.max_prefixlen - each.prefixlen
            self._by_length.setdefault((each.version, shift), set()).add(int(each.network_address) >> shift)

    def __contains__(self, address: str) -> bool:
        parsed = parse(address)
        if parsed is None:
            return False
        number, version = int(parsed), parsed.version
        return any(number >> shift in kept for (of, shift), kept in self._by_length.items() if of == version)


def file_of(home: Path, name: str) -> Path:
    """Where a crawler's networks lie."""
    return home / FOLDER / f"{name}.json"


def read(content: bytes, where: str) -> list[Network]:
    """The networks of a file: `{"prefixes": [{"ipv4Prefix": …}, {"ipv6Prefix": …}]}`.

    Raises `Misconfigured` for anything else in it, for none, and for networks wider than /8 (IPv4) or /19 (IPv6).
    """
    try:
        listed = json.loads(content)["prefixes"]
        texts = [each.get("ipv4Prefix") or each["ipv6Prefix"] for each in listed]
        found: list[Network] = [ip_network(text) for text in texts if isinstance(text, str)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Misconfigured(where, "is no list of networks.", 'It holds {"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}.') from error
    if not found or len(found) != len(texts) or len(found) > MOST_NETWORKS:
        raise Misconfigured(where, f"names no network, or more than {MOST_NETWORKS:,}.", "Fetch it again with `licet gate ranges`.")
    wide = next((each for each in found if each.prefixlen < _WIDEST[each.version]), None)
    if wide is not None:
        raise Misconfigured(where, f"names {wide}, which is too wide for one crawler.", "Ask its publisher.")
    return found
