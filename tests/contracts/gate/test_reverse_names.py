"""Names of crawlers' addresses: confirmed both ways by a real name server, at a dot, within a time, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from contracts.gate.reverse_names import (
    FAILED_SECONDS,
    FOUND_SECONDS,
    GRACE_SECONDS,
    MOST_WAITING,
    NONE_SECONDS,
    Dns,
    ReverseNames,
    lies_under,
)
from tests.harness.names import NameServer, name_server

DOMAINS = ("googlebot.com", "google.com")
IP, NAME = "192.0.2.66", "crawl-192-0-2-66.googlebot.com"


@pytest.fixture
def server() -> Iterator[NameServer]:
    with name_server() as made:
        yield made


def ask(server: NameServer, address: str = IP, seconds: float = 3.0) -> frozenset[str] | None:
    return Dns(DOMAINS, server.address, seconds)(address)


def test_a_name_counts_that_leads_back(server: NameServer) -> None:
    server.point(IP, NAME)
    server.lead(NAME, "192.0.2.65", IP)
    assert ask(server) == {NAME}


def test_a_name_counts_that_leads_back_over_ipv6(server: NameServer) -> None:
    server.point("2001:db8::66", NAME)
    server.lead(NAME, "2001:db8:0::66")
    assert ask(server, "2001:db8::66") == {NAME}


def test_what_the_owner_of_an_address_only_claims_does_not_count(server: NameServer) -> None:
    assert ask(server) == frozenset()
    server.point(IP, NAME)
    assert ask(server) == frozenset()
    server.lead(NAME, "192.0.2.65")
    assert ask(server) == frozenset()


def test_a_name_elsewhere_is_never_asked_for(server: NameServer) -> None:
    reverse = server.point(IP, "googlebot.com.evil.example", "evilgooglebot.com")
    assert (ask(server), server.asked) == (frozenset(), [f"{reverse} PTR"])


def test_at_most_three_names_are_followed(server: NameServer) -> None:
    names = [f"crawl-{n}.google.com" for n in range(5)]
    server.point(IP, *names)
    for each in names:
        server.lead(each, IP)
    found = ask(server)
    assert found is not None and (len(found), len(server.asked)) == (3, 4)


def test_a_server_that_fails_or_is_silent_tells_nothing(server: NameServer) -> None:
    server.broken.add(server.point(IP, NAME))
    assert ask(server) is None
    server.broken = {f"{NAME}."}
    assert ask(server) is None
    server.broken.clear()
    server.gate.shut()
    assert ask(server, seconds=0.2) is None


@pytest.mark.parametrize(
    ("name", "under"),
    [("googlebot.com", True), ("a.b.GoogleBot.com.", True), ("evilgooglebot.com", False), ("googlebot.com.evil.example", False)],
)
def test_a_domain_ends_at_a_dot(name: str, under: bool) -> None:
    assert lies_under(name, DOMAINS) is under


class AtOnce(Executor):
    """Does what it is given before it returns."""

    def submit(self, act: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        act(*given, **named)
        return Future()


class Asked:
    """Names that a test makes up, one answer a question."""

    def __init__(self, *answers: frozenset[str] | None) -> None:
        self._answers, self.count = list(answers), 0
        self._names = ReverseNames(self._answer, AtOnce())

    def _answer(self, address: str) -> frozenset[str] | None:
        self.count += 1
        return self._answers.pop(0)

    def look(self, now: float) -> frozenset[str] | None:
        """What was known at this moment; what the look found out is known to the next."""
        return self._names.confirmed(IP, now)


FOUND: frozenset[str] = frozenset({NAME})
NONE: frozenset[str] = frozenset()


def test_names_are_kept_for_an_hour_and_count_on_while_they_are_asked_for_again() -> None:
    asked = Asked(FOUND, None, FOUND, NONE)
    assert [asked.look(0), asked.look(0), asked.look(FOUND_SECONDS - 1), asked.count] == [None, FOUND, FOUND, 1]
    assert [asked.look(FOUND_SECONDS), asked.look(FOUND_SECONDS + FAILED_SECONDS - 1), asked.count] == [FOUND, FOUND, 2]
    assert [asked.look(FOUND_SECONDS + FAILED_SECONDS), asked.count] == [FOUND, 3]
    late = 2 * FOUND_SECONDS + FAILED_SECONDS
    assert [asked.look(late), asked.look(late), asked.count] == [FOUND, NONE, 4]


def test_a_confirmed_name_ends_with_its_time_of_grace() -> None:
    asked, ends = Asked(FOUND, None, None), FOUND_SECONDS + GRACE_SECONDS
    assert [asked.look(0), asked.look(ends - 1), asked.look(ends)] == [None, FOUND, None]


def test_no_names_are_kept_for_five_minutes_and_a_failure_for_half_a_minute() -> None:
    asked = Asked(NONE, None, NONE)
    assert [asked.look(0), asked.look(NONE_SECONDS - 1), asked.count] == [None, NONE, 1]
    assert [asked.look(NONE_SECONDS), asked.look(NONE_SECONDS + FAILED_SECONDS - 1), asked.count] == [None, None, 2]
    assert [asked.look(NONE_SECONDS + FAILED_SECONDS), asked.count] == [None, 3]


def test_an_address_is_asked_for_once_at_a_time_and_few_wait(server: NameServer) -> None:
    server.gate.shut()
    names = ReverseNames(Dns(DOMAINS, server.address))
    for n in range(MOST_WAITING + 50):
        assert names.confirmed(IP, n) is None
        assert names.confirmed(f"10.0.{n // 250}.{n % 250}", 0) is None
    server.gate.wait_for_somebody()
    assert len(names._asking) == MOST_WAITING
    names.close()
    server.gate.open()
    assert server.asked.count(server.point(IP) + " PTR") == 1
