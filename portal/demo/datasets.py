"""The demo's datasets as `licet.toml` would describe them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from contracts.clock import SystemClock

AHEAD = timedelta(days=45)


def demo_datasets(folder: Path) -> dict[str, dict[str, Any]]:
    """Values for `Settings.datasets` over the files that `portal.demo.platform.generate` wrote into the folder."""
    return {"posts": _posts(folder / "posts.parquet"), "topics": _topics(folder / "topics.parquet")}


def _announced(today: date) -> list[dict[str, Any]]:
    """What the platform announces: on the first of a month, so that a demo that starts again announces the same."""
    day = (today + AHEAD).replace(day=1)
    return [{"field": "reposts", "date": day, "what": "Counts each person who passed a post on once, however often they did."}]


def _posts(file: Path) -> dict[str, Any]:
    return {
        "title": "Public posts",
        "summary": (
            "Every public post since November 2024 in eight languages, with its author replaced by a pseudonym that differs from"
            " contract to contract. Deleted posts and posts by people who object to sharing are left out."
        ),
        "location": str(file),
        "key": "id",
        "time": "created_at",
        "subject": "author_id",
        "found_by": ["author_handle"],
        "profile": "/authors/{author_handle}",
        "deleted": "is_deleted",
        "objects": "author_objects",
        "page": "/posts/{key}",
        "purposes": ["research", "systemic-risk", "journalism", "market-analysis"],
        "price_per_1000": "0.40",
        "currency": "EUR",
        "max_records_per_day": 200_000,
        "max_requests_per_second": 10,
        "changes": _announced(SystemClock().now().date()),
        "fields": {
            "id": _field("string", "The post; a pseudonym.", "48213", "91377", "120554", kind="key", filterable=True),
            "author_id": _field(
                "string", "Who wrote it; a pseudonym that stays the same within a contract.", "u17", "u402", kind="subject"
            ),
            "author_handle": _field(
                "string", "The name that the author shows.", "plain_otter_17", "keen_fern_402", kind="personal", filterable=False
            ),
            "created_at": _field("timestamp", "When it was written, UTC.", "2026-03-14T08:12:31Z", "2026-03-14T08:17:02Z"),
            "lang": _field("string", "Language of the text, ISO 639-1.", "en", "de", "pt"),
            "country": _field("string", "Country that the author gave, ISO 3166-1.", "GB", "AT", "BR"),
            "topic": _field("string", "Topic by the platform's own classifier, one of eight.", "transport", "prices", "weather"),
            "text": _field(
                "string",
                "What the author wrote. It can name people, so it may not be searched by.",
                "The 12 bus in Leeds is 9 minutes late again.",
                "Hagel in Graz, dann Sonne, dann wieder Hagel.",
                "A gasolina em Natal desce há 3 dias.",
                kind="personal",
                filterable=False,
            )
            | {"grains": ["masked"], "at_least": "masked"},
            "likes": _field("integer", "How many people liked it.", "0", "14", "233"),
            "reposts": _field("integer", "How many people passed it on.", "0", "2", "31"),
        },
    }


def _topics(file: Path) -> dict[str, Any]:
    return {
        "title": "Weekly topic counts",
        "summary": "How much was written on each topic in each country in each week. No single person's posts can be told from it.",
        "location": str(file),
        "key": "id",
        "time": "week",
        "purposes": ["research", "journalism", "market-analysis", "archiving"],
        "currency": "EUR",
        "max_records_per_day": 50_000,
        "max_requests_per_second": 5,
        "fields": {
            "id": _field("string", "Week, country and topic.", "2026-03-09-GB-transport", "2026-03-09-AT-weather", kind="key"),
            "week": _field("date", "The Monday on which the week began.", "2026-03-09", "2026-03-16"),
            "country": _field("string", "Country, ISO 3166-1.", "GB", "AT"),
            "topic": _field("string", "Topic, one of eight.", "transport", "weather"),
            "posts": _field("integer", "How many posts; weeks with fewer than ten are left out.", "118", "64"),
            "likes": _field("integer", "How many likes they had together.", "940", "377"),
        },
    }


def _field(of: str, description: str, *examples: str, kind: str = "plain", filterable: bool = True) -> dict[str, Any]:
    return {"type": of, "class": kind, "description": description, "filterable": filterable, "examples": list(examples)}
