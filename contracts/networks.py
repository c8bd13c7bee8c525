"""Addresses and networks: whom a request came from, and the prefix that may be kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

REMEMBERED = 16_384
# Every visitor of the main site comes by here, and reading an address costs more than the rest of a decision.
VISITORS = 131_072


# Plain IPv4 as `ip_address` reads it: ASCII digits, no zeros in front.
_PLAIN = re.compile(r"\.".join(["(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"] * 4))


def client_address(peer: str, forwarded_for: str, proxies: tuple[str, ...]) -> str:
    """The client's address: the peer's, or, where the peer is a configured proxy, the last hop that is none.

    `peer` is empty for a unix socket, which counts as a proxy where `proxies` has "unix". A forwarded value that is not an
    address ends the walk: what stood before it could be anyone's invention.
    """
    # What a proxy on the same machine says of most visitors needs no walk, nor a place in memory.
    if not peer and "unix" in proxies and _PLAIN.fullmatch(forwarded_for):
        return forwarded_for
    return walked(peer, forwarded_for, proxies)


@lru_cache(maxsize=VISITORS)
def walked(peer: str, forwarded_for: str, proxies: tuple[str, ...]) -> str:
    """As `client_address`, hop by hop."""
    here = peer
    for hop in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
        if not is_proxy(here, proxies):
            return here
        if parse(hop) is None:
            return here
        here = hop
    return here


def is_proxy(peer: str, proxies: Sequence[str]) -> bool:
    """Whether the peer is one of the proxies whose forwarded headers are believed."""
    if not peer:
        return "unix" in proxies
    address = parse(peer)
    return address is not None and any(address in _network(each) for each in proxies if each != "unix")


@lru_cache(maxsize=256)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


@lru_cache(maxsize=REMEMBERED)
def prefix(address: str) -> str:
    """The network that may be kept of an address: /24 of IPv4, /48 of IPv6; empty where it is no address."""
    parsed = parse(address)
    if parsed is None:
        return ""
    return str(ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def within(address: str, networks: Sequence[str]) -> bool:
    """Whether the address lies in one of the networks; an empty list allows none."""
    parsed = parse(address)
    return parsed is not None and any(parsed in ip_network(each, strict=False) for each in networks)


def parse(text: str) -> Address | None:
    """The address, IPv4-mapped IPv6 reduced to IPv4; None where the text is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
