"""A demo of a test's own: a real `licet demo`, and commands in a second terminal beside it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.demo.story import MadeClient
from tests.harness.server import Licet, clean_environ, licet_command, start


@dataclass
class Demo:
    """A running demo in a folder of its own."""

    folder: Path
    port: int
    running: Licet

    @property
    def base_url(self) -> str:
        return self.running.base_url

    @property
    def facts(self) -> dict[str, Any]:
        """`.licet/demo.json`."""
        known: dict[str, Any] = json.loads((self.folder / ".licet" / "demo.json").read_text())
        return known

    def client(self, name: str) -> MadeClient:
        """A client of the demo's partners, by its name."""
        found = next(each for each in self.facts["clients"] if each["name"] == name)
        return MadeClient(name, found["client_id"], found["client_secret"], found["contract_id"], tuple(found["scopes"]))

    def entries_of(self, contract_id: str) -> list[tuple[str, str]]:
        """Event and decision of each integrated ledger entry of a contract, oldest first."""
        with closing(sqlite3.connect(f"file:{self.folder / '.licet' / 'licet.db'}?mode=ro", uri=True)) as store:
            return store.execute(
                'SELECT event, decision FROM ledger_search JOIN entry_kind ON entry_kind.id = kind WHERE contract_id = ? ORDER BY "index"',
                [contract_id],
            ).fetchall()

    def licet(self, *words: str) -> tuple[int, list[str]]:
        """A command of a second terminal in the demo's folder: its exit code and lines."""
        return command(self.folder, *words)


def command(folder: Path, *words: str, **environ: str) -> tuple[int, list[str]]:
    """A `licet` command in a folder: its exit code and what it printed."""
    ended = subprocess.run(
        licet_command(*words),
        cwd=folder,
        env=clean_environ({"COLUMNS": "200", **environ}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, (ended.stdout + ended.stderr).splitlines()


def start_demo(folder: Path, port: int, *words: str) -> Licet:
    """`licet demo` until it is ready."""
    return start(folder, ["demo", *words], {"PORT": str(port)}, port)
