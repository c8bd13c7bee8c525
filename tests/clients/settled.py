"""What every process of a platform agrees on within two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from contracts.store.epochs import STALE_SECONDS


def settled(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is said of a token that was given back, once all know."""
    deadline = time.monotonic() + STALE_SECONDS
    said = ask()
    while said["active"] and time.monotonic() < deadline:
        said = ask()
    return said
