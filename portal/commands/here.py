"""Which installation a command means that is given in a folder: the settings file's, or the demo's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from contracts.errors import Misconfigured
from contracts.gate.settings import Gate
from contracts.settings import Billing, DatasetSettings, Mail, Platform, Settings, load
from portal.demo.datasets import demo_datasets

HOME = Path(".licet")


def settings_of(home: Path, port: int) -> Settings:
    """The demo's settings: this machine only, mail on a page, the gate enforcing."""
    site = f"http://127.0.0.1:{port + 1}"
    return Settings(
        profile="demo",
        home=home,
        base_url=f"http://127.0.0.1:{port}",
        port=port,
        ledger_name="agora.example/licet-demo",
        platform=Platform(name="Agora", legal_name="Agora Networks Ltd", contact="data-access@agora.example", site=site),
        mail=Mail(transport="mailbox", sender="data-access@agora.example"),
        billing=Billing(),
        gate=Gate(mode="enforce", anonymous_budget=120),
        datasets={name: DatasetSettings.model_validate(values) for name, values in demo_datasets(home / "platform").items()},
    )


def settings_here(config: Path | None) -> Settings:
    """The settings for a command given in this folder: the file's, or the demo's where only a demo is here.

    `Misconfigured` where there is neither, so that no command makes an installation out of defaults.
    """
    if config is None and not Path("licet.toml").exists():
        if (HOME / "demo.json").exists():
            return settings_of(HOME.resolve(), int(str(read_facts()["base_url"]).rsplit(":", 1)[1]))
        if not any(name.startswith("LICET_") for name in os.environ):
            raise Misconfigured("licet.toml", "is not in this folder.", "Go to your installation's folder, or make one here: `licet init`.")
    return load(config)


def read_facts() -> dict[str, Any]:
    """`.licet/demo.json`; `Misconfigured` where no demo was made here."""
    file = HOME / "demo.json"
    if not file.exists():
        raise Misconfigured("demo", "was not made in this folder.", "Run `make demo` first.")
    facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return facts
