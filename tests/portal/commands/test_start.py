"""A command waits for its own imports only."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("alembic", "duckdb", "fastapi", "httpx", "pyhanko", "sqlalchemy", "portal.serve")
SCRIPT = f"""
import sys
from portal.cli import main
sys.argv = ["licet", *sys.argv[1:]]
try:
    main()
finally:
    print(sorted(set({HEAVY}) & set(sys.modules)))
"""


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["demo", "--help"]])
def test_help_and_version_import_nothing_of_the_platform(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=True)
    *said, imported = done.stdout.splitlines()
    assert imported == "[]"
    assert said == ["licet 0.1.0"] or any("Usage: licet" in line for line in said)
