"""The invented platform: posts by people who do not exist, the same in every run.

Each post and author is a function of the seed and a number, so that the dataset's files and the small site show the same ones
without sharing a database.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Any

from contracts.datasets.parquet import csv_to_parquet

SEED, POSTS, AUTHORS = 7, 200_000, 5_000
FIRST = datetime(2024, 11, 1, tzinfo=UTC)
LAST = datetime(2026, 11, 1, tzinfo=UTC)
SMALLEST_CELL = 10  # a weekly count below this could tell of single people, so the file of counts leaves it out

_OBJECTING, _DELETED = 0.03, 0.025
_LANGUAGES = {"en": 34, "de": 18, "fr": 12, "es": 12, "it": 8, "nl": 6, "pl": 5, "pt": 5}

_SPOKEN = [lang for lang, share in _LANGUAGES.items() for _ in range(share)]
_SIXTEEN = Struct("<16I")
Cells = dict[tuple[date, str, str], list[int]]

POST_COLUMNS = {
    "id": "VARCHAR",
    "author_id": "VARCHAR",
    "author_handle": "VARCHAR",
    "created_at": "TIMESTAMP",
    "lang": "VARCHAR",
    "country": "VARCHAR",
    "topic": "VARCHAR",
    "text": "VARCHAR",
    "likes": "INTEGER",
    "reposts": "INTEGER",
    "is_deleted": "BOOLEAN",
    "author_objects": "BOOLEAN",
}
TOPIC_COLUMNS = {"id": "VARCHAR", "week": "DATE", "country": "VARCHAR", "topic": "VARCHAR", "posts": "INTEGER", "likes": "INTEGER"}


@dataclass(frozen=True, slots=True)
class Author:
    """A person of the platform. `objects`: does not want posts shared with anyone."""

    number: int
    id: str
    handle: str
    lang: str
    country: str
    objects: bool


@dataclass(frozen=True, slots=True)
class Post:
    """One post. `id` is its number in words of the dataset: the site shows it at `/posts/{id}`."""

    number: int
    id: str
    author: Author
    created_at: datetime
    topic: str
    text: str
    likes: int
    reposts: int
    is_deleted: bool

    @property
    def is_shown(self) -> bool:
        """Whether the site still shows it."""
        return not self.is_deleted


class DemoPlatform:
    """The platform with a seed and a size; posts are numbered from 1 in order of time, authors from 1."""

    def __init__(self, seed: int = SEED, posts: int = POSTS, authors: int = AUTHORS) -> None:
        self.seed, self.posts, self.authors = seed, posts, authors
        self._phrases = _phrases()
        self._step = (LAST - FIRST).total_seconds() / posts
        self._all_authors = [self._make_author(number) for number in range(1, authors + 1)]

    def author(self, number: int) -> Author | None:
        """The author, or None where there is no such number."""
        return self._all_authors[number - 1] if 1 <= number <= self.authors else None

    def post(self, number: int) -> Post | None:
        """The post, or None where there is no such number."""
        return self._make_post(number) if 1 <= number <= self.posts else None

    def posts_by(self, author: Author) -> list[int]:
        """Numbers of the author's posts, oldest first."""
        return self._by_author.get(author.number, [])

    def all_posts(self) -> Iterator[Post]:
        """Every post in order of time."""
        return (self._make_post(number) for number in range(1, self.posts + 1))

    @cached_property
    def _by_author(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for number in range(1, self.posts + 1):
            found.setdefault(self._owner(self._draws("post", number)), []).append(number)
        return found

    def _draws(self, kind: str, number: int) -> Iterator[float]:
        # Sixteen numbers from 0 to 1 out of one hash: cheaper than seeding a generator for each post, and no state to share.
        digest = blake2b(f"{self.seed}/{kind}/{number}".encode()).digest()
        return (each / 2**32 for each in _SIXTEEN.unpack(digest))

    def _owner(self, draws: Iterator[float]) -> int:
        # A few people write most of what there is.
        return 1 + int(self.authors * next(draws) ** 2.2)

    def _make_author(self, number: int) -> Author:
        draws = self._draws("author", number)
        lang = _pick(draws, _SPOKEN)
        words = self._phrases["handles"]
        handle = f"{_pick(draws, words['first'])}_{_pick(draws, words['second'])}_{number}"
        country = _pick(draws, list(self._phrases[lang]["countries"]))
        return Author(number, f"u{number}", handle, lang, country, objects=next(draws) < _OBJECTING)

    def _make_post(self, number: int) -> Post:
        draws = self._draws("post", number)
        author = self._all_authors[self._owner(draws) - 1]
        moment = FIRST + timedelta(seconds=int(self._step * (number - 1 + next(draws))))
        phrases = self._phrases[author.lang]
        topic = _pick(draws, phrases["topic_names"])
        text = _pick(draws, phrases["topics"][topic]).replace("{place}", _pick(draws, phrases["countries"][author.country]))
        while "{n}" in text:
            text = text.replace("{n}", str(2 + int(next(draws) * 58)), 1)
        if next(draws) < 0.7:
            text = f"{text} {_pick(draws, phrases['then'])}"
        likes = min(int((1 - next(draws)) ** -0.8) - 1, 90_000)
        return Post(
            number=number,
            id=str(number),
            author=author,
            created_at=moment,
            topic=topic,
            text=text,
            likes=likes,
            reposts=int(likes * next(draws) * 0.3),
            is_deleted=next(draws) < _DELETED,
        )


def _pick(draws: Iterator[float], among: list[str]) -> str:
    return among[int(next(draws) * len(among))]


def generate(folder: Path, seed: int = SEED, posts: int = POSTS, authors: int = AUTHORS, smallest: int = SMALLEST_CELL) -> list[Path]:
    """Write `posts.parquet` and `topics.parquet` into the folder; the same arguments write the same rows.

    Posts carry the marks that a platform keeps (`is_deleted`, `author_objects`); it is the loader that leaves such rows out.
    The weekly counts are made of what may be shared only, and counts below `smallest` are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cells: Cells = {}
    source = folder / "posts.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(POST_COLUMNS)
        for post in DemoPlatform(seed, posts, authors).all_posts():
            writer.writerow(_row(post))
            if post.is_shown and not post.author.objects:
                day = post.created_at.date()
                cell = cells.setdefault((day - timedelta(days=day.weekday()), post.author.country, post.topic), [0, 0])
                cell[0] += 1
                cell[1] += post.likes
    return [_finish(source, POST_COLUMNS), _finish(_write_counts(folder / "topics.csv", cells, smallest), TOPIC_COLUMNS)]


def _row(post: Post) -> tuple[Any, ...]:
    author = post.author
    moment = post.created_at.isoformat(" ")[:19]
    marks = ("true" if post.is_deleted else "false", "true" if author.objects else "false")
    return (
        post.id,
        author.id,
        author.handle,
        moment,
        author.lang,
        author.country,
        post.topic,
        post.text,
        post.likes,
        post.reposts,
        *marks,
    )


def _write_counts(target: Path, cells: Cells, smallest: int) -> Path:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(TOPIC_COLUMNS)
        for (week, country, topic), (count, likes) in sorted(cells.items()):
            if count >= smallest:
                writer.writerow((f"{week}-{country}-{topic}", week, country, topic, count, likes))
    return target


def _finish(source: Path, columns: dict[str, str]) -> Path:
    target = source.with_suffix(".parquet")
    csv_to_parquet(source, target, columns)
    source.unlink()
    return target


@lru_cache(maxsize=1)
def _phrases() -> dict[str, Any]:
    phrases = tomllib.loads((Path(__file__).parent / "phrases.toml").read_text(encoding="utf-8"))
    for lang in _LANGUAGES:
        phrases[lang]["topic_names"] = list(phrases[lang]["topics"])
    return phrases
