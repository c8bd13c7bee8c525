"""Loading datasets: what is served, ordinals that last, sources of each kind, and what a bad one says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from contracts.clock import FixedClock
from contracts.datasets import database
from contracts.datasets.catalogue import Catalogue, Version
from contracts.datasets.files import folder_of, version_file
from contracts.datasets.load import AFTER_SECONDS, discard_old, keys_of, ordinal_of, refresh
from contracts.datasets.source import survey
from contracts.deliveries.ordinals import Ordinals
from contracts.errors import Misconfigured, Refused
from contracts.settings import Settings
from contracts.store import epochs
from contracts.store.unit import Store
from tests.harness.cast import events
from tests.harness.data import FIELDS, post, served, settings_for, write_posts, write_table

POSTS = [post(number) for number in range(60)]


def current(store: Store, settings: Settings) -> Version:
    found = Catalogue(settings, store).version_of("posts")
    assert found is not None
    return found


def table(settings: Settings, version: str, name: str = "record") -> list[dict[str, Any]]:
    with duckdb.connect(str(version_file(settings.home, "posts", version)), read_only=True) as connection:
        found = connection.execute(f"SELECT * FROM {name}")
        columns = [each[0] for each in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def load(store: Store, folder: Path, posts: list[dict[str, Any]]) -> tuple[Settings, str]:
    write_posts(folder / "posts.csv", posts)
    settings = settings_for(folder)
    return settings, refresh(store, settings, "posts")


def test_deleted_and_objecting_rows_are_kept_out_and_counted(store: Store, tmp_path: Path) -> None:
    settings, version = load(store, tmp_path, POSTS)
    rows = table(settings, version)
    assert [row["id"] for row in rows] == [row["id"] for row in served(POSTS)]
    assert [row["_pos"] for row in rows] == list(range(len(rows)))
    found = current(store, settings)
    assert (found.version, found.records, found.deleted, found.objecting, found.ordinals) == (version, len(rows), 6, 5, 60)
    whole = version_file(settings.home, "posts", version).read_bytes()
    assert not any(POSTS[number]["text"].encode() in whole for number in (0, 10, 11))
    assert events(store) == ["dataset.refreshed"]
    with store.engine.connect() as connection:
        assert epochs.current(connection).grants == 1


def test_ordinals_stay_with_a_record_and_are_never_given_twice(store: Store, tmp_path: Path) -> None:
    settings, _ = load(store, tmp_path, POSTS[:40])
    before = {post["id"]: ordinal_of(settings, current(store, settings), post["id"]) for post in POSTS[:40]}
    load(store, tmp_path, POSTS[20:50])
    load(store, tmp_path, POSTS)
    version = current(store, settings)
    after = {post["id"]: ordinal_of(settings, version, post["id"]) for post in POSTS}
    assert {name: after[name] for name in before} == before
    assert sorted(after.values(), key=str) == sorted(range(60), key=str)
    assert ordinal_of(settings, version, "nobody") is None
    assert keys_of(settings, version, Ordinals([after["0007"] or 0, after["0055"] or 0])) == ["0007", "0055"]


@pytest.mark.parametrize("kind", ["parquet", "ndjson"])
def test_other_kinds_of_files_hold_the_same_records(sqlite_store: Store, tmp_path: Path, kind: str) -> None:
    settings, version = load(sqlite_store, tmp_path, POSTS)
    expected = table(settings, version)
    file = tmp_path / f"posts.{kind}"
    if kind == "ndjson":
        file.write_text("\n".join(json.dumps(post) for post in POSTS), encoding="utf-8")
    else:
        with duckdb.connect() as connection:
            types = "types = {'id': 'VARCHAR', 'created_at': 'TIMESTAMPTZ'}"
            connection.execute(f"COPY (SELECT * FROM read_csv('{tmp_path}/posts.csv', {types})) TO '{file}' (FORMAT parquet)")
    other = settings_for(tmp_path, location=str(file))
    assert table(other, refresh(sqlite_store, other, "posts")) == expected


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_table_of_another_database_holds_the_same_records(
    request: pytest.FixtureRequest, sqlite_store: Store, tmp_path: Path, kind: str
) -> None:
    settings, version = load(sqlite_store, tmp_path, POSTS)
    expected = table(settings, version)
    url = f"sqlite:///{tmp_path / 'site.db'}" if kind == "sqlite" else request.getfixturevalue("new_postgres")
    write_table(url, POSTS)
    other = settings_for(tmp_path, location="", source=url, table="site_posts")
    assert table(other, refresh(sqlite_store, other, "posts")) == expected
    assert survey("posts", other.datasets["posts"]) == 60
    assert sorted(file.suffix for file in folder_of(settings.home, "posts").iterdir()) == [".duckdb", ".duckdb", ".lines", ".lines"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"table": "nothing"}, "has no table nothing"),
        ({"fields": {**FIELDS, "shoe_size": {"type": "integer"}}}, "has no column 'shoe_size'; it has id, author_id"),
        ({"source": "sqlite:////nowhere/site.db"}, "SQLite file is not there"),
        ({"source": "nothing://"}, "is not an address that can be opened"),
        ({"fields": {**FIELDS, "text": {"type": "integer"}}}, "cannot be loaded"),
    ],
)
def test_a_database_that_does_not_fit_says_why_and_is_never_written(
    sqlite_store: Store, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    write_table(f"sqlite:///{tmp_path / 'site.db'}", POSTS)
    before = (tmp_path / "site.db").read_bytes()
    settings = settings_for(tmp_path, location="", **{"source": f"sqlite:///{tmp_path / 'site.db'}", "table": "site_posts", **changes})
    with pytest.raises(Misconfigured, match=says):
        refresh(sqlite_store, settings, "posts")
    assert list(folder_of(settings.home, "posts").iterdir()) == []
    assert (tmp_path / "site.db").read_bytes() == before


def test_a_load_cannot_write_into_the_database_that_it_reads(tmp_path: Path, new_postgres: str) -> None:
    for url in (f"sqlite:///{tmp_path / 'site.db'}", new_postgres):
        write_table(url, POSTS[:2])
        described = settings_for(tmp_path, location="", source=url, table="site_posts").datasets["posts"]
        with pytest.raises(Misconfigured, match=r"readonly|read-only"), database.reading("posts", described) as connection:
            connection.exec_driver_sql("DELETE FROM site_posts")


def test_a_field_may_name_its_column(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("Key,When\n1,2026-01-01T00:00:00+02:00\n2,\n", encoding="utf-8")
    fields = {"id": {"type": "integer", "column": "Key"}, "at": {"type": "timestamp", "column": "When"}}
    changes: dict[str, Any] = {"time": "at", "subject": None, "deleted": None, "objects": None, "fields": fields}
    settings = settings_for(tmp_path, **changes)
    rows = table(settings, refresh(sqlite_store, settings, "posts"))
    assert [(row["id"], str(row["at"])) for row in rows] == [(2, "None"), (1, "2025-12-31 22:00:00")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,created_at\n1,2026-01-01\n1,2026-01-02\n", "two rows have the id"),
        ("id,created_at\n,2026-01-01\n", "a row has no id"),
        ("id,created_at\n1,yesterday\n", "cannot be loaded"),
        ("id\n1\n", "has no column 'created_at'"),
    ],
)
def test_a_source_that_does_not_fit_says_why_and_leaves_the_version_before(
    sqlite_store: Store, tmp_path: Path, text: str, says: str
) -> None:
    fields = {"id": {"type": "string"}, "created_at": {"type": "timestamp"}}
    settings = settings_for(tmp_path, subject=None, deleted=None, objects=None, fields=fields)
    (tmp_path / "posts.csv").write_text("id,created_at\n1,2026-01-01\n", encoding="utf-8")
    version = refresh(sqlite_store, settings, "posts")
    (tmp_path / "posts.csv").write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=says):
        refresh(sqlite_store, settings, "posts")
    assert current(sqlite_store, settings).version == version
    assert sorted(file.name for file in folder_of(settings.home, "posts").iterdir()) == [f"{version}.duckdb", f"{version}.lines"]


def test_of_two_refreshes_at_once_one_is_told_to_run_again(store: Store, tmp_path: Path) -> None:
    settings, _ = load(store, tmp_path, POSTS)
    with pytest.raises(Refused) as refused:
        refresh(store, settings, "posts", before_current=lambda _: str(refresh(store, settings, "posts")) and None)
    assert refused.value.refusal.code == "changed_meanwhile"
    assert events(store) == ["dataset.refreshed"] * 2


def test_an_unknown_dataset_is_not_found(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        refresh(sqlite_store, settings_for(tmp_path), "nothing")
    assert refused.value.refusal.code == "not_found"


def test_old_versions_are_removed(sqlite_store: Store, tmp_path: Path) -> None:
    names = [load(sqlite_store, tmp_path, POSTS[: 10 + number])[1] for number in range(4)]
    files = sorted(file.name for file in folder_of(tmp_path / "home", "posts").iterdir())
    assert f"{names[-1]}.duckdb" in files and [name.partition(".")[2] for name in files] == ["duckdb", "lines"] * 2


def test_where_no_dataset_was_loaded_nothing_is_removed(sqlite_store: Store, tmp_path: Path) -> None:
    assert discard_old(sqlite_store, tmp_path) == 0


def test_the_version_before_goes_once_no_request_can_be_on_it(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    settings, before = load(sqlite_store, tmp_path, POSTS[:10])
    clock.advance(seconds=AFTER_SECONDS)
    _, now = load(sqlite_store, tmp_path, POSTS[:20])

    def files() -> set[str]:
        return {file.name for file in folder_of(settings.home, "posts").iterdir()}

    lasting = {f"{now}.duckdb", f"{now}.lines"}
    assert (discard_old(sqlite_store, settings.home), files()) == (0, {f"{before}.duckdb", f"{before}.lines"} | lasting)
    clock.advance(seconds=AFTER_SECONDS - 1)
    assert discard_old(sqlite_store, settings.home) == 0
    clock.advance(seconds=1)
    assert (discard_old(sqlite_store, settings.home), files()) == (2, lasting)
    assert discard_old(sqlite_store, settings.home) == 0


def test_samples_are_invented(sqlite_store: Store, tmp_path: Path) -> None:
    settings, _ = load(sqlite_store, tmp_path, POSTS)
    found = Catalogue(settings, sqlite_store).get("posts")
    assert found is not None
    assert [row["id"] for row in found.samples()] == ["invented-1", "invented-2"]
    assert Catalogue(settings, sqlite_store).get("nothing") is None
