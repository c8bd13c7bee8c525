"""`licet init`: a real installation in one folder: licet.toml, fresh keys, a database, the first administrator's link."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contracts import addresses
from contracts.errors import Misconfigured
from contracts.keys import KeyRing, Purpose, master_key
from contracts.ledger.values import seal_plain
from contracts.people.decide import name_problem, tidy
from contracts.people.links import LIFETIME, LinkKind
from contracts.people.service import first_administrator_link
from contracts.settings import Settings, load, write_master_key
from contracts.store.engine import check_durable, open_engine
from contracts.store.schema import upgrade
from contracts.store.unit import Store, Unit
from portal.ground import clock_of, door

FILE = "licet.toml"
HOME = ".licet"
_DRAFT = "licet.toml.draft"


@dataclass(frozen=True, slots=True)
class Answers:
    """What `licet init` asks. `administrator` is the address that the first administrator signs in with."""

    name: str
    legal_name: str
    contact: str
    site: str
    administrator: str
    trial: bool
    base_url: str
    port: int


# How long the first administrator's link lasts.
LINK_DAYS = LIFETIME[LinkKind.FIRST_ADMINISTRATOR].days

TEMPLATE = """\
# Licet's settings. docs/reference/settings.md explains every one of them; an unknown one is an error.
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

# Datasets: `licet dataset describe FILE >> licet.toml` adds a section for a file of yours.
"""

TRIAL_MAIL = 'transport = "mailbox"  # mail stays on this machine and is shown at /mailbox; production uses smtp'
REAL_MAIL = 'transport = "none"  # set to "smtp" with sender, host, port, username and password; until then links are shown to staff'


def check_free(folder: Path) -> None:
    """Raise `Misconfigured` where the folder holds an installation or a demo already."""
    if (folder / FILE).exists():
        raise Misconfigured(FILE, "is in this folder already.", "Edit it, or run `licet init` in another folder.")
    if (folder / HOME / ".demo").exists():
        raise Misconfigured(HOME, "in this folder is the demo's.", "Run `licet init` in a folder of its own.")
    if (folder / HOME / "licet.db").exists():
        raise Misconfigured(HOME, "in this folder has the database of an installation.", f"Put its {FILE} back, or use another folder.")


def check_port(port: int) -> None:
    """Raise `Misconfigured` where another program, such as a demo, has the port."""
    try:
        door("127.0.0.1", port).close()
    except Misconfigured as error:
        raise Misconfigured(error.where, error.problem, "End that program, or choose another port with --port.") from error


def named(typed: str) -> str:
    """A name in its kept form; ValueError with what is wrong, as a sentence."""
    return _kept(tidy(typed), lambda name: name_problem(name, "Write a name."))


def mail_address(typed: str) -> str:
    """A mail address in its kept form; ValueError with what is wrong."""
    return _kept(addresses.address(typed), addresses.address_problem)


def site_address(typed: str) -> str:
    """A site's address in its kept form; ValueError with what is wrong."""
    return _kept(addresses.site(typed), addresses.site_problem)


def initialise(folder: Path, answers: Answers) -> str:
    """The whole of `licet init`; returns the administrator's link. `licet.toml` is there only once everything else is."""
    check_free(folder)
    draft = folder / _DRAFT
    try:
        draft.write_text(text_of(answers), encoding="utf-8")
        settings = load(draft)
        write_master_key(settings.home)
        prepare(settings)
        link = administrator_link(settings, answers.administrator)
        draft.rename(folder / FILE)
    finally:
        draft.unlink(missing_ok=True)
    return link


def text_of(answers: Answers) -> str:
    """`licet.toml` for the answers."""
    values = {
        "profile": "trial" if answers.trial else "production",
        "base_url": answers.base_url,
        "name": answers.name,
        "legal_name": answers.legal_name,
        "contact": answers.contact,
        "site": answers.site,
    }
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    return TEMPLATE.format(**quoted, port=answers.port, mail=TRIAL_MAIL if answers.trial else REAL_MAIL)


def prepare(settings: Settings) -> None:
    """Bring the database to this version and make the keys that every installation needs. Harmless to repeat."""
    keys = KeyRing(master_key(settings))
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = open_engine(settings.database_url, settings.subject_folder)
    check_durable(engine)
    upgrade(engine)
    store = Store(engine, clock_of(settings), settings.node)
    seal_plain(store)
    with store.write("init") as unit:
        make_keys(unit, keys)
    engine.dispose()


def make_keys(unit: Unit, keys: KeyRing) -> None:
    """Token, seal, ledger, cursor, session and index keys."""
    for purpose in (Purpose.TOKEN, Purpose.SEAL, Purpose.LEDGER, Purpose.CURSOR, Purpose.SESSION, Purpose.INDEX):
        keys.ensure(unit, purpose)


def administrator_link(settings: Settings, email: str = "") -> str:
    """A fresh one-time link for the first administrator, to this address or the platform's contact; earlier links end."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    with Store(engine, clock_of(settings), settings.node).write("init") as unit:
        link = first_administrator_link(unit, settings, email)
    engine.dispose()
    return link


def _kept(kept: str, problem: Callable[[str], str]) -> str:
    if wrong := problem(kept):
        raise ValueError(wrong)
    return kept
