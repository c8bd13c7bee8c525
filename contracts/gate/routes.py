"""Routes of the main site: which class a path belongs to, by the patterns that the operator declares. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from contracts.gate.facts import Page

ROUTE_CLASSES: dict[str, str] = {
    "static": "Styles, scripts, images and other files.",
    "page": "Pages that are none of the others.",
    "profile": "Pages of people and records.",
    "search": "Search, and lists that are filtered.",
    "api": "Addresses that the site's own programs ask.",
    "sync": "Addresses that the site's own apps keep their copies up to date from.",
}
DEFAULT_CLASS = "page"
MAX_PATTERNS = 200
MAX_PATTERN = 200
MAX_STARS = 4

_PATTERN = re.compile(r"/[A-Za-z0-9._~*/-]*\$?")


class Routes:
    """Which class a path belongs to, by patterns as in robots.txt (RFC 9309 section 2.2.3): `*` for anything, `$` for the end.

    The longest pattern that fits decides, as there; where none does, the class is `page`. A path that servers may read in different
    ways has no class.
    """

    __slots__ = ("_rules", "patterns")

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self.patterns = dict(patterns)
        by_length = sorted(self.patterns, key=lambda each: (-len(each), each))
        self._rules = [(_compiled(each), self.patterns[each]) for each in by_length]

    def class_of(self, page: Page) -> str:
        """The class of a page; empty where its path is no plain one."""
        if not page.plain:
            return ""
        return next((named for pattern, named in self._rules if pattern.match(page.path)), DEFAULT_CLASS)


class Listed:
    """A list of paths: one with a slash at its end stands for all below it, any other for itself alone."""

    __slots__ = ("_exact", "_prefixes")

    def __init__(self, paths: Iterable[str]) -> None:
        every = tuple(paths)
        self._exact = frozenset(each for each in every if not each.endswith("/"))
        self._prefixes = tuple(each for each in every if each.endswith("/"))

    def covers(self, page: Page) -> bool:
        """Whether the list has the page; never one whose path may be read in different ways."""
        return page.plain and (page.path in self._exact or page.path.startswith(self._prefixes))


def pattern_of(page: str) -> str:
    """The pattern of a dataset's `page`: `/posts/{key}` as `/posts/*`."""
    return page.partition("{")[0] + "*" if "{" in page else f"{page}$"


def problem(pattern: str, named: str) -> str:
    """What is wrong with a line of the routes, as a sentence; empty where nothing is."""
    if not _PATTERN.fullmatch(pattern) or len(pattern) > MAX_PATTERN or pattern.count("*") > MAX_STARS:
        return f"{pattern[:MAX_PATTERN]} is no pattern of paths. Begin with a slash, and use * for anything and $ for the end."
    if named not in ROUTE_CLASSES:
        return f"{named[:40]} is no class of routes. The classes are {', '.join(ROUTE_CLASSES)}."
    return ""


def _compiled(pattern: str) -> re.Pattern[str]:
    body = pattern.removesuffix("$")
    text = ".*".join(re.escape(part) for part in body.split("*"))
    return re.compile(text + (r"\Z" if body != pattern else ""), re.DOTALL)
