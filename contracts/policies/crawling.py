"""The part of the gate's policy that says whose crawlers pass uncounted; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.gate.recognition import SearchCrawler, search_crawlers

NAME = "search_crawlers"


def crawlers_of(known: Mapping[str, SearchCrawler]) -> list[str]:
    """Each crawler with all by which it is told, as a line that can be compared."""
    return sorted(_line(each) for each in known.values())


def crawler_widenings(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each crawler that would be let through in a way in which it is not."""
    for line in wanted.get(NAME, ()):
        if line not in _held(held):
            yield f"The gate lets a crawler through uncounted: {line}."


def narrower_crawlers(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """Those in both."""
    return [line for line in wanted[NAME] if line in _held(held)]


def held_crawlers(known: Mapping[str, SearchCrawler], policy: Mapping[str, Any]) -> dict[str, SearchCrawler]:
    """Those that the policy has."""
    return {name: each for name, each in known.items() if _line(each) in _held(policy)}


def _held(policy: Mapping[str, Any]) -> list[str]:
    # A policy that was kept before there were any says nothing against those that come with the release.
    found: list[str] = policy.get(NAME, crawlers_of(search_crawlers()))
    return found


def _line(crawler: SearchCrawler) -> str:
    named = " ".join(sorted(crawler.domains)) or "none"
    return f"{crawler.agent}, by names under {named}, by networks at {crawler.ranges or 'none'}"
