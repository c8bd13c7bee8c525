"""The database: one engine, the safe settings of SQLite and PostgreSQL, and refusal of unsafe ones.

An entry must be durable before its answer leaves (design rule 2), so SQLite runs with synchronous=FULL and PostgreSQL with
synchronous_commit=on; a store that says otherwise is refused at start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from contracts.errors import Misconfigured
from contracts.store.driver import run

_DURABLE = {"on", "remote_apply", "remote_write"}
# Values of a statement that failed are not told in its error, which is logged: mails with one-time links are among them.
_QUIET = {"hide_parameters": True}
MOST_PAGES = 4000
"""Pages of SQLite's write-ahead log (16 MB) at which a commit folds them into the file, where `contracts.store.write_ahead` has not."""
BUSY = 10_000
"""Milliseconds for which SQLite waits for another process's lock."""
_PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={MOST_PAGES}"),
    *("foreign_keys=ON", f"busy_timeout={BUSY}", "secure_delete=ON"),
)


def open_engine(url: str, subjects: Path | None = None) -> Engine:
    """An engine for `sqlite:///…` or `postgresql+psycopg://…`; other databases are refused.

    `subjects` is the folder of the keys that personal values in its ledger are sealed under, as every process over the database
    must name it; by default `subjects` beside an SQLite file.
    """
    try:
        engine = _opened(make_url(url))
    except ArgumentError as error:
        mend = "Use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, or leave it empty."
        raise Misconfigured("setting database", "is not an address of a database.", mend) from error
    if subjects is None and engine.name == "sqlite":
        subjects = Path(str(engine.url.database)).parent / "subjects"
    engine.update_execution_options(licet_subjects=subjects)
    return engine


def check_durable(engine: Engine) -> None:
    """Refuse a store that would confirm writes before they are safe, or that does not answer."""
    try:
        level, safe = _durability(engine)
    except DBAPIError as error:
        said = str(error.orig).splitlines()[0].rstrip(".")
        raise Misconfigured("database", f"cannot be opened: {said}.", "Check `database` and `home`, and that its server runs.") from error
    if not safe:
        raise Misconfigured(
            "setting database",
            f"the store confirms writes before they are durable ({level}).",
            "Set synchronous to FULL, or fsync and synchronous_commit to on.",
        )


def _durability(engine: Engine) -> tuple[str, bool]:
    """The level as the store says it, and whether it is safe."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            number = int(connection.execute(text("PRAGMA synchronous")).scalar_one())
            return str(number), number >= 2
        level = str(connection.execute(text("SHOW synchronous_commit")).scalar_one())
        return level, level in _DURABLE and connection.execute(text("SHOW fsync")).scalar_one() == "on"


def _opened(url: URL) -> Engine:
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql":
            return _postgresql(url)
        case backend:
            raise Misconfigured("setting database", f"{backend} is not supported.", "Use sqlite or postgresql+psycopg.")


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, pool_size=24, max_overflow=24, connect_args={"timeout": 10, "check_same_thread": False}, **_QUIET)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # SQLAlchemy must not let the driver open transactions: its implicit BEGIN is deferred and loses updates.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        mode = connection.get_execution_options().get("licet_begin", "DEFERRED")
        run(connection, f"BEGIN {mode}")  # as it is: SQLAlchemy would prepare it anew for each transaction

    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(url, pool_size=16, max_overflow=16, pool_pre_ping=True, connect_args={"options": "-c timezone=UTC"}, **_QUIET)
