"""The embedded engine takes no more memory than it may; what is larger goes through files, and is answered all the same."""

from __future__ import annotations

from pathlib import Path

from contracts.datasets.engines.chosen import ChosenEngines
from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.load import build
from contracts.deliveries.ordinals import Ordinals
from tests.harness.data import post, settings_for, write_posts

NUMBERS = 1_500_000


def test_what_is_larger_than_the_memory_is_answered_through_files_under_home(tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.csv", [post(number) for number in range(5)])
    settings = settings_for(tmp_path).model_copy(update={"engine_memory": "64MB"})
    build(settings.home, "posts", settings.datasets["posts"], None, Ordinals(), "v1-a")

    def sorted_numbers(records: str, where: str) -> str:
        return f"SELECT i, md5(i::VARCHAR) AS m FROM range({NUMBERS}) n(i), {records} r WHERE r._pos = 0 AND {where} ORDER BY m OFFSET {NUMBERS - 2}"

    engine = DuckEngine(settings.home, memory=settings.engine_memory)
    assert len(engine.select("posts", "v1-a", (), sorted_numbers, ((), ()))) == 2
    assert (settings.home / "spilled").exists()


def test_the_engine_of_pages_keeps_to_the_setting(tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.csv", [post(number) for number in range(5)])
    settings = settings_for(tmp_path).model_copy(update={"engine_memory": "64MB"})
    build(settings.home, "posts", settings.datasets["posts"], None, Ordinals(), "v1-a")
    engine = ChosenEngines(settings)._files
    told = engine.select("posts", "v1-a", (), lambda records, _: f"SELECT current_setting('memory_limit') FROM {records} LIMIT 1", ((), ()))
    assert told == [("61.0 MiB",)]
