"""The gate as a whole with those whom it recognises: crawlers that sign, search engines' crawlers, people signed in at the site."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from contracts.clock import FixedClock
from contracts.crawlers import service as crawlers
from contracts.gate.decide import Decision
from contracts.gate.facts import Facts
from contracts.gate.telling import Telling
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.contracts.crawlers.test_crawlers import Crawling
from tests.contracts.gate.test_service import entries
from tests.harness.bots import Bot, asked
from tests.harness.gates import GRANT, GateParts, gate_over, gate_settings
from tests.harness.names import NameServer, name_server

SITE = "127.0.0.1"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
REAL, FAKE = "192.0.2.66", "198.51.100.7"
SECRET = "s" * 32


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with name_server() as server:
        server.point(REAL, "crawl-66.googlebot.com")
        server.lead("crawl-66.googlebot.com", REAL)
        yield server


@pytest.fixture
def settings(tmp_path: Path, names: NameServer) -> Settings:
    made = gate_settings(tmp_path)
    more: dict[str, Any] = {"resolver": names.address, "accounts": {"secret": SECRET}, "ask_for_signatures": True}
    return made.model_copy(update={"gate": made.gate.model_validate({**made.gate.model_dump(), **more})})


@pytest.fixture
def parts(sqlite_store: Store, clock: FixedClock, settings: Settings) -> Iterator[GateParts]:
    made = gate_over(sqlite_store, clock, settings, recognising=True)
    yield made
    made.gate.close()


class Licensed:
    """A crawler whose key was proved for a contract that the gate has a grant of."""

    def __init__(self, parts: GateParts) -> None:
        self.parts, self.crawling = parts, Crawling(parts.store)
        self.row = self.crawling.prove(self.crawling.register())
        self.bot = Bot(self.crawling.private)
        self.contract = self.crawling.first.id
        parts.grants.known[self.contract] = replace(GRANT, contract_id=self.contract)
        parts.watch.poll()

    def ask(self, clock: FixedClock, target: str = "/posts/1", **how: Any) -> Decision:
        return self.parts.decide(self.bot.ask(clock.now(), target=target, host=SITE, **how))


def test_a_crawler_that_signs_fetches_under_its_contract(parts: GateParts, clock: FixedClock) -> None:
    licensed = Licensed(parts)
    decisions = [licensed.ask(clock, f"/posts/{n}", nonce=f"n{n}") for n in range(7)]
    assert [each.reason for each in decisions] == ["licensed"] * 5 + ["rate_exceeded"] * 2
    assert {(each.contract_id, each.licensed) for each in decisions} == {(licensed.contract, False)}
    clock.advance(seconds=2)
    assert licensed.ask(clock, "/authors/1", nonce="a").reason == "path_not_in_contract"
    assert parts.decide(licensed.bot.ask(clock.now(), host="other.example", nonce="b")).reason == "site_not_in_contract"
    parts.gate.flush_fetches()
    told = [each for each in entries(parts.store) if each["event"] == "gate.fetched"]
    assert {(each["contract"], each["credential"], each["credential_kind"]) for each in told} == {
        (licensed.contract, licensed.row.id, "crawler_key")
    }


def test_what_was_signed_is_good_once_and_for_nothing_else(parts: GateParts, clock: FixedClock, settings: Settings) -> None:
    licensed = Licensed(parts)
    facts = licensed.bot.ask(clock.now(), host=SITE)
    replayed, wrong = [parts.decide(each) for each in (facts, facts, replace(facts, target="/posts/2"))][1:]
    assert [(each.reason, each.status) for each in (replayed, wrong)] == [("signature_replayed", 429), ("signature_invalid", 401)]
    told = dict(Telling(settings).visitor(wrong))
    asked_for = told["accept-signature"]
    assert (replayed.signature, told["x-gate-signature"]) == ("replayed", "wrong")
    assert asked_for.startswith('sig1=("@method" "@authority"') and asked_for.endswith('tag="web-bot-auth"')


def test_a_revoked_key_is_a_visitors_at_once(parts: GateParts, clock: FixedClock) -> None:
    licensed = Licensed(parts)
    assert licensed.ask(clock, nonce="a").reason == "licensed"
    with parts.store.write() as unit:
        crawlers.revoke(unit, licensed.crawling.lead, licensed.row.id)
    parts.watch.poll()
    decisions = [licensed.ask(clock, f"/posts/{n}", nonce=f"n{n}") for n in range(6)]
    assert [each.reason for each in decisions] == ["within_budget"] * 5 + ["budget_exceeded"]
    assert decisions[-1].signature == "key_unknown"


def test_a_suspended_contract_stops_its_crawler(parts: GateParts, clock: FixedClock) -> None:
    licensed = Licensed(parts)
    del parts.grants.known[licensed.contract]
    assert licensed.ask(clock).reason == "contract_not_active"


def test_a_signature_over_plain_http_is_refused(parts: GateParts, clock: FixedClock) -> None:
    assert Licensed(parts).ask(clock, scheme="http").reason == "signature_invalid"


def test_whoever_signs_and_cannot_be_judged_in_time_is_asked_to_come_again(parts: GateParts, clock: FixedClock) -> None:
    licensed = Licensed(parts)
    parts.gate.deadline_seconds = 0.0
    assert (licensed.ask(clock).reason, parts.decide(asked({}, host=SITE)).reason) == ("undecided", "within_budget")


def crawl(parts: GateParts, number: int, address: str, agent: str = GOOGLE) -> Decision:
    return parts.decide(Facts("GET", SITE, f"/posts/{number}", address, agent))


def settled(parts: GateParts, address: str) -> Decision:
    """The decision once the names of the address are known."""
    until = time.monotonic() + 30
    while (decision := crawl(parts, 0, address)).reason in ("within_budget", "search_crawler_unconfirmed"):
        assert time.monotonic() < until, decision
        time.sleep(0.01)
    return decision


def test_a_search_crawler_is_never_refused_and_a_fake_one_is(parts: GateParts, names: NameServer) -> None:
    names.gate.shut()
    early = [crawl(parts, number, address) for address in (REAL, FAKE) for number in range(8)]
    assert [each.reason for each in early] == (["within_budget"] * 5 + ["search_crawler_unconfirmed"] * 3) * 2
    names.gate.open()
    assert (settled(parts, REAL).reason, settled(parts, FAKE).reason) == ("search_crawler", "search_crawler_fake")
    later = [crawl(parts, number, REAL) for number in range(100)]
    assert {(each.reason, each.status) for each in later} == {("search_crawler", 200)}
    assert {each.status for each in early + later} & {401, 402, 403} == set()
    assert crawl(parts, 0, FAKE).status == 403


def test_a_stopped_visitor_is_asked_to_sign_where_the_operator_wants_it(parts: GateParts, settings: Settings) -> None:
    stopped = [crawl(parts, number, FAKE, "curl/8.0") for number in range(6)][-1]
    assert (stopped.reason, "accept-signature" in dict(Telling(settings).visitor(stopped))) == ("budget_exceeded", True)
    quiet = Telling(settings.model_copy(update={"gate": settings.gate.model_copy(update={"ask_for_signatures": False})}))
    assert "accept-signature" not in dict(quiet.visitor(stopped))


def test_people_signed_in_at_the_site_each_have_a_budget_of_their_own(parts: GateParts, clock: FixedClock) -> None:
    seconds = int(clock.now().timestamp())

    def cookie(account: str) -> str:
        claims = {"sub": account, "since": seconds - 60, "exp": seconds + 60}
        return jwt.encode({"alg": "HS256", "typ": "account+jwt"}, claims, OctKey.import_key(SECRET.encode()))

    def read(value: str, pages: range) -> list[str]:
        return [parts.decide(Facts("GET", SITE, f"/posts/{n}", FAKE, "Firefox", cookie=value)).reason for n in pages]

    usual = ["within_budget"] * 5 + ["budget_exceeded"]
    assert [read(cookie("ada"), range(6)), read(cookie("ben"), range(6)), read("", range(6))] == [usual] * 3
    assert read(cookie("ada")[:-2] + "AA", range(6, 7)) == ["budget_exceeded"]
    clock.advance(seconds=60)
    assert read(cookie("ben"), range(6, 7)) == ["budget_exceeded"]


def test_a_token_goes_before_a_signature_and_a_claim_that_cannot_be_told_before_none(parts: GateParts, clock: FixedClock) -> None:
    licensed, seconds = Licensed(parts), int(clock.now().timestamp())
    both = replace(licensed.bot.ask(clock.now(), host=SITE), authorization=f"Bearer {parts.token()}")
    assert (parts.decide(both).contract_id, parts.decide(replace(both, authorization="")).contract_id) == ("ctr_1", licensed.contract)
    strange = Bot().ask(clock.now(), host=SITE)
    claims = {"sub": "ada", "since": seconds - 60, "exp": seconds + 60}
    cookie = jwt.encode({"alg": "HS256", "typ": "account+jwt"}, claims, OctKey.import_key(SECRET.encode()))
    found = [asyncio.run(parts.gate.identities.identify(each, clock.now())) for each in (strange, replace(strange, cookie=cookie))]
    assert [(each.kind, each.state) for each in found] == [("signature", "unverified"), ("account", "verified")]
