"""One process serves one SQLite home."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.settings import Settings
from portal.alone import alone, is_served


def test_a_second_process_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    settings = Settings(profile="test", home=tmp_path)
    assert is_served(tmp_path) is False
    with alone(settings):
        assert is_served(tmp_path) is True
        with pytest.raises(Misconfigured, match="is being served by another process"), alone(settings):
            pass
        assert is_served(tmp_path) is True
    assert is_served(tmp_path) is False
    with alone(settings):
        assert is_served(tmp_path) is True


def test_postgresql_may_be_served_by_several(tmp_path: Path) -> None:
    settings = Settings(profile="test", home=tmp_path, database="postgresql+psycopg://licet@127.0.0.1/licet")
    with alone(settings), alone(settings):
        assert is_served(tmp_path) is False
