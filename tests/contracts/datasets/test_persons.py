"""The records of a person, by the person's own id, in every way that a dataset is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.datasets.catalogue import current_versions
from contracts.datasets.load import keys_of, refresh
from contracts.datasets.persons import ordinals_of
from contracts.store.unit import Store
from tests.harness.data import FIELDS, post, served, settings_for, write_posts, write_table

POSTS = [post(number) for number in range(60)]


def found(store: Store, folder: Path, person: str, **changes: object) -> list[str]:
    """The own ids of the person's records."""
    settings = settings_for(folder, **changes)
    refresh(store, settings, "posts")
    with store.read() as session:
        version = current_versions(session.connection(), ["posts"])["posts"]
    return keys_of(settings, version, ordinals_of(settings, version, person))


def of(person: str, posts: list[dict[str, object]]) -> list[str]:
    return sorted(str(each["id"]) for each in posts if each["author_id"] == person)


def test_of_a_loaded_version_those_that_it_serves(sqlite_store: Store, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.csv", POSTS)
    assert sorted(found(sqlite_store, tmp_path, "a3")) == of("a3", served(POSTS))
    assert found(sqlite_store, tmp_path, "a3' OR ''='") == []


@pytest.mark.parametrize("kind", ["sqlalchemy", "postgresql"])
def test_in_place_those_that_were_numbered(request: pytest.FixtureRequest, sqlite_store: Store, tmp_path: Path, kind: str) -> None:
    url = f"sqlite:///{tmp_path / 'site.db'}" if kind == "sqlalchemy" else request.getfixturevalue("new_postgres")
    write_table(url, POSTS)
    assert sorted(found(sqlite_store, tmp_path, "a3", location="", engine=kind, source=url, table="site_posts")) == of("a3", POSTS)


@pytest.mark.parametrize("changes", [{"subject": None}, {"subject": "likes", "fields": FIELDS}])
def test_nobody_where_there_is_no_such_person(sqlite_store: Store, tmp_path: Path, changes: dict[str, object]) -> None:
    write_posts(tmp_path / "posts.csv", POSTS)
    assert found(sqlite_store, tmp_path, "a3", **changes) == []
