"""`licet ledger verify --url`: somebody's log, followed over its public tiles."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts.errors import Unserved
from contracts.ledger.monitor import Kept, follow, read_kept
from contracts.ledger.note import CheckpointText, parse_vkey

SECONDS = 60.0
LARGEST = 64 * 1024
"""Bytes of an answer: a tile has 8,192, a checkpoint with every cosignature fewer than these."""


def verify_url(url: str, key: str, state: Path | None) -> CheckpointText:
    """Follow a log to its newest checkpoint; what was read is kept in the file, and the next run goes on from there.

    `url` is where the log is, such as https://data.example.com/ledger. Raises `Unserved` where it does not answer, and ValueError with
    what is wrong where the log is not what it signs.
    """
    base, verifier = url.rstrip("/"), parse_vkey(key)
    kept = read_kept(state) if state else Kept()
    with httpx.Client(timeout=SECONDS, follow_redirects=False) as http, telling() as progress:

        def saved(now: Kept) -> None:
            if state is not None:
                now.save(state)

        return follow(lambda path: _fetched(http, f"{base}/{path}"), verifier, kept, saved, progress)


def pruned_at(url: str) -> int:
    """How many entries a log says that it pruned under its published policy; 0 where it publishes none. What it signs holds without them."""
    with httpx.Client(timeout=SECONDS, follow_redirects=False) as http:
        try:
            told = json.loads(_fetched(http, f"{url.rstrip('/')}/retention"))
        except (Unserved, ValueError):
            return 0
    found = told.get("pruned") if isinstance(told, dict) else 0
    return found if isinstance(found, int) else 0


@contextmanager
def telling() -> Iterator[Callable[[int, int], None]]:
    """Takes (entries done, all) and shows how far it is, to a person at a terminal alone."""
    shown, console = (TextColumn("Entries"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()), Console(stderr=True)
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("entries", total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)


def _fetched(http: httpx.Client, address: str) -> bytes:
    try:
        with http.stream("GET", address) as answer:
            if answer.status_code != 200:
                raise Unserved(f"{address} answers {answer.status_code}. Check the address of the log.")
            found = b""
            for part in answer.iter_bytes():
                found += part
                if len(found) > LARGEST:
                    raise Unserved(f"{address} answers more than a log has there. Check the address of the log.")
            return found
    except httpx.HTTPError as error:
        raise Unserved(f"{address} does not answer ({type(error).__name__}). Check the address and your connection.") from error
