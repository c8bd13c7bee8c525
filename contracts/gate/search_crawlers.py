"""Search engines' crawlers: the user agent's word, and beside it a published network or a name that leads back to the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import structlog

from contracts.errors import Misconfigured
from contracts.gate import ranges
from contracts.gate.facts import MAX_AGENT, Facts, identity_of
from contracts.gate.identity import NOBODY, Identity, State
from contracts.gate.ranges import Networks
from contracts.gate.recognition import SearchCrawler
from contracts.gate.reverse_names import ReverseNames, lies_under

log = structlog.get_logger()


class SearchCrawlers:
    """Identifies them; never waits. `refresh` reads the files of networks again where they have changed."""

    def __init__(self, known: Mapping[str, SearchCrawler], home: Path, names: ReverseNames) -> None:
        self._known, self._home, self._names = known, home, names
        self._networks: dict[str, Networks] = {}
        self._read_at: dict[str, int] = {}
        words = sorted(((each.agent.lower(), name) for name, each in known.items()), key=lambda pair: -len(pair[0]))
        self._words = [(re.compile(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])"), name) for word, name in words]
        self.called = lru_cache(maxsize=4_096)(self._called)
        self.refresh()

    def known(self, facts: Facts, now: datetime) -> Identity:
        """The crawler that the user agent names; nobody where it names none. Invalid: the address is known not to be the crawler's."""
        name = self.called(facts.user_agent[:MAX_AGENT])
        if not name:
            return NOBODY
        state = self._state(name, facts.address, now)
        key = f"search:{name}" if state == "verified" else identity_of(facts.address, facts.user_agent)
        return Identity("search_crawler", key, state, label=name)

    async def verify(self, facts: Facts, now: datetime) -> Identity:
        """As `known`: names are found out in the background, and no request waits for them."""
        return self.known(facts, now)

    def refresh(self) -> int:
        """Read what is new; a file that cannot be read leaves what was known. Returns 0 always, as a job that only looks."""
        for name in self._known:
            file = ranges.file_of(self._home, name)
            try:
                moment = file.stat().st_mtime_ns
                if self._read_at.get(name) != moment:
                    self._networks[name] = Networks(ranges.read(file.read_bytes(), str(file)))
                    self._read_at[name] = moment
            except FileNotFoundError:
                continue
            except (Misconfigured, OSError) as error:
                log.warning("gate.ranges_unread", crawler=name, error=str(error))
        return 0

    def close(self) -> None:
        """Ask for no more names."""
        self._names.close()

    def _called(self, user_agent: str) -> str:
        lowered = user_agent.lower()
        return next((name for word, name in self._words if word.search(lowered)), "")

    def _state(self, name: str, address: str, now: datetime) -> State:
        crawler, networks = self._known[name], self._networks.get(name)
        if networks is not None and address in networks:
            return "verified"
        if not crawler.domains:
            return "unverified" if networks is None else "invalid"
        names = self._names.confirmed(address, now.timestamp()) if address else frozenset()
        if names is None:
            return "unverified"
        return "verified" if any(lies_under(each, crawler.domains) for each in names) else "invalid"
