"""Bans in memory: whether an identity or its network is stopped, in the same time for a hundred bans as for a hundred thousand. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from contracts.networks import parse

# Whole addresses are kept nowhere, so that none is banned; and nobody bans a good part of the world by leaving out a digit.
PREFIXES = {4: (8, 24), 6: (16, 48)}
REMEMBERED = 65_536
_IDENTITY = re.compile(r"[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Ban:
    """What is banned, and until when in seconds since 1970."""

    target: str
    ends: float

    @property
    def of_network(self) -> bool:
        """Whether it is a network that is banned, whoever comes from there."""
        return "/" in self.target


_UNKNOWN = Ban("", 0.0)


class Bans:
    """Looked up by each request, changed by the thread that follows the epoch; every change is one assignment of a dictionary's key."""

    def __init__(self) -> None:
        self._identities: dict[str, Ban] = {}
        # By version and length of the prefix, then by its first address as a number.
        self._networks: dict[tuple[int, int], dict[int, Ban]] = {}
        self._found: dict[str, Ban | None] = {}
        self.state = 0
        """Counts what was banned: whom no ban met at one state, none meets before the next."""

    def find(self, identity: str, network: str, now: float) -> Ban | None:
        """The ban that holds now for an identity or for the network (/24, /48) that it comes from; None where none does."""
        ban = self._identities.get(identity)
        if ban is not None and ban.ends > now:
            return ban
        ban = self._found.get(network, _UNKNOWN)
        if ban is _UNKNOWN:
            ban = self._remember(network)
        return ban if ban is not None and ban.ends > now else None

    def put(self, ban: Ban) -> None:
        """Ban a target, or ban it anew with another end."""
        if not ban.of_network:
            self._identities[ban.target] = ban
        else:
            version, length, first = _place(ban.target)
            self._networks.setdefault((version, length), {})[first] = ban
            self._found = {}
        self.state += 1

    def remove(self, target: str) -> None:
        """Lift the ban of a target, if there is one."""
        if "/" not in target:
            self._identities.pop(target, None)
            return
        version, length, first = _place(target)
        self._networks.get((version, length), {}).pop(first, None)
        self._found = {}

    def forget(self, now: float) -> None:
        """Let go of what has ended."""
        held = [*self._identities.values(), *(ban for bans in self._networks.values() for ban in bans.values())]
        for ban in held:
            if ban.ends <= now:
                self.remove(ban.target)

    @property
    def size(self) -> int:
        """How many targets are held, those whose bans ended since among them."""
        return len(self._identities) + sum(map(len, self._networks.values()))

    def _remember(self, network: str) -> Ban | None:
        """Of all bans that cover a network, the one that ends last: once it has ended, all have."""
        found = self._found
        if len(found) >= REMEMBERED:
            found = self._found = {}
        latest = found[network] = max(self._covering(network), key=lambda ban: ban.ends, default=None)
        return latest

    def _covering(self, network: str) -> Iterator[Ban]:
        address = parse(network.partition("/")[0])
        if address is None:
            return
        number, bits = int(address), address.max_prefixlen
        for (version, length), bans in list(self._networks.items()):
            if version == address.version:
                ban = bans.get(number >> (bits - length) << (bits - length))
                if ban is not None:
                    yield ban


def target_of(typed: str) -> str:
    """What is banned, in its one spelling. Raises ValueError with a sentence for the operator where it is neither network nor visitor."""
    text = typed.strip().lower()
    if _IDENTITY.fullmatch(text):
        return text
    try:
        named = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("Name a network such as 192.0.2.0/24, or a visitor by the 20 digits and letters of its identity.") from None
    widest, narrowest = PREFIXES[named.version]
    if named.prefixlen > narrowest:
        kept = ip_network((named.network_address, narrowest), strict=False)
        raise ValueError(f"Whole addresses are not kept, so name the network: {kept}.")
    if named.prefixlen < widest:
        raise ValueError(f"{named} is too wide. Ban networks of /{widest} and narrower.")
    return str(named)


def _place(target: str) -> tuple[int, int, int]:
    network = ip_network(target)
    return network.version, network.prefixlen, int(network.network_address)
