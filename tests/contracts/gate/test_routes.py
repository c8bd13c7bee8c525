"""Classes of routes: patterns as in robots.txt, the longest first, and nothing hides in a path that may be read in two ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.gate.facts import read_target
from contracts.gate.policy import numbers_of
from contracts.gate.routes import MAX_PATTERN, MAX_STARS, ROUTE_CLASSES, Routes, pattern_of, problem
from contracts.settings import Settings, load

ROUTES = Routes(
    {
        "/posts/*": "profile",
        "/posts/*/photos/": "static",
        "/search": "search",
        "/search$": "page",
        "/*.css": "static",
        "/api/": "api",
        "/app/sync": "sync",
    }
)


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("/", "page"),
        ("/about", "page"),
        ("/posts/17", "profile"),
        ("/posts/17?page=2", "profile"),
        ("/posts/17/photos/3", "static"),
        ("/search", "page"),
        ("/search/people", "search"),
        ("/site.css", "static"),
        ("/site.css.html", "static"),
        ("/api/v2", "api"),
        ("/ap%69/v2", "api"),
        ("/app/sync", "sync"),
        ("/static/../posts/17", ""),
        ("/posts//17", ""),
        ("/posts/17%2f..", ""),
    ],
)
def test_the_longest_pattern_that_fits_decides(target: str, named: str) -> None:
    page = read_target(target)
    assert page is not None
    assert ROUTES.class_of(page) == named


@pytest.mark.parametrize(("page", "pattern"), [("/posts/{key}", "/posts/*"), ("/posts/{key}/all", "/posts/*"), ("/people", "/people$")])
def test_pages_of_records_are_profiles(page: str, pattern: str, tmp_path: Path) -> None:
    assert pattern_of(page) == pattern
    fields = {"id": {"type": "integer", "field_class": "key"}}
    posts = {"title": "Posts", "key": "id", "location": "posts.csv", "page": page, "fields": fields}
    settings = Settings.model_validate({"profile": "test", "home": tmp_path, "datasets": {"posts": posts}})
    policy = numbers_of(settings).policy(())
    found = read_target(page.replace("{key}", "17"))
    assert found is not None
    assert (policy.routes.class_of(found), policy.stays_open(found)) == ("profile", False)


@pytest.mark.parametrize(
    ("pattern", "named", "sound"),
    [
        ("/", "page", True),
        ("/a-b_c~d.e/*", "page", True),
        ("/" + "*/" * MAX_STARS, "page", True),
        ("/" + "*/" * (MAX_STARS + 1), "page", False),
        ("/" + "a" * (MAX_PATTERN - 1), "page", True),
        ("/" + "a" * MAX_PATTERN, "page", False),
        ("posts/", "page", False),
        ("/a$b", "page", False),
        ("/a?b", "page", False),
        ("/a", "pages", False),
        ("/a", "", False),
    ],
)
def test_what_is_no_pattern_or_no_class_is_named(pattern: str, named: str, sound: bool) -> None:
    assert (problem(pattern, named) == "") is sound


def test_settings_refuse_what_is_no_pattern(tmp_path: Path) -> None:
    file = tmp_path / "licet.toml"
    file.write_text('profile = "test"\n[gate.classes]\n"posts" = "profile"\n')
    with pytest.raises(Misconfigured, match=r"posts is no pattern of paths"):
        load(file, {})


def test_a_path_without_a_class_never_stays_open(tmp_path: Path) -> None:
    every = Settings.model_validate({"profile": "test", "home": tmp_path, "gate": {"open_classes": list(ROUTE_CLASSES)}})
    page = read_target("/static/../posts/17")
    assert page is not None
    assert numbers_of(every).policy(()).stays_open(page) is False
