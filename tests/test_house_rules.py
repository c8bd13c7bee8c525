"""Rules of the house that a test can count. Each fails when broken."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("contracts", "api", "portal")
# Beside this file, the one that notes what is called while the write lock is held; what it wraps does its work as ever.
INSTRUMENTS = ("test_house_rules.py", "test_write_lock.py")


def _sources(*rooms: str) -> Iterator[Path]:
    for room in rooms or ROOMS:
        yield from (each for each in sorted((ROOT / room).rglob("*.py")) if "migrations/versions" not in each.as_posix())


def _lines_with(pattern: str, outside: tuple[str, ...] = (), rooms: tuple[str, ...] = ROOMS) -> list[str]:
    found = []
    for file in _sources(*rooms):
        name = file.relative_to(ROOT).as_posix()
        if not name.startswith(outside):
            found += [f"{name}:{number}" for number, line in enumerate(file.read_text().splitlines(), 1) if re.search(pattern, line)]
    return found


def test_the_direction_of_imports_holds() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("pattern", "outside"),
    [
        (r"\.commit\(", ("contracts/store/", "contracts/access/", "contracts/migrations/env.py", "contracts/ledger/tamper.py")),
        (r"^\s*(import|from) stripe\b", ("contracts/billing/",)),
        (r"^\s*(import|from) authlib\b", ("api/oauth/", "portal/openid.py")),
        (r"^\s*(import|from) duckdb\b", ("contracts/datasets/",)),
        (r"^\s*(import|from) typst\b", ("contracts/signing/",)),
        (r"^\s*(import|from) (pyhanko|asn1crypto)", ("contracts/signing/",)),
        (r"^\s*(import|from) slowapi\b", ("portal/limits.py", "api/limits.py", "portal/app.py", "portal/problems.py")),
        (r"\b(datetime\.now|date\.today|time\.time)\(", ("contracts/clock.py", "api/limits.py", "api/oauth/pace.py")),
        (r"#\s*(noqa|type:\s*ignore)(\[[^\]]*\]|:\s*[A-Z0-9, ]+)?\s*$", ()),
        (r"\b(TODO|FIXME|XXX)\b", ()),
        (r"except (Exception|BaseException)\b(?!.*#)|except:\s*$", ()),
    ],
)
def test_each_foreign_thing_has_its_one_place(pattern: str, outside: tuple[str, ...]) -> None:
    assert _lines_with(pattern, outside) == []


def test_no_mock_of_our_own_code() -> None:
    found = [
        each.name
        for each in (ROOT / "tests").rglob("*.py")
        if re.search(r"unittest\.mock|mocker\.|MagicMock|monkeypatch\.setattr", each.read_text()) and each.name not in INSTRUMENTS
    ]
    assert found == []


def test_files_and_functions_stay_short() -> None:
    long_files = [f"{file.relative_to(ROOT)} {length}" for file in _sources() if (length := file.read_text().count("\n")) > 400]
    long_functions = []
    for file in _sources():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= 80:
                long_functions += [f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"]
    assert (long_files, long_functions) == ([], [])


def test_no_path_registry_or_secret_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    pattern = re.compile(r"^(--index-url|--extra-index-url)|/(?:home|root|work|Users)/|BEGIN (EC |RSA )?PRIVATE KEY", re.MULTILINE)
    offending = []
    for name in filter(None, listed):
        file = ROOT / name
        if (
            file.is_file()
            and file.suffix not in (".png", ".pdf")
            and name != "tests/test_house_rules.py"
            and pattern.search(file.read_text(errors="ignore"))
        ):
            offending.append(name)
    assert offending == []
