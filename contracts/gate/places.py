"""Which record a page of the main site shows, by the setting `page` of each dataset. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from contracts.gate.facts import read_target
from contracts.settings import DatasetSettings

Place = tuple[str, str]
"""A dataset and a record's own key."""


class Places:
    """The patterns of all datasets; the first in the settings' order that fits names the record."""

    def __init__(self, datasets: Mapping[str, DatasetSettings]) -> None:
        told = [(name, each.page) for name, each in datasets.items() if each.page is not None and each.page.count("{key}") == 1]
        self._patterns = [(name, "?" in page, _pattern(page)) for name, page in told]

    def of(self, target: str) -> Place | None:
        """The record that a target shows; None for other pages and for a path that servers may read in different ways.

        A pattern without a query fits whatever the query says: it shows the same record.
        """
        page = read_target(target) if self._patterns else None
        if page is None or not page.plain:
            return None
        for dataset, asks_query, pattern in self._patterns:
            found = pattern.fullmatch(page.key if asks_query else page.path)
            if found is not None:
                return dataset, found["key"]
        return None


def _pattern(page: str) -> re.Pattern[str]:
    before, _, after = page.partition("{key}")
    return re.compile(f"{re.escape(before)}(?P<key>[^/?&#]+){re.escape(after)}/?")
