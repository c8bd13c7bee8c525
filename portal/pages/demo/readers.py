"""The tour's clients, kept beside `demo.json` so that a demo that was stopped and started can go on with its tour."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from portal.pages.demo.exchange import Reader


class Readers:
    """Clients by contract, in one file that only its owner reads: it holds secrets, if only the demo's."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, contract_id: str) -> Reader | None:
        """The client of a contract, if the tour made one."""
        known = self._known().get(contract_id)
        return Reader(**known) if known else None

    def keep(self, contract_id: str, reader: Reader) -> Reader:
        """Keep a client; the earlier ones stay."""
        text = json.dumps(self._known() | {contract_id: asdict(reader)}, indent=1)
        with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            handle.write(text)
        return reader

    def _known(self) -> dict[str, dict[str, str]]:
        if not self._file.exists():
            return {}
        known: dict[str, dict[str, str]] = json.loads(self._file.read_text(encoding="utf-8"))
        return known
