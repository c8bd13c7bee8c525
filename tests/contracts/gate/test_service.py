"""The gate as a whole over a real store: budgets, licences, shadow, the mode everywhere, and what becomes durable."""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from contracts.access.grants import GrantCache
from contracts.clock import FixedClock
from contracts.errors import Refusal, Refused, StoreUnavailable
from contracts.gate import booking, mode, queries
from contracts.gate import service as gate_service
from contracts.gate.facts import Facts, identity_of
from contracts.gate.queries import Effect
from contracts.gate.tally import MOST_FETCHES, Fetch, Tally
from contracts.keys import KeyRing
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import values_of
from contracts.people.actor import SYSTEM, Actor
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.store.unit import Store
from tests.harness.gates import API_CLIENT, CLIENT, GRANT, GateParts, gate_over, gate_settings
from tests.harness.speed import slowness
from tests.harness.tokens import issued

OPERATOR = Actor(
    "acc_1", "org_0", "Ola Operator", "ola@agora.example", frozenset({Role.OPERATOR}), second_factor_at=datetime(2026, 11, 2, tzinfo=UTC)
)
CHROME = "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.fixture
def parts(store: Store, clock: FixedClock, tmp_path: Path) -> GateParts:
    return gate_over(store, clock, gate_settings(tmp_path))


def ask(parts: GateParts, target: str, address: str = "192.0.2.7", agent: str = CHROME, token: str = "", host: str = "127.0.0.1") -> str:
    authorization = f"Bearer {token}" if token else ""
    return parts.decide(Facts("GET", host, target, address, agent, authorization)).reason


def entries(store: Store) -> list[dict[str, Any]]:
    with store.read() as session:
        rows = session.exec(select(col(LedgerEntry.leaf)).order_by(col(LedgerEntry.index))).all()  # type: ignore[call-overload]  # Core select of one column
    return [json.loads(row[0]) for row in rows]


