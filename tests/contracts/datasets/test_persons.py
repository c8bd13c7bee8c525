"""The records of a person, by any name that the dataset's settings give, in every way that a dataset is read; and after they are gone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlmodel import select

from contracts.datasets.catalogue import current_versions
from contracts.datasets.load import keys_of, refresh
from contracts.datasets.persons import names_of, people_of
from contracts.datasets.remembered import mark, remember, remembered
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.tables import PersonMark
from contracts.keys import KeyRing
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.contracts.deliveries.history import deliver
from tests.harness.data import FIELDS, post, served, settings_for, write_posts, write_table

POSTS = [post(number) for number in range(60)]
KEYS = KeyRing(bytes(range(32)))


def found(store: Store, settings: Settings, typed: str) -> dict[str, list[str]]:
    """The own ids of the records of everyone who is meant."""
    with store.read() as session:
        version = current_versions(session.connection(), ["posts"])["posts"]
    return {each: sorted(keys_of(settings, version, ordinals)) for each, ordinals in people_of(settings, version, typed).items()}


def loaded(store: Store, folder: Path, **changes: object) -> Settings:
    settings = settings_for(folder, **changes)
    refresh(store, settings, "posts")
    return settings


def of(person: str, posts: list[dict[str, object]]) -> list[str]:
    return sorted(str(each["id"]) for each in posts if each["author_id"] == person)


def test_of_a_loaded_version_those_that_it_serves(sqlite_store: Store, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.csv", POSTS)
    settings = loaded(sqlite_store, tmp_path)
    assert found(sqlite_store, settings, "a3") == {"a3": of("a3", served(POSTS))}
    assert found(sqlite_store, settings, "a3' OR ''='") == {}


@pytest.mark.parametrize("kind", ["sqlalchemy", "postgresql"])
def test_in_place_those_that_were_numbered(request: pytest.FixtureRequest, sqlite_store: Store, tmp_path: Path, kind: str) -> None:
    url = f"sqlite:///{tmp_path / 'site.db'}" if kind == "sqlalchemy" else request.getfixturevalue("new_postgres")
    write_table(url, POSTS)
    place = {"location": "", "engine": kind, "source": url, "table": "site_posts"}
    settings = loaded(sqlite_store, tmp_path, found_by=["author_handle"], **place)
    assert found(sqlite_store, settings, "a3") == {"a3": of("a3", POSTS)}
    assert found(sqlite_store, settings, "person3") == {"a3": of("a3", POSTS)}


@pytest.mark.parametrize("changes", [{"subject": None}, {"subject": "likes", "fields": FIELDS}])
def test_nobody_where_there_is_no_such_person(sqlite_store: Store, tmp_path: Path, changes: dict[str, object]) -> None:
    write_posts(tmp_path / "posts.csv", POSTS)
    assert found(sqlite_store, loaded(sqlite_store, tmp_path, **changes), "a3") == {}


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("keen_fern", ["keen_fern", "@keen_fern"]),
        ("@keen_fern", ["@keen_fern", "keen_fern"]),
        (
            "https://site.example/people/keen_fern",
            ["https://site.example/people/keen_fern", "@https://site.example/people/keen_fern", "keen_fern"],
        ),
        ("/people/keen_fern/?tab=all", ["/people/keen_fern/?tab=all", "@/people/keen_fern/?tab=all", "keen_fern"]),
        ("https://other.example/people/keen_fern", ["https://other.example/people/keen_fern", "@https://other.example/people/keen_fern"]),
        ("@", ["@"]),
    ],
)
def test_a_handle_and_the_address_of_a_page_name_a_person(tmp_path: Path, typed: str, names: list[str]) -> None:
    described = settings_for(tmp_path, found_by=["author_handle"], profile="/people/{author_handle}").datasets["posts"]
    assert names_of(described, "https://site.example/", typed) == names


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"found_by": ["nothing"]}, "which the dataset does not have"),
        ({"found_by": ["lang"], "subject": None}, "subject"),
        ({"profile": "/people/{likes}"}, "one field of subject or found_by"),
        ({"profile": "/people"}, "one field of subject or found_by"),
    ],
)
def test_settings_that_lead_nowhere_are_refused(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings_for(tmp_path, **changes)


def test_who_is_gone_is_found_by_every_name_and_no_name_is_kept(store: Store, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.csv", POSTS)
    settings = loaded(store, tmp_path, found_by=["author_handle"])
    with store.read() as session:
        version = current_versions(session.connection(), ["posts"])["posts"]
    mine = people_of(settings, version, "a3")["a3"]
    for _ in range(2):
        assert remember(store, KEYS, settings, version, mine) == 2 * len(mine)
    with store.read() as session:
        assert remembered(session, KEYS, "posts", ["a3"]) == {mark(KEYS, "posts", "a3"): mine}
        assert remembered(session, KEYS, "posts", ["@person3"]) == {mark(KEYS, "posts", "a3"): mine}
        assert remembered(session, KeyRing(bytes(32)), "posts", ["a3"]) == remembered(session, KEYS, "other", ["a3"]) == {}
        kept = session.exec(select(PersonMark)).all()
    assert {len(each.mark) for each in kept} == {len(each.person) for each in kept} == {32}


def test_a_refresh_remembers_whom_it_takes_away_where_somebody_holds_the_record(sqlite_store: Store, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.csv", POSTS)
    settings = loaded(sqlite_store, tmp_path)
    with sqlite_store.read() as session:
        version = current_versions(session.connection(), ["posts"])["posts"]
    mine, others = people_of(settings, version, "a3")["a3"], people_of(settings, version, "a4")["a4"]
    deliver(sqlite_store, "ctr_lab", "posts", [mine[0]])
    write_posts(tmp_path / "posts.csv", [each for each in POSTS if each["author_id"] not in ("a3", "a4")])
    refresh(sqlite_store, settings, "posts", before_gone=partial(remember, sqlite_store, KEYS, settings))
    assert found(sqlite_store, settings, "a3") == {} and others
    with sqlite_store.read() as session:
        assert remembered(session, KEYS, "posts", ["a3"]) == {mark(KEYS, "posts", "a3"): Ordinals([mine[0]])}
        assert remembered(session, KEYS, "posts", ["a4"]) == {}
