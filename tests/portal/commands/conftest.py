"""An installation that was just made, and the `licet` command."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal.cli import main
from portal.commands.init import Answers, initialise
from tests.harness.server import free_port


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote where."""

    returncode: int
    stdout: str
    stderr: str


Licet = Callable[..., Ended]

TREES = "id,species,height\n1,oak,12.5\n2,ash,9\n3,oak,4\n"
SECTION = """
[datasets.trees]
title = "Trees"
location = "trees.csv"
key = "id"

[datasets.trees.fields]
id = { type = "integer", class = "key" }
species = { type = "string" }
height = { type = "number" }
"""


def answers(port: int = 8400, **changed: object) -> Answers:
    """What `licet init` is told in tests."""
    told = {
        "name": "Airfield",
        "legal_name": "Airfield Records Ltd",
        "contact": "data@airfield.example",
        "site": "https://airfield.example",
        "administrator": "ada@airfield.example",
        "trial": True,
        "base_url": f"http://127.0.0.1:{port}",
        "port": port,
    }
    return Answers(**(told | changed))  # type: ignore[arg-type]  # the names are the fields'


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation that `licet init` made once; tests copy it."""
    folder = tmp_path_factory.mktemp("made")
    initialise(folder, answers(free_port()))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """An installation of this test's own, with a dataset of three trees."""
    copy = tmp_path / "airfield"
    shutil.copytree(made, copy)
    (copy / "trees.csv").write_text(TREES)
    with (copy / "licet.toml").open("a") as file:
        file.write(SECTION)
    return copy


@pytest.fixture
def licet(monkeypatch: pytest.MonkeyPatch) -> Licet:
    """Runs the command in a folder, with what is typed and settings of the environment; in this process, because starting one takes seconds."""

    def run(folder: Path, *words: str, typed: str = "", **environ: str) -> Ended:
        out, err, before = io.StringIO(), io.StringIO(), (sys.argv, sys.stdin)
        with monkeypatch.context() as changed, contextlib.chdir(folder), redirect_stdout(out), redirect_stderr(err):
            for name, value in ({"COLUMNS": "200"} | environ).items():
                changed.setenv(name, value)
            try:
                sys.argv, sys.stdin = ["licet", *words], io.StringIO(typed)
                main()
            except SystemExit as end:
                return Ended(end.code if isinstance(end.code, int) else 0, out.getvalue(), err.getvalue())
            finally:
                sys.argv, sys.stdin = before
        raise AssertionError("a command that ends without an exit code")

    return run
