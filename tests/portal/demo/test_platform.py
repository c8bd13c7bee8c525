"""The invented platform: the same every time, plausible, and honest about who objects."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from contracts.settings import Settings
from portal.demo.datasets import demo_datasets
from portal.demo.platform import FIRST, LAST, POST_COLUMNS, DemoPlatform, generate

SIZE = {"posts": 8_000, "authors": 300}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("platform")
    generate(made, **SIZE, smallest=3)
    return made


def rows(query: str, file: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(":memory:") as connection:
        return connection.execute(query, [str(file)]).fetchall()


def test_a_post_is_known_by_its_number_alone() -> None:
    assert DemoPlatform(7).post(4_711) == DemoPlatform(7).post(4_711)
    assert DemoPlatform(7).post(4_711) != DemoPlatform(8).post(4_711)


@pytest.mark.parametrize("number", [0, -1, 8_001])
def test_there_is_no_such_post_or_author(number: int) -> None:
    platform = DemoPlatform(**SIZE)
    assert (platform.post(number), platform.author(number)) == (None, None)


def test_the_same_seed_writes_the_same_rows(folder: Path, tmp_path: Path) -> None:
    again = generate(tmp_path, **SIZE, smallest=3)
    assert [file.name for file in again] == ["posts.parquet", "topics.parquet"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["posts.parquet", "topics.parquet"]
    for file in again:
        assert rows("SELECT * FROM read_parquet(?)", file) == rows("SELECT * FROM read_parquet(?)", folder / file.name)


def test_the_file_holds_what_the_site_shows(folder: Path) -> None:
    post = DemoPlatform(**SIZE).post(99)
    assert post is not None
    found = rows("SELECT * FROM read_parquet(?) WHERE id = '99'", folder / "posts.parquet")
    author = post.author
    assert [dict(zip(POST_COLUMNS, found[0], strict=True))] == [
        {
            "id": "99",
            "author_id": author.id,
            "author_handle": author.handle,
            "created_at": post.created_at.replace(tzinfo=None),
            "lang": author.lang,
            "country": author.country,
            "topic": post.topic,
            "text": post.text,
            "likes": post.likes,
            "reposts": post.reposts,
            "is_deleted": post.is_deleted,
            "author_objects": author.objects,
        }
    ]


def test_posts_are_in_order_of_time_and_leave_no_slot_unfilled(folder: Path) -> None:
    posts = list(DemoPlatform(**SIZE).all_posts())
    assert [post.created_at for post in posts] == sorted(post.created_at for post in posts)
    assert FIRST <= posts[0].created_at < posts[-1].created_at < LAST
    assert not [post.text for post in posts if "{" in post.text or "}" in post.text]


def test_every_language_and_topic_occurs_and_some_rows_must_be_left_out(folder: Path) -> None:
    counted = rows(
        "SELECT count(*), count(DISTINCT id), count(DISTINCT lang), count(DISTINCT topic), count(DISTINCT country) > 12,"
        " mean(is_deleted::INT) BETWEEN 0.01 AND 0.05, mean(author_objects::INT) BETWEEN 0.005 AND 0.1 FROM read_parquet(?)",
        folder / "posts.parquet",
    )
    assert counted == [(8_000, 8_000, 8, 8, True, True, True)]


def test_the_weekly_counts_tell_of_shareable_posts_and_of_no_small_group(folder: Path) -> None:
    cells = Counter(
        (post.created_at.isocalendar()[:2], post.author.country, post.topic)
        for post in DemoPlatform(**SIZE).all_posts()
        if post.is_shown and not post.author.objects
    )
    large = sorted(count for count in cells.values() if count >= 3)
    assert large
    assert [row[0] for row in rows("SELECT posts FROM read_parquet(?) ORDER BY posts", folder / "topics.parquet")] == large


def test_an_authors_posts_are_that_authors() -> None:
    platform = DemoPlatform(**SIZE)
    author = platform.author(3)
    assert author is not None
    numbers = platform.posts_by(author)
    assert numbers == [post.number for post in platform.all_posts() if post.author == author]


def test_threads_do_not_disturb_each_other() -> None:
    platform, expected = DemoPlatform(**SIZE), [DemoPlatform(**SIZE).post(number) for number in range(1, 200)]
    seen: list[list[object]] = [[] for _ in range(4)]

    def read(into: list[object]) -> None:
        into.extend(platform.post(number) for number in range(1, 200))

    threads = [Thread(target=read, args=(each,)) for each in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 4


def test_the_datasets_are_settings_over_the_files(folder: Path) -> None:
    described = Settings.model_validate({"profile": "demo", "datasets": demo_datasets(folder)}).datasets
    for name, dataset in described.items():
        columns = {row[0] for row in rows("DESCRIBE SELECT * FROM read_parquet(?)", Path(dataset.location))}
        marks = {mark for mark in (dataset.deleted, dataset.objects) if mark}
        assert (name, columns) == (name, set(dataset.fields) | marks)


def test_the_platforms_days_are_fixed() -> None:
    assert (datetime(2024, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)) == (FIRST, LAST)
