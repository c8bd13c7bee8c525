"""Search crawlers: the user agent with a published network or a confirmed name; fakes and unknown ones kept apart."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from contracts.errors import Misconfigured
from contracts.gate.facts import Facts, identity_of
from contracts.gate.identity import Identity
from contracts.gate.ranges import MOST_NETWORKS, Networks, file_of, read
from contracts.gate.recognition import search_crawlers
from contracts.gate.reverse_names import ReverseNames
from contracts.gate.search_crawlers import SearchCrawlers

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
DUCK = "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)"
IP = "192.0.2.66"


class KnownNames(ReverseNames):
    """Names that are known beforehand."""

    def __init__(self, **known: frozenset[str]) -> None:
        super().__init__(lambda _address: None, ThreadPoolExecutor(1))
        self._told = {name.replace("_", "."): names for name, names in known.items()}

    def confirmed(self, address: str, now: float) -> frozenset[str] | None:
        return self._told.get(address)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "ranges").mkdir()
    yield tmp_path


def crawlers(home: Path, names: frozenset[str] | None = None) -> SearchCrawlers:
    known = KnownNames() if names is None else KnownNames(**{IP.replace(".", "_"): names})
    made = SearchCrawlers(search_crawlers(), home, known)
    made.close()
    return made


def asked(made: SearchCrawlers, agent: str = GOOGLE, address: str = IP) -> Identity:
    return made.known(Facts("GET", "site.example", "/", address, agent), NOW)


def put(home: Path, name: str, *networks: str) -> Path:
    prefixes = [{"ipv6Prefix" if ":" in each else "ipv4Prefix": each} for each in networks]
    file = file_of(home, name)
    file.write_text(json.dumps({"creationTime": "2026-11-01T00:00:00", "prefixes": prefixes}))
    return file


def test_only_the_word_of_a_user_agent_calls_for_a_look(home: Path) -> None:
    made = crawlers(home)
    agents = [GOOGLE, "googlebot-image/1.0", "NotGooglebot/2.1", "Mozilla/5.0 Firefox/140.0", "", DUCK, "x" * 600 + "Googlebot"]
    assert [asked(made, each).label for each in agents] == ["google", "google", "", "", "", "duckduckgo", ""]


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (frozenset({"crawl-66.googlebot.com"}), "verified"),
        (frozenset({"crawl.search.msn.com"}), "invalid"),
        (frozenset(), "invalid"),
        (None, "unverified"),
    ],
)
def test_a_confirmed_name_of_its_own_domain_verifies_it(home: Path, names: frozenset[str] | None, state: str) -> None:
    key = "search:google" if state == "verified" else identity_of(IP, GOOGLE)
    assert asked(crawlers(home, names)) == Identity("search_crawler", key, state, label="google")  # type: ignore[arg-type]  # one of the states


def test_a_published_network_verifies_it_whatever_names_say(home: Path) -> None:
    put(home, "google", "192.0.2.64/27", "2001:db8::/48")
    made = crawlers(home, frozenset())
    states = [asked(made, address=each).state for each in (IP, "2001:db8::1", "192.0.2.96", "")]
    assert states == ["verified", "verified", "unverified", "invalid"]


def test_one_without_domains_is_told_by_its_networks_alone(home: Path) -> None:
    before = asked(crawlers(home), DUCK)
    put(home, "duckduckgo", "192.0.2.64/27")
    made = crawlers(home)
    states = [found.state for found in (before, asked(made, DUCK), asked(made, DUCK, "192.0.2.1"))]
    assert states == ["unverified", "verified", "invalid"]


def test_files_are_read_again_where_they_changed_and_a_broken_one_changes_nothing(home: Path) -> None:
    file = put(home, "duckduckgo", "192.0.2.64/27")
    made = crawlers(home)
    file.write_text("{")
    os.utime(file, ns=(1, 1))
    with capture_logs() as logs:
        made.refresh()
    assert [(each["event"], each["crawler"]) for each in logs] == [("gate.ranges_unread", "duckduckgo")]
    assert asked(made, DUCK).state == "verified"
    put(home, "duckduckgo", "198.51.100.0/24")
    os.utime(file, ns=(2, 2))
    made.refresh()
    assert asked(made, DUCK).state == "invalid"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"prefixes":[]}',
        '{"prefixes":[{"ipv4Prefix":"192.0.2.1/24"}]}',
        '{"prefixes":[{"ipv4Prefix":7}]}',
        '{"prefixes":[{"other":"192.0.2.0/24"}]}',
        '{"prefixes":["192.0.2.0/24"]}',
        '{"prefixes":[{"ipv4Prefix":"0.0.0.0/0"}]}',
        '{"prefixes":[{"ipv4Prefix":"10.0.0.0/7"}]}',
        '{"prefixes":[{"ipv6Prefix":"2000::/18"}]}',
        json.dumps({"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}] * (MOST_NETWORKS + 1)}),
    ],
    ids=range(12),
)
def test_what_is_no_list_of_networks_of_one_crawler_is_refused(content: str) -> None:
    with pytest.raises(Misconfigured):
        read(content.encode(), "google.json")


def test_the_widest_networks_are_taken() -> None:
    found = Networks(read(b'{"prefixes":[{"ipv4Prefix":"10.0.0.0/8"},{"ipv6Prefix":"2000::/19"}]}', "x"))
    assert [each in found for each in ("10.255.255.255", "11.0.0.0", "2000:1::", "2000:2000::", "no address")] == [
        True,
        False,
        True,
        False,
        False,
    ]
