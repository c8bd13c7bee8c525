"""Partners' programs that ask until the server dies, and keep what was answered whole."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.harness import partner
from tests.harness.felt import within
from tests.harness.partner import Reply

READERS = 3
PAUSE, PATIENCE = 0.02, 60.0
_QUERY = json.dumps({"where": {"field": "species", "op": "eq", "value": "oak"}, "limit": 5}).encode()
_PATH = "/v1/datasets/trees"


@dataclass
class Kept:
    """What outsiders hold of all rounds: each answer's entry with its decision and number of records, and every checkpoint seen."""

    answers: list[tuple[str, tuple[str, int]]] = field(default_factory=list)
    checkpoints: set[str] = field(default_factory=set)
    asked: int = 0


class Load:
    """Some read pages, some of them again under one key; one sends queries, one asks for what it may not have, one follows the log."""

    def __init__(self, base_url: str, access_token: str, kept: Kept) -> None:
        self._base_url, self._token, self._kept = base_url, access_token, kept
        self._ended, self._lock = threading.Event(), threading.Lock()
        asking = [*(lambda n=n: self._page(n) for n in range(READERS)), self._query, self._refused]
        self._threads = [threading.Thread(target=self._go_on, args=(each,)) for each in (*map(self._counted, asking), self._checkpoint)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop asking."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self, count: int = 5) -> None:
        """Wait until so many more answers came."""
        wanted = len(self._kept.answers) + count
        assert within(PATIENCE, lambda: len(self._kept.answers) >= wanted), "nothing is answered any more"

    def _go_on(self, once: Callable[[], None]) -> None:
        while not self._ended.is_set():
            try:
                once()
            except (OSError, http.client.HTTPException):
                return

    def _counted(self, ask: Callable[[], Reply]) -> Callable[[], None]:
        def once() -> None:
            with self._lock:
                self._kept.asked += 1
            reply = ask()
            body = reply.json
            if reply.status in (200, 403):
                decision = ("allow", len(body["data"])) if reply.status == 200 else ("refuse", 0)
                self._kept.answers.append((body["entry"], decision))

        return once

    def _page(self, number: int) -> Reply:
        key = f"{number} {time.monotonic_ns() >> 24}" if number % 2 else ""  # the same for some requests, which are free then
        return partner.records(self._base_url, self._token, query=f"limit={7 + number}", key=key)

    def _query(self) -> Reply:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        return partner.ask(self._base_url, "POST", f"{_PATH}/query", _QUERY, headers)

    def _refused(self) -> Reply:
        return partner.records(self._base_url, self._token, query="fields=note")

    def _checkpoint(self) -> None:
        reply = partner.ask(self._base_url, "GET", "/ledger/checkpoint")
        if reply.status == 200:
            self._kept.checkpoints.add(reply.body.decode())
        self._ended.wait(PAUSE)