def told(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without what differs in each run."""
    return {name: value for name, value in entry.items() if name not in ("id", "nonce", "at", "n", "node", "v", "commitments")}


def test_a_visitor_passes_until_the_budget_and_again_after_an_hour(parts: GateParts, clock: FixedClock) -> None:
    assert [ask(parts, f"/posts/{n}") for n in range(7)] == ["within_budget"] * 5 + ["budget_exceeded"] * 2
    assert ask(parts, "/posts/3") == "within_budget"
    assert ask(parts, "/robots.txt") == "open_path"
    assert ask(parts, "/posts/9", address="192.0.3.7") == "within_budget"
    clock.advance(minutes=61)
    assert ask(parts, "/posts/9") == "within_budget"


def test_another_user_agent_earns_no_new_budget_for_ever(parts: GateParts) -> None:
    reasons = [ask(parts, f"/posts/{n}", agent=f"agent-{n // 5}/1.0") for n in range(40)]
    assert reasons == ["within_budget"] * 25 + ["network_budget_exceeded"] * 15


def test_invented_user_agents_write_no_rows_of_their_own(parts: GateParts, store: Store, clock: FixedClock) -> None:
    forged = "e30." + base64.urlsafe_b64encode(json.dumps({"iss": parts.tokens.issuer}).encode()).decode().rstrip("=") + ".e30"
    for n in range(60):
        ask(parts, f"/posts/{n}", agent=f"agent-{n}/1.0")
        ask(parts, "*", agent=f"agent-{n}/1.0")
        ask(parts, f"/posts/{n}", agent=f"agent-{n}/1.0", token=forged)
    parts.gate.flush_counts()
    with store.read() as session:
        found = {each.reason: each.requests for each in queries.stops(session, clock.now())}
    assert found == {"network_budget_exceeded": 35, "malformed": 60, "token_invalid": 60}


def test_a_flood_of_identities_is_written_in_short_transactions(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    parts = gate_over(sqlite_store, clock, gate_settings(tmp_path))
    for n in range(1_000):
        ask(parts, "*", address=f"10.{n // 250}.{n % 250}.1")
    sqlite_store.holds.clear()
    parts.gate.flush_counts()
    with sqlite_store.read() as session:
        assert queries.effects(session, clock.now())["would_stop"].rows + queries.effects(session, clock.now())["stopped"].rows == 1_000
    assert len(sqlite_store.holds) == 10
    assert statistics.median(hold.busy for hold in sqlite_store.holds) / slowness() < 0.02


def test_a_licensed_crawler_passes_within_paths_and_pace(parts: GateParts, clock: FixedClock) -> None:
    token = parts.token()
    assert [ask(parts, f"/posts/{n}", token=token) for n in range(7)] == ["licensed"] * 5 + ["rate_exceeded"] * 2
    clock.advance(seconds=1)
    assert ask(parts, "/posts/8", token=token) == "licensed"
    assert ask(parts, "/authors/a", token=token) == "path_not_in_contract"
    assert ask(parts, "/posts/9", token=token, host="other.example") == "site_not_in_contract"


def test_licensed_fetches_use_up_nobodys_budget(parts: GateParts, clock: FixedClock) -> None:
    parts.crawl(requests_per_second=100)
    token = parts.token()
    assert {ask(parts, f"/posts/{n}", token=token) for n in range(50)} == {"licensed"}
    assert ask(parts, "/posts/1") == "within_budget"


def test_tokens_that_are_not_for_the_site_stop(parts: GateParts, clock: FixedClock) -> None:
    token = parts.token()
    assert ask(parts, "/posts/1", token=parts.token(API_CLIENT)) == "token_invalid"
    assert ask(parts, "/posts/1", token=token[:-4] + "AAAA") == "token_invalid"
    clock.advance(minutes=10)
    assert ask(parts, "/posts/1", token=token) == "token_invalid"


@pytest.mark.parametrize("token", ["abc", "a.b.c", "e30.e30.e30", "x" * 5000, "eyJ.eyJpc3MiOiJvdGhlciJ9.x"])
def test_a_credential_of_the_site_itself_is_a_visitors(parts: GateParts, token: str) -> None:
    decision = parts.decide(Facts("GET", "127.0.0.1", "/posts/1", "192.0.2.7", CHROME, f"Bearer {token}"))
    assert (decision.reason, decision.licensed) == ("within_budget", False)


@pytest.mark.parametrize("scheme", ["Bearer", "License", "license"])
def test_a_token_counts_under_both_schemes(parts: GateParts, scheme: str) -> None:
    decision = parts.decide(Facts("GET", "127.0.0.1", "/posts/1", "192.0.2.7", CHROME, f"{scheme} {parts.token()}"))
    assert (decision.reason, decision.licensed) == ("licensed", True)


def test_a_suspension_stops_the_next_fetch(parts: GateParts, clock: FixedClock) -> None:
    token = parts.token()
    parts.grants.known["ctr_1"] = Refusal("contract_not_active", "Suspended.")
    assert ask(parts, "/posts/1", token=token) == "contract_not_active"
    parts.grants.known["ctr_1"] = replace(GRANT, clients={})
    assert ask(parts, "/posts/1", token=token) == "contract_not_active"


def test_licences_are_refused_while_suspensions_cannot_be_read(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    parts = gate_over(store, clock, gate_settings(tmp_path))
    token = parts.token()
    parts.watch._read_at = float("-inf")
    assert ask(parts, "/posts/1", token=token) == "grant_unverified"
    assert ask(parts, "/posts/1") == "within_budget"


def test_fetches_reach_the_ledger_in_one_entry_with_erasable_paths(parts: GateParts, clock: FixedClock) -> None:
    token = parts.token()
    for target in ("/posts/1", "/posts/2?page=1", "/posts/1", "/authors/ada"):
        ask(parts, target, token=token)
    ask(parts, "/posts/1")
    parts.gate.flush_fetches()
    same = {
        "event": "gate.fetched",
        "organisation": "org_1",
        "contract": "ctr_1",
        "contract_version": 1,
        "contract_hash": "ab" * 32,
        "credential": "cli_1",
        "credential_kind": "client",
    }
    assert [told(entry) for entry in entries(parts.store) if entry["event"] == "gate.fetched"] == [
        {
            **same,
            "decision": "allow",
            "rule": "licensed",
            "facts": {"fetches": 3, "different": 2},
            **{"rows": 3, "quota_before": 0, "quota_after": 3},
        },
        {**same, "decision": "refuse", "rule": "path_not_in_contract", "facts": {"fetches": 1, "different": 1}},
    ]
    with parts.store.read() as session:
        opened = values_of(session, session.execute(select(col(LedgerEntry.id))).scalars().all()).values()
    assert sorted((name, kept.value) for each in opened for name, kept in each.values.items()) == [
        ("network", "192.0.2.0/24"),
        ("network", "192.0.2.0/24"),
        ("paths", "/authors/ada"),
        ("paths", "/posts/1\n/posts/2?page=1\n/posts/1"),
    ]
    parts.gate.flush_fetches()
    assert len([entry for entry in entries(parts.store) if entry["event"] == "gate.fetched"]) == 2


def test_fetches_that_could_not_be_written_come_again(parts: GateParts, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(parts, "/posts/1", token=parts.token())

    def fails(*_given: object) -> list[str]:
        raise StoreUnavailable("disk full")

    with monkeypatch.context() as broken, pytest.raises(StoreUnavailable):
        broken.setattr(booking, "stage", fails)
        parts.gate.flush_fetches()
    # Whatever its class: while the ledger takes nothing, a licensed fetch would leave no trace.
    assert ask(parts, "/posts/2", token=parts.token()) == "ledger_behind"
    parts.gate.flush_fetches()
    assert ask(parts, "/posts/2", token=parts.token()) == "licensed"
    parts.gate.flush_fetches()
    assert [entry["facts"] for entry in entries(parts.store) if entry["event"] == "gate.fetched"] == [{"fetches": 1, "different": 1}] * 2


def test_a_ledger_far_behind_stops_licences(parts: GateParts) -> None:
    fetch = Fetch("ctr_1", 1, "", "org_1", "cli_1", True, "licensed", "/posts/1", "")
    for _ in range(MOST_FETCHES - 1):
        parts.gate._tally.fetch(fetch)
    assert ask(parts, "/posts/1", token=parts.token()) == "licensed"
    assert ask(parts, "/posts/1", token=parts.token()) == "ledger_behind"


def test_a_ledger_that_does_not_answer_stops_licences(parts: GateParts) -> None:
    parts.gate._tally = Tally(patience=-1.0)
    ask(parts, "/posts/1", token=parts.token())
    taken = parts.gate._tally.take_fetches()
    assert (len(taken), ask(parts, "/posts/2", token=parts.token())) == (1, "ledger_behind")
    assert ask(parts, "/posts/2") == "within_budget"
    parts.gate._tally.give_back([])
    assert ask(parts, "/posts/2", token=parts.token()) == "licensed"


def test_counts_and_stops_are_summed_for_the_operator(parts: GateParts, clock: FixedClock) -> None:
    for number in range(8):
        ask(parts, f"/posts/{number}")
    parts.gate.flush_counts()
    ask(parts, "/posts/99")
    ask(parts, "/robots.txt")
    ask(parts, "/posts/1", token=parts.token())
    parts.gate.flush_counts()
    with parts.store.read() as session:
        hours = queries.hours(session, clock.now())
        [stop] = queries.stops(session, clock.now())
        effects = queries.effects(session, clock.now())
    assert hours[-1].requests == {"visitor": 5, "licensed": 1, "open": 1, "stopped": 4, "would_stop": 0}
    assert [hour.total for hour in hours[:-1]] == [0] * 23
    assert (stop.identity, stop.reason, stop.effect) == (identity_of("192.0.2.7", CHROME), "budget_exceeded", "stopped")
    assert (stop.network, stop.agent, stop.requests, stop.pages) == ("192.0.2.0/24", "Chrome", 4, 5)
    assert effects == {"stopped": Effect(1, 1, 4, 0), "would_stop": Effect()}


def test_visitors_enter_the_ledger_once_a_minute_as_numbers(parts: GateParts, clock: FixedClock) -> None:
    for number in range(7):
        ask(parts, f"/posts/{number}")
    parts.gate.flush_counts()
    clock.advance(seconds=30)
    ask(parts, "/posts/1")
    parts.gate.flush_counts()
    assert [entry for entry in entries(parts.store) if entry["event"] == "gate.counted"] == []
    clock.advance(seconds=31)
    parts.gate.flush_counts()
    ask(parts, "/posts/1")
    parts.gate.close()
    counted = [told(entry) for entry in entries(parts.store) if entry["event"] == "gate.counted"]
    span = {"from": "2026-11-02T09:00:00.000Z", "until": "2026-11-02T09:01:01.000Z"}
    assert counted == [
        {"event": "gate.counted", "decision": "done", "facts": {**span, "stopped": 2, "visitor": 6}},
        {"event": "gate.counted", "decision": "done", "facts": {"from": span["until"], "until": span["until"], "visitor": 1}},
    ]


def test_in_shadow_all_pass_and_are_listed(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    parts = gate_over(store, clock, gate_settings(tmp_path, mode="shadow"))
    decisions = [parts.decide(Facts("GET", "127.0.0.1", f"/posts/{n}", "192.0.2.7", "scraper/1.0")) for n in range(9)]
    assert [decision.allow for decision in decisions] == [True] * 9
    parts.gate.flush_counts()
    with store.read() as session:
        [stop] = queries.stops(session, clock.now())
    assert (stop.reason, stop.effect, stop.agent, stop.requests, stop.last_decision) == (
        "budget_exceeded",
        "would_stop",
        "scraper",
        4,
        decisions[-1].id,
    )


def _elsewhere(store: Store) -> Store:
    """The same database as another process has it: news of a commit reaches it only when it looks."""
    return Store(store.engine, store.clock, "elsewhere")


def _operator(store: Store) -> None:
    with store.write() as unit:
        unit.session.add(Account(id="acc_1", email="ola@agora.example", name="Ola Operator", password_hash="", created_at=unit.now))


def test_the_mode_changes_here_at_once_and_elsewhere_by_the_epoch(parts: GateParts, clock: FixedClock) -> None:
    _operator(parts.store)
    other = gate_over(_elsewhere(parts.store), clock, parts.settings)
    with parts.store.write() as unit:
        parts.gate.set_mode(unit, OPERATOR, "shadow")
    assert (parts.gate.mode, other.gate.mode) == ("shadow", "enforce")
    other.watch.poll()
    assert other.gate.mode == "shadow"
    with parts.store.read() as session:
        assert mode.current(session, parts.settings) == mode.Setting("shadow", "Ola Operator", clock.now())
    changed = [told(entry) for entry in entries(parts.store) if entry["event"] == "gate.mode_changed"]
    assert changed == [
        {
            "event": "gate.mode_changed",
            "decision": "done",
            "subject": "gate",
            "organisation": "org_0",
            "facts": {"before": "enforce", "after": "shadow"},
        }
    ]


def test_a_mode_that_could_not_be_read_is_read_by_the_next_job(
    parts: GateParts, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = gate_over(_elsewhere(parts.store), clock, parts.settings)

    def fails(*_given: object) -> mode.Setting:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    with parts.store.write() as unit:
        mode.set_mode(unit, SYSTEM, "shadow", parts.settings)
    with monkeypatch.context() as broken:
        broken.setattr(mode, "current", fails)
        other.watch.poll()
    assert other.gate.mode == "enforce"
    other.gate.flush_counts()
    assert other.gate.mode == "shadow"


def test_setting_the_present_mode_changes_nothing(parts: GateParts) -> None:
    with parts.store.write() as unit:
        parts.gate.set_mode(unit, OPERATOR, "enforce")
    assert [entry for entry in entries(parts.store) if entry["event"] == "gate.mode_changed"] == []


def test_the_command_may_restore_shadow_and_nothing_else(parts: GateParts) -> None:
    with parts.store.write() as unit:
        parts.gate.set_mode(unit, SYSTEM, "shadow")
    with pytest.raises(Refused) as refused, parts.store.write() as unit:
        parts.gate.set_mode(unit, SYSTEM, "enforce")
    assert (parts.gate.mode, refused.value.refusal.code) == ("shadow", "role_required")


@pytest.mark.parametrize(
    ("actor", "wanted", "code"),
    [(replace(OPERATOR, roles=frozenset({Role.STEWARD})), "shadow", "role_required"), (OPERATOR, "off", "invalid_input")],
)
def test_only_operators_choose_and_only_known_modes(parts: GateParts, actor: Actor, wanted: str, code: str) -> None:
    with pytest.raises(Refused) as refused, parts.store.write() as unit:
        parts.gate.set_mode(unit, actor, wanted)
    assert (refused.value.refusal.code, parts.gate.mode) == (code, "enforce")


def test_counts_are_forgotten_after_thirty_days(parts: GateParts, clock: FixedClock) -> None:
    for number in range(7):
        ask(parts, f"/posts/{number}")
    parts.gate.flush_counts()
    clock.advance(days=31)
    parts.gate.prune()
    with parts.store.read() as session:
        assert queries.stops(session, clock.now() - timedelta(days=31)) == []
        assert sum(hour.total for hour in queries.hours(session, clock.now() - timedelta(days=31))) == 0


def test_the_token_is_in_no_text(parts: GateParts) -> None:
    token = parts.token()
    assert token not in repr(Facts("GET", "h", "/", "192.0.2.1", "", f"Bearer {token}"))
    assert CLIENT.client_id not in identity_of("192.0.2.1", "")


def test_a_grant_that_cannot_be_read_refuses_the_crawler_alone(parts: GateParts) -> None:
    token = parts.token()
    parts.grants.known[CLIENT.contract_id] = OperationalError("SELECT", {}, Exception("disk I/O error"))
    assert ask(parts, "/posts/1", token=token) == "grant_unverified"
    assert ask(parts, "/posts/1") == "within_budget"


def test_the_real_grant_cache_opens_nothing_for_an_unknown_contract(parts: GateParts, clock: FixedClock) -> None:
    cache = GrantCache(parts.store, KeyRing(b"k" * 32), clock, parts.watch)
    gate = gate_service.Gate(parts.store, parts.watch, parts.tokens, cache, parts.settings, clock, KeyRing(b"k" * 32))
    gate.deadline_seconds = 60.0
    facts = Facts("GET", "127.0.0.1", "/posts/1", "192.0.2.7", CHROME, f"Bearer {parts.token()}")
    assert asyncio.run(gate.decide(facts)).reason == "contract_not_active"


def test_a_bound_token_is_good_for_nothing_as_a_bearer_token(parts: GateParts) -> None:
    bound = issued(parts.tokens, parts.store, CLIENT, more={"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}).token
    assert ask(parts, "/posts/1", token=bound) == "token_invalid"
