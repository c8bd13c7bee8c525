"""Every route of both faces, read from the apps themselves, and every name that pages read from forms and addresses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import Mount

from api.app import create_machines
from contracts.house import House
from portal.app import create_portal

ROOT = Path(__file__).parents[2]
_READS = frozenset({"text", "raw", "all", "checked", "number", "day", "require"})


@dataclass(frozen=True, order=True)
class Route:
    """One method of one address. `face` is pages, api or hot."""

    face: str
    method: str
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters in its path."""
        return tuple(name for name, _ in re.findall(r"{(\w+)(:\w+)?}", self.path))

    def at(self, **values: str) -> str:
        """The address with its parameters filled in."""
        return re.sub(r"{(\w+)(:\w+)?}", lambda found: values[found.group(1)], self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(house: House) -> list[Route]:
    """Every route, in order. HEAD is answered as GET is and left out."""
    machines = create_machines(house)
    found = {Route(face, *each) for face, app in (("pages", create_portal(house)), ("api", machines.app)) for each in _of(app)}
    found |= {Route("hot", method, route.path) for route in machines.hot for method in route.methods}
    return sorted(each for each in found if each.method != "HEAD")


def names_read() -> set[str]:
    """Names that pages and machines read from forms, query strings and hints, as they stand in the source.

    Names that the source puts together (`f"row.{name}"`, the search's own list) are not among them.
    """
    files = [each for room in ("portal", "api") for each in (ROOT / room).rglob("*.py")]
    return {name for file in files for name in _in(ast.parse(file.read_text(encoding="utf-8")))}


def queries_of(house: House) -> set[str]:
    """Query parameters that routes declare."""
    contexts = iter_route_contexts(create_portal(house).routes)
    return {each.name for context in contexts if isinstance(context.original_route, APIRoute) for each in context.dependant.query_params}


def _of(app: Starlette) -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, Mount):
            assert context.path is not None, context
            yield from ((method, context.path) for method in context.methods or ())


def _in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args and _is_read(node.func):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
        elif isinstance(node, ast.Subscript) and _named(node.value) in ("asked", "query") and isinstance(node.slice, ast.Constant):
            yield str(node.slice.value)


def _is_read(called: ast.Attribute) -> bool:
    name = _named(called.value)
    if called.attr == "get":
        return name in ("query_params", "query", "asked", "given", "values")
    return called.attr in _READS and "form" in name


def _named(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
