"""`licet gate off`: everyone passes again, and the ledger says that a command did it."""

from __future__ import annotations

import json
from pathlib import Path

from sqlmodel import select

from contracts.clock import SystemClock
from contracts.gate import mode
from contracts.ledger.tables import LedgerEntry
from contracts.settings import load
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.portal.commands.conftest import Licet


def test_off_restores_shadow_and_says_so(folder: Path, licet: Licet) -> None:
    with (folder / "licet.toml").open("a") as file:
        file.write('\n[gate]\nmode = "enforce"\n')
    settings = load(folder / "licet.toml", {})
    store = Store(open_engine(settings.database_url), SystemClock())
    with store.read() as session:
        assert mode.current(session, settings).mode == "enforce"
    ended = licet(folder, "gate", "off")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "The gate is in shadow: everyone is let through and recorded.\n", "")
    with store.read() as session:
        assert mode.current(session, settings).mode == "shadow"
        changes = [json.loads(each.leaf) for each in session.exec(select(LedgerEntry)).all()]
    assert [each["facts"] for each in changes if each["event"] == "gate.mode_changed"] == [{"before": "enforce", "after": "shadow"}]
