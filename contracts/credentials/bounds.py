"""What one credential is held to within its contract: its own networks, last day and datasets, and ended secrets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network

from contracts.terms.model import Terms

Network = IPv4Network | IPv6Network
MAX_NETWORKS = 50


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one credential; each only narrows what its contract says.

    `networks` in CIDR form and `datasets` by id, each empty for those of the contract. `last_day` is the last day in the platform's
    time zone. Tokens that were issued up to the second of `tokens_since` are over, because the secret that they came by was. Where
    `dpop` is true, tokens are bound to a key (RFC 9449).
    """

    networks: tuple[str, ...] = ()
    last_day: date | None = None
    tokens_since: datetime | None = None
    dpop: bool = False
    datasets: frozenset[str] = frozenset()


def networks_problem(networks: Sequence[str], terms: Terms) -> str:
    """What is wrong with a credential's networks, or empty. Each lies within one that the contract names, where it names any."""
    if len(networks) > MAX_NETWORKS:
        return f"Name at most {MAX_NETWORKS} networks."
    wanted = [_network(each) for each in networks]
    outer = [found for each in terms.networks if (found := _network(each)) is not None]
    for text, found in zip(networks, wanted, strict=True):
        if found is None:
            return "Write each network as 192.0.2.0/24 or 2001:db8::/48, one a line."
        if terms.networks and not any(_inside(found, each) for each in outer):
            return f"{text} is not within the contract’s networks: {', '.join(terms.networks)}."
    return ""


def last_day_problem(last_day: date | None, terms: Terms, today: date) -> str:
    """What is wrong with a credential's last day, or empty."""
    if last_day is None:
        return ""
    if last_day < today:
        return "The last day has passed already."
    return f"The contract ends with {terms.ends.isoformat()}; a credential ends no later." if last_day > terms.ends else ""


def datasets_problem(datasets: Sequence[str], terms: Terms) -> str:
    """What is wrong with the datasets that a credential is held to, or empty. The contract names each."""
    named = [each.dataset for each in terms.datasets]
    return f"The contract names only {', '.join(named)}." if set(datasets) - set(named) else ""


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _inside(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
