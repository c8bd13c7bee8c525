"""The schema's version: bring it up to date, or say that it is not."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from contracts.errors import Misconfigured

_SCRIPTS = Path(__file__).parent.parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Run every migration that the database has not had."""
    with engine.execution_options(licet_begin="IMMEDIATE").begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_current(engine: Engine) -> None:
    """Raise `Misconfigured` where the database is not at this program's version."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if found != head:
        raise Misconfigured("database", f"is at version {found or 'none'}, the program at {head}.", "Run `licet migrate`.")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
