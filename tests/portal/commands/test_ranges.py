"""`licet gate ranges`: fetched whole and checked before they take the place of what was there; the doctor looks at what lies there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.gate.ranges import file_of
from contracts.gate.recognition import SearchCrawler
from contracts.settings import Settings
from portal.commands.ranges import check_all, fetch_all
from tests.harness.tls import TlsServer, tls_server

LIST = json.dumps({"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with tls_server(tmp_path_factory.mktemp("tls")) as made:
        yield made


def _settings(home: Path, server: TlsServer) -> Settings:
    made = Settings(profile="test", home=home)
    known = {
        "good": SearchCrawler(agent="GoodBot", ranges=server.url("/good.json")),
        "bad": SearchCrawler(agent="BadBot", ranges=server.url("/bad.json")),
        "named": SearchCrawler(agent="NamedBot", domains=("bot.example",)),
    }
    return made.model_copy(update={"gate": made.gate.model_copy(update={"search_crawlers": known})})


def test_lists_are_fetched_and_a_broken_one_leaves_what_was_there(tmp_path: Path, server: TlsServer) -> None:
    settings = _settings(tmp_path, server)
    server.give("/good.json", LIST)
    server.give("/bad.json", b"{}")
    file_of(tmp_path, "bad").parent.mkdir()
    file_of(tmp_path, "bad").write_bytes(LIST)
    found = list(fetch_all(settings, server.client()))
    assert [(each.where, each.fine) for each in found] == [("networks of good", True), ("networks of bad", False)]
    assert [file_of(tmp_path, name).read_bytes() for name in ("good", "bad")] == [LIST, LIST]
    assert sorted(each.name for each in (tmp_path / "ranges").iterdir()) == ["bad.json", "good.json"]
    assert [each.fine for each in check_all(settings)] == [True, True]


def test_what_cannot_be_fetched_or_read_is_said(tmp_path: Path, server: TlsServer) -> None:
    settings = _settings(tmp_path, server)
    server.answers.clear()
    assert [each.fine for each in fetch_all(settings, server.client())] == [False, False]
    assert list(check_all(settings)) == []
    file_of(tmp_path, "good").parent.mkdir()
    file_of(tmp_path, "good").write_text("{")
    file_of(tmp_path, "bad").mkdir()
    assert [each.fine for each in check_all(settings)] == [False, False]
