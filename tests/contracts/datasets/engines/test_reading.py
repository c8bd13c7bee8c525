"""Requests for records of a table that is read where it lies: the same answers, entries and erasures as from versions of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.clock import FixedClock
from contracts.datasets.load import ordinal_of
from contracts.deliveries import service
from contracts.deliveries.ordinals import Ordinals
from contracts.store.unit import Store
from tests.harness.data import World, post, served, world, write_table

POSTS = [post(number) for number in range(60)]


@pytest.mark.parametrize("kind", ["postgresql", "sqlalchemy"])
def test_an_answer_from_in_place_is_that_of_a_version(
    request: pytest.FixtureRequest, sqlite_store: Store, clock: FixedClock, tmp_path: Path, kind: str
) -> None:
    url = f"sqlite:///{tmp_path / 'site.db'}" if kind == "sqlalchemy" else request.getfixturevalue("new_postgres")
    write_table(url, POSTS)
    changes = {"location": "", "engine": kind, "source": url, "table": "site_posts"}
    with world(sqlite_store, clock, tmp_path, posts=60, **changes) as data:
        caller = data.caller(*data.contract())
        first, shown = data.get(caller, limit="20", lang="en"), _body(data.get(caller, limit="60"))
        kept = [each for each in served(POSTS) if each["lang"] == "en"]
        assert [row["likes"] for row in _body(first)["data"]] == [each["likes"] for each in kept]
        assert shown["withheld"] == {
            "rows": {"outside_contract": 0, "deleted": "<10", "objecting": "<10"},
            "fields": shown["withheld"]["fields"],
        }
        whole = [row["id"] for row in shown["data"]]
        following = _body(data.get(caller, limit="10", cursor=_body(data.get(caller, limit="10"))["next"]))
        assert [row["id"] for row in following["data"]] == whole[10:20]
        mine = _body(data.get(caller, author_id=shown["data"][0]["author_id"]))["data"]
        assert {row["author_id"] for row in mine} == {shown["data"][0]["author_id"]}
        assert len(mine) == sum(each["author_id"] == served(POSTS)[0]["author_id"] for each in served(POSTS))
        assert [leaf["rows"] for leaf in data.leaves()][:2] == [len(kept), len(served(POSTS))]
        _erase(data, served(POSTS)[0]["id"])
        assert [row["id"] for row in _body(data.get(caller, limit="60"))["data"]] == whole[1:]


def _erase(data: World, key: str) -> None:
    version = data.catalogue.version_of("posts")
    assert version is not None
    ordinal = ordinal_of(data.settings, version, key)
    assert ordinal is not None
    with data.store.read() as session:
        held = service.held(session, "posts", Ordinals([ordinal]))
    with data.store.write() as unit:
        service.erase(unit, data.cast.cora, held, "Asked for.")


def _body(answer: Any) -> Any:
    assert answer.refusal is None, answer.refusal
    return json.loads(answer.body)
