"""Statements that are built once, kept by their shape, and sent with the values of each request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Dialect, Select
from sqlalchemy.sql.compiler import SQLCompiler

_MOST = 256


@dataclass(frozen=True)
class Sought:
    """A statement with names for its values."""

    statement: Select[Any]
    dialect: Dialect

    @property
    def text(self) -> str:
        """The statement as a driver takes it whose names of values are `%(name)s`."""
        return self._compiled.string

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a driver takes with `text`: what is given, and what the statement itself brings."""
        return {**self._own, **given}

    @cached_property
    def _compiled(self) -> SQLCompiler:
        compiled = self.statement.compile(dialect=self.dialect, compile_kwargs={"render_postcompile": True})
        assert isinstance(compiled, SQLCompiler)
        return compiled

    @cached_property
    def _own(self) -> dict[str, Any]:
        return dict(self._compiled.params)


class Shapes:
    """The statements of one engine by shape, the oldest forgotten first. Safe for threads."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Sought] = {}
        self._lock = threading.Lock()

    def of(self, shape: Hashable, build: Callable[[], Sought]) -> Sought:
        """The statement of a shape, built where it is new."""
        found = self._known.get(shape)
        if found is None:
            found = build()
            with self._lock:
                while len(self._known) >= _MOST:
                    self._known.pop(next(iter(self._known)))
                self._known[shape] = found
        return found
