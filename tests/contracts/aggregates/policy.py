"""A dataset's policy on counts and sums, for the posts of `tests.harness.data`."""

from __future__ import annotations

from typing import Any

POLICY: dict[str, Any] = {
    "people": 5,
    "dominance": 20,
    "noise": 2,
    "max_queries": 1_000,
    "by": {
        "lang": {"values": ["de", "en"]},
        "created_at": {"every": "day"},
        "likes": {"edges": [0, 10, 40]},
        "edited": {},
        "author_handle": {"values": ["@person1"]},
    },
    "sums": {"likes": {"least": 0, "most": 30}, "score": {"least": -1, "most": 50}},
}
FIELDS = ["id", "author_id", "created_at", "lang", "likes", "score", "edited"]
AGREED: dict[str, Any] = {"datasets": [{"dataset": "posts", "fields": FIELDS, "rows": []}], "aggregates": {"queries": 100}}
