"""`licet init`: a real installation in one folder: licet.toml, fresh keys, a database, the first administrator's link."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import Misconfigured
from contracts.keys import KeyRing, Purpose, master_key
from contracts.people.service import first_administrator_link
from contracts.settings import Settings, load, write_master_key
from contracts.store.engine import open_engine
from contracts.store.schema import upgrade
from contracts.store.unit import Store, Unit
from portal.serve import clock_of


@dataclass(frozen=True, slots=True)
class Answers:
    """What `licet init` asks."""

    name: str
    legal_name: str
    contact: str
    site: str
    base_url: str
    trial: bool


TEMPLATE = """\
# Licet's settings. Every one of them is explained in docs/reference/settings.md; an unknown one is an error.
profile = {profile}
base_url = {base_url}
port = {port}

[platform]
name = {name}
legal_name = {legal_name}
contact = {contact}
site = {site}

[mail]
{mail}

# Datasets: `licet dataset describe FILE` prints a section for a file of yours; paste it below.
"""

TRIAL_MAIL = 'transport = "mailbox"  # mail stays on this machine and is shown at /mailbox; production uses smtp'
REAL_MAIL = 'transport = "none"  # set to "smtp" with host, port, username and password; until then links are shown to staff'


def write(folder: Path, answers: Answers, port: int) -> Path:
    """Write `licet.toml` and the master key; `Misconfigured` where the file is there already."""
    file = folder / "licet.toml"
    if file.exists():
        raise Misconfigured(str(file), "is there already.", "Edit it, or run `licet init` in another folder.")
    values = {
        "profile": "trial" if answers.trial else "production",
        "base_url": answers.base_url,
        "name": answers.name,
        "legal_name": answers.legal_name,
        "contact": answers.contact,
        "site": answers.site,
    }
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    file.write_text(TEMPLATE.format(**quoted, port=port, mail=TRIAL_MAIL if answers.trial else REAL_MAIL), encoding="utf-8")
    write_master_key(folder / ".licet")
    return file


def prepare(settings: Settings) -> None:
    """Bring the database to this version and make the keys that every installation needs. Harmless to repeat."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = open_engine(settings.database_url)
    upgrade(engine)
    keys = KeyRing(master_key(settings))
    with Store(engine, clock_of(settings), settings.node).write("init") as unit:
        make_keys(unit, keys)
    engine.dispose()


def make_keys(unit: Unit, keys: KeyRing) -> None:
    """Token, seal, ledger, cursor, session and index keys."""
    for purpose in (Purpose.TOKEN, Purpose.SEAL, Purpose.LEDGER, Purpose.CURSOR, Purpose.SESSION, Purpose.INDEX):
        keys.ensure(unit, purpose)


def administrator_link(settings: Settings) -> str:
    """A fresh one-time link for the first administrator."""
    engine = open_engine(settings.database_url)
    with Store(engine, clock_of(settings), settings.node).write("init") as unit:
        link = first_administrator_link(unit, settings)
    engine.dispose()
    return link


def initialise(folder: Path, answers: Answers, port: int) -> tuple[Path, str]:
    """The whole of `licet init`; returns the settings file and the administrator's link."""
    file = write(folder, answers, port)
    settings = load(file)
    prepare(settings)
    return file, administrator_link(settings)
