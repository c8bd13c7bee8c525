"""`licet doctor`: checks a configuration and says what is wrong, where, and how to mend it."""

from __future__ import annotations

import smtplib
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from contracts.datasets.describe import columns_of
from contracts.errors import LicetError, Misconfigured
from contracts.keys import KeyRing, Purpose, master_key, newest
from contracts.settings import DatasetSettings, Settings, load
from contracts.store.engine import check_durable, open_engine
from contracts.store.schema import check_current
from contracts.store.unit import Store
from portal.serve import clock_of


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: fine, or where it hurts, what is wrong and how to mend it."""

    where: str
    fine: bool
    problem: str = ""
    mend: str = ""


def examine(config: Path | None = None) -> list[Finding]:
    """Every check that can run; a broken settings file ends the examination."""
    try:
        settings = load(config)
    except Misconfigured as error:
        return [Finding(error.where, False, error.problem, error.mend)]
    findings = [Finding("settings", True)]
    findings += _checked("master key", lambda: _check_master_key(settings))
    findings += _database(settings)
    findings += _mail(settings)
    findings += _datasets(settings)
    return findings


def _checked(where: str, check: Callable[[], object]) -> list[Finding]:
    try:
        check()
    except Misconfigured as error:
        return [Finding(error.where, False, error.problem, error.mend)]
    except (LicetError, SQLAlchemyError, OSError) as error:
        return [Finding(where, False, f"{type(error).__name__}: {error}.", "See the message.")]
    return [Finding(where, True)]


def _check_master_key(settings: Settings) -> None:
    KeyRing(master_key(settings))
    file = settings.home / "master.key"
    if settings.master_key is None and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misconfigured("master key", f"{file.name} can be read by others.", f"Run `chmod 600 {file.name}` under home.")


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        engine = open_engine(settings.database_url)
    except Misconfigured as error:
        yield Finding(error.where, False, error.problem, error.mend)
        return
    for where, check in (("database durability", check_durable), ("database version", check_current)):
        yield from _checked(where, partial(check, engine))
    yield from _checked("stored keys", lambda: _open_stored_keys(engine, settings))
    engine.dispose()


def _open_stored_keys(engine: Engine, settings: Settings) -> None:
    keys = KeyRing(master_key(settings))
    with Store(engine, clock_of(settings)).read() as session:
        for purpose in (Purpose.TOKEN, Purpose.SEAL, Purpose.LEDGER):
            row = newest(session, purpose)
            if row is None:
                raise Misconfigured("stored keys", f"there is no {purpose.value} key.", "Run `licet migrate`.")
            keys.open(row)


def _mail(settings: Settings) -> Iterator[Finding]:
    mail = settings.mail
    if mail.transport == "none":
        yield Finding(
            "mail",
            False,
            "no mail leaves, so partners cannot confirm their addresses.",
            'Set mail.transport = "smtp" with host, port, username and password.',
        )
    elif mail.transport == "smtp":
        yield from _checked("mail", lambda: _greet(mail.host, mail.port))
    else:
        yield Finding("mail", True)


def _greet(host: str, port: int) -> None:
    try:
        with smtplib.SMTP(host, port, timeout=5) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        raise Misconfigured("mail", f"{host}:{port} does not answer ({error}).", "Check mail.host and mail.port.") from error


def _datasets(settings: Settings) -> Iterator[Finding]:
    if not settings.datasets:
        yield Finding(
            "datasets",
            False,
            "none is described, so there is nothing to apply for.",
            "Run `licet dataset describe FILE` and paste what it prints into licet.toml.",
        )
    for name, dataset in settings.datasets.items():
        yield from _checked(f"dataset {name}", partial(_check_dataset, name, dataset))


def _check_dataset(dataset_id: str, dataset: DatasetSettings) -> None:
    columns = columns_of(Path(dataset.location))
    wanted = [
        *(field.column or name for name, field in dataset.fields.items()),
        *(column for column in (dataset.deleted, dataset.objects) if column),
    ]
    if missing := [column for column in wanted if column not in columns]:
        raise Misconfigured(
            f"dataset {dataset_id}",
            f"the file has no column {missing[0]!r}; it has {', '.join(columns)}.",
            "Correct the field's name, or name its column, in licet.toml.",
        )
