"""DuckDB's version files stay attached as long as somebody reads them, however far a reader lags behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.files import version_file
from contracts.datasets.load import build
from contracts.datasets.plan import Column, Plan
from contracts.deliveries.ordinals import Ordinals
from contracts.errors import Refused
from tests.harness.data import post, served, settings_for, write_posts

VERSIONS = ["v1-a", "v2-b", "v3-c", "v4-d"]
POSTS = [post(number) for number in range(20)]


def test_a_version_that_is_read_is_not_let_go_for_those_that_laggards_ask_for(tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.csv", POSTS)
    settings = settings_for(tmp_path)
    for name in VERSIONS:
        build(settings.home, "posts", settings.datasets["posts"], None, Ordinals(), name)
    version_file(settings.home, "posts", "v1-a").unlink()
    engine = DuckEngine(settings.home)

    def page(version: str) -> int:
        return len(engine.page(Plan("posts", version, "ctr_1", (Column("lang", "string"),), (), 100)).rows)

    def meanwhile(records: str, where: str) -> str:
        with pytest.raises(Refused):
            page("v1-a")
        assert [page(each) for each in ("v3-c", "v2-b", "v3-c")] == [len(served(POSTS))] * 3
        return f"SELECT count(*) FROM {records} WHERE {where}"

    assert engine.select("posts", "v4-d", (), meanwhile, ((), ())) == [(len(served(POSTS)),)]
    assert [page(each) for each in VERSIONS[1:]] == [len(served(POSTS))] * 3
