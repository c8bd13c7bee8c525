"""A gate in front of what a test serves: shut, it holds whoever comes, and tells the test that somebody is there."""

from __future__ import annotations

import threading

PATIENCE = 60.0


class Gate:
    """Open at first. Whoever was held before it opened goes on then, also where it is shut again at once."""

    def __init__(self) -> None:
        self._opened, self._come = threading.Event(), threading.Event()
        self._opened.set()

    def shut(self) -> None:
        """Hold everyone who comes from now on."""
        self._opened, self._come = threading.Event(), threading.Event()

    def open(self) -> None:
        """Let everyone through."""
        self._opened.set()

    def wait_for_somebody(self) -> None:
        """Return once somebody is held."""
        assert self._come.wait(PATIENCE), "nobody came to the gate"

    def pass_through(self) -> None:
        """Called by whoever comes, in a thread that may wait."""
        opened, come = self._opened, self._come
        if not opened.is_set():
            come.set()
            opened.wait(PATIENCE)
