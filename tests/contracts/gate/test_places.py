"""Which record a page shows."""

from __future__ import annotations

import pytest

from contracts.gate.places import Places
from contracts.settings import DatasetSettings


def places(**pages: str | None) -> Places:
    fields = {"id": {"type": "string", "class": "key"}}
    made = {
        name: DatasetSettings.model_validate({"title": name, "location": "x.csv", "key": "id", "fields": fields, "page": page})
        for name, page in pages.items()
    }
    return Places(made)


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("/posts/17", ("posts", "17")),
        ("/posts/17/", ("posts", "17")),
        ("/posts/17?page=2", ("posts", "17")),
        ("/posts/a%20b", ("posts", "a b")),
        ("/posts/", None),
        ("/posts/17/replies", None),
        ("/authors/ada.html", ("authors", "ada")),
        ("/authors/ada", None),
        ("/item?id=9", ("items", "9")),
        ("/item?id=9&x=1", None),
        ("/posts/../authors/ada.html", None),
        ("/posts/1%2f2", None),
        ("*", None),
    ],
)
def test_a_page_shows_the_record_of_its_pattern(target: str, place: tuple[str, str] | None) -> None:
    assert places(posts="/posts/{key}", authors="/authors/{key}.html", items="/item?id={key}", rest=None).of(target) == place


def test_a_pattern_without_a_key_shows_nothing() -> None:
    assert places(posts="/posts/").of("/posts/") is None
