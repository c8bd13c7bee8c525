"""A state has one writer: outside the services that go by the tables, no code assigns the state of anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
WRITERS = {
    "contracts/agreements/service.py",
    "contracts/amendments/service.py",
    "contracts/appeals/service.py",
    "contracts/applications/core.py",
    "contracts/bars/service.py",
    "contracts/coordinator/service.py",
    "contracts/holds/service.py",
    "contracts/lifecycle/steps.py",
    "contracts/members/service.py",
    "contracts/people/hand_over.py",
    "contracts/people/lost.py",
    "contracts/people/proposals.py",
    "contracts/policies/service.py",
}


def _assigned(tree: ast.AST) -> Iterator[ast.Attribute]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == "state":
            yield node


def test_only_the_services_assign_a_state() -> None:
    files = [file for room in ("contracts", "api", "portal") for file in (ROOT / room).rglob("*.py")]
    found = {
        file.relative_to(ROOT).as_posix()
        for file in files
        for target in _assigned(ast.parse(file.read_text(encoding="utf-8")))
        if not (isinstance(target.value, ast.Name) and target.value.id in ("self", "app"))
    }
    assert found == WRITERS


def test_each_service_assigns_it_in_one_place() -> None:
    counts = {name: len(list(_assigned(ast.parse((ROOT / name).read_text(encoding="utf-8"))))) for name in WRITERS}
    assert counts == dict.fromkeys(WRITERS, 1)
