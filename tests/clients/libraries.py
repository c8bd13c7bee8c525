"""Client libraries behind one interface: what is asked of one, in JSON, and what it came to."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from tests.harness import node

Person = Callable[[str], str]


class Library(Protocol):
    """A library that does what it is asked, sending a person to addresses where it must."""

    def act(self, do: str, asked: dict[str, Any], person: Person) -> dict[str, Any]:
        """The outcome of one act."""

    def close(self) -> None:
        """Let go of it."""


def nobody(url: str) -> str:
    """For acts that need no person."""
    raise AssertionError(f"a person was asked to go to {url}")


class PythonLibrary:
    """A module `with_…` beside this one."""

    def __init__(self, name: str) -> None:
        self._module = import_module(f"tests.clients.with_{name.replace('-', '_')}")

    def act(self, do: str, asked: dict[str, Any], person: Person) -> dict[str, Any]:
        """Call its function of that name."""
        outcome: dict[str, Any] = getattr(self._module, do)(asked, person)
        return outcome

    def close(self) -> None:
        """Nothing is held."""


class NodeLibrary:
    """A script of tests/node in a process of its own; tests/node/talk.mjs says how they talk."""

    def __init__(self, name: str) -> None:
        self._process = node.start(f"{name}.mjs")

    def act(self, do: str, asked: dict[str, Any], person: Person) -> dict[str, Any]:
        """Ask, send the person where the script says, and take the outcome."""
        self._say({"do": do, **asked})
        while True:
            heard = self._hear()
            if "result" in heard:
                outcome: dict[str, Any] = heard["result"]
                return outcome
            assert "failed" not in heard, heard["failed"]
            self._say({"back": person(heard["open"])})

    def close(self) -> None:
        """End the process, which ends by itself when nothing more can be asked."""
        _, complaints = self._process.communicate(timeout=120)
        assert (self._process.returncode, complaints) == (0, "")

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            out, complaints = self._process.communicate(timeout=120)
            raise AssertionError(f"the script ended: {out}{complaints}")
        heard: dict[str, Any] = json.loads(line)
        return heard
