"""Forward-confirmed reverse DNS: names of an address that lead back to it. Asked in the background, and remembered.

A name that an address has in the reverse zone is its owner's own word, so it counts only where it leads back to the address.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.networks import parse

if TYPE_CHECKING:
    from dns.resolver import Resolver

SECONDS = 3.0
MOST_NAMES = 3
FOUND_SECONDS, NONE_SECONDS, FAILED_SECONDS = 3_600, 300, 30
# A confirmed name goes on counting for so long while it is asked for again, so that no crawler is stopped because an hour is over.
GRACE_SECONDS = 600
MOST_KNOWN = 50_000
MOST_WAITING = 200
THREADS = 4

# The confirmed names of an address; None where it could not be found out.
Ask = Callable[[str], frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found, until when it counts, and when it is asked for again."""

    names: frozenset[str] | None
    until: float
    again: float


class ReverseNames:
    """Remembers what `ask` finds: names for an hour, none for five minutes, a failure for half a minute. One question an address at a time.

    `confirmed` never waits. Safe from any thread; times are seconds since 1970, given by the caller.
    """

    def __init__(self, ask: Ask, pool: Executor | None = None) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: set[str] = set()
        self._pool = pool or ThreadPoolExecutor(THREADS, thread_name_prefix="names")

    def confirmed(self, address: str, now: float) -> frozenset[str] | None:
        """The confirmed names of an address; None while that is not known, and then it is being found out."""
        known = self._known.get(address)
        if known is None or known.again <= now:
            self._begin(address, now)
        return known.names if known is not None and now < known.until else None

    def close(self) -> None:
        """Ask nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, address: str, now: float) -> None:
        with self._lock:
            if address in self._asking or len(self._asking) >= MOST_WAITING:
                return
            self._asking.add(address)
        self._pool.submit(self._find, address, now)

    def _find(self, address: str, now: float) -> None:
        try:
            names = self._ask(address)
            with self._lock:
                self._known[address] = _found(names, self._known.get(address), now)
                self._known.move_to_end(address)
                if len(self._known) > MOST_KNOWN:
                    self._known.popitem(last=False)
        finally:
            with self._lock:
                self._asking.discard(address)


def _found(names: frozenset[str] | None, before: _Known | None, now: float) -> _Known:
    if names is None:
        # A failure takes nothing away before its time is over.
        return _Known(before.names, before.until, now + FAILED_SECONDS) if before else _Known(None, now, now + FAILED_SECONDS)
    if names:
        return _Known(names, now + FOUND_SECONDS + GRACE_SECONDS, now + FOUND_SECONDS)
    return _Known(names, now + NONE_SECONDS, now + NONE_SECONDS)


def lies_under(name: str, domains: Iterable[str]) -> bool:
    """Whether a name is one of the domains or lies under it, at a dot."""
    bare = name.rstrip(".").lower()
    return any(bare == each or bare.endswith(f".{each}") for each in domains)


@dataclass(frozen=True)
class Dns:
    """Asks a name server, the machine's own where none is named (`host` or `host:port`), within three seconds in all."""

    domains: tuple[str, ...]
    server: str = ""
    seconds: float = SECONDS

    def __call__(self, address: str) -> frozenset[str] | None:
        """The names of an address under the domains, at most three, that lead back to it; None where the server does not tell."""
        from dns.exception import DNSException  # noqa: PLC0415 - a start does not wait for its import, a fifth of a second
        from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415 - as above

        ends = time.monotonic() + self.seconds
        try:
            resolver = self._resolver()
            pointed = resolver.resolve_address(address, lifetime=self.seconds, search=False)
            names = [name for each in pointed if lies_under(name := each.target.to_text(), self.domains)][:MOST_NAMES]
            return frozenset(name.rstrip(".").lower() for name in names if _leads_back(resolver, name, address, ends))
        except (NXDOMAIN, NoAnswer):
            return frozenset()
        except DNSException:
            return None

    def _resolver(self) -> Resolver:
        from dns.resolver import Resolver  # noqa: PLC0415 - as above

        made = Resolver(configure=not self.server)
        if self.server:
            host, _, port = self.server.rpartition(":") if not self.server.endswith("]") and ":" in self.server else (self.server, "", "53")
            made.nameservers, made.port = [host.strip("[]")], int(port)
        return made


def _leads_back(resolver: Resolver, name: str, address: str, ends: float) -> bool:
    from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415 - as above

    parsed = parse(address)
    kind = "A" if parsed is not None and parsed.version == 4 else "AAAA"
    try:
        found = resolver.resolve(name, kind, lifetime=max(ends - time.monotonic(), 0.001), search=False)
    except (NXDOMAIN, NoAnswer):
        return False
    return any(parse(each.address) == parsed for each in found)
