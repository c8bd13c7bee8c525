"""What a start makes of its settings, and what two people make of a wider policy; on both stores, and raced."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from contracts.errors import Refused
from contracts.gate.recognition import SearchCrawler, search_crawlers
from contracts.keys import KeyRing
from contracts.people.roles import Role
from contracts.policies import service
from contracts.policies.crawling import crawlers_of
from contracts.policies.policy import policy_of
from contracts.policies.states import MEANING, TABLE, Command, State
from contracts.policies.tables import ConfirmedPolicy, PolicyChange
from contracts.settings import Settings
from contracts.store.unit import Store, Unit
from tests.harness.cast import POSTS, SETTINGS, Cast, active, events, mails, person

WIDER = POSTS.model_copy(update={"purposes": [*POSTS.purposes, "ai-training"], "max_records_per_day": 300_000})


def with_posts(posts: Any, **more: Any) -> Settings:
    return SETTINGS.model_copy(update={"datasets": {"posts": posts, **more}})


def do(store: Store, act: Callable[[Unit], Any]) -> Any:
    with store.write() as unit:
        return act(unit)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught:
        do(store, act)
    return caught.value.refusal.code


def only(store: Store) -> PolicyChange:
    with store.read() as session:
        return session.exec(select(PolicyChange)).one()


def test_tables_are_total() -> None:
    assert ({state: set(row) for state, row in TABLE.items()}, set(MEANING)) == ({state: set(Command) for state in State}, set(State))
    assert [(state, command) for state, row in TABLE.items() for command, after in row.items() if after is State.CONFIRMED] == [
        (State.CONFIRMED_ONCE, Command.CONFIRM)
    ]


def test_the_first_policy_is_taken_over_and_the_same_again_changes_nothing(store: Store) -> None:
    assert service.hold(store, SETTINGS) is SETTINGS
    assert service.hold(store, SETTINGS) is SETTINGS
    assert events(store) == ["policy.adopted", "policy.adopted"]


def test_a_wider_policy_waits_for_two_and_holds_from_the_next_start(store: Store) -> None:
    cast = Cast(store)
    service.hold(store, SETTINGS)
    for _ in range(2):
        held = service.hold(store, with_posts(WIDER))
        assert held.datasets["posts"] == POSTS.model_copy(update={"fields": held.datasets["posts"].fields})
        assert policy_of(held.datasets["posts"]) == policy_of(POSTS)
    change = only(store)
    with store.read() as session:
        assert service.what_widens(session, change) == [
            "Partners may apply for the purpose ai-training as well.",
            "A contract may allow 300,000 records in a day instead of 200,000.",
        ]
    assert sorted(name for name, subject in mails(store) if "wider policy" in subject) == ["cora", "jon", "mara"]
    puppet = do(store, lambda unit: person(unit, cast.platform, "Puppet One", Role.STEWARD, given_by=cast.mara))
    once = do(store, lambda unit: service.confirm(unit, cast.mara, change.id, 1))
    assert service.hold(store, with_posts(WIDER)).datasets["posts"].max_records_per_day == 200_000
    tries = {"the same": cast.mara, "a puppet": puppet, "a puppet who forgot": replace(puppet, roles_given_by=frozenset())}
    assert {
        name: refused(store, lambda unit, who=who: service.confirm(unit, who, change.id, once.revision)) for name, who in tries.items()
    } == (dict.fromkeys(tries, "second_person_required"))
    assert refused(store, lambda unit: service.confirm(unit, cast.admin, change.id, once.revision)) == "role_required"
    old = replace(cast.jon, reauthenticated_at=None, second_factor_at=None)
    assert refused(store, lambda unit: service.confirm(unit, old, change.id, once.revision)) == "second_factor_required"
    do(store, lambda unit: service.confirm(unit, cast.jon, change.id, once.revision))
    wider = with_posts(WIDER)
    assert service.hold(store, wider) is wider
    assert events(store)[2:] == ["policy.found", "policy.first_confirmed", "policy.confirmed"]


def test_a_narrower_policy_holds_at_once_and_going_back_is_a_widening(store: Store) -> None:
    narrow = with_posts(POSTS.model_copy(update={"max_records_per_day": 10}))
    service.hold(store, SETTINGS)
    assert service.hold(store, narrow) is narrow
    assert service.hold(store, SETTINGS).datasets["posts"].max_records_per_day == 10
    assert (only(store).state, events(store)[2:]) == (State.FOUND, ["policy.narrowed", "policy.found"])
    assert service.hold(store, narrow) is narrow
    assert (only(store).state, events(store)[4:]) == (State.SUPERSEDED, ["policy.superseded"])


def test_what_was_declined_stays_declined_and_other_settings_ask_anew(store: Store) -> None:
    cast = Cast(store)
    service.hold(store, SETTINGS)
    service.hold(store, with_posts(WIDER))
    assert refused(store, lambda unit: service.decline(unit, cast.mara, only(store).id, 1, "")) == "reason_required"
    do(store, lambda unit: service.decline(unit, cast.mara, only(store).id, 1, "The members were promised otherwise."))
    service.hold(store, with_posts(WIDER))
    assert only(store).state == State.DECLINED
    service.hold(store, with_posts(WIDER.model_copy(update={"max_records_per_day": 200_001})))
    with store.read() as session:
        assert [each.state for each in service.changes(session)] == [State.FOUND, State.SUPERSEDED]


def test_a_dataset_that_comes_after_the_first_contract_waits_whole(store: Store) -> None:
    cast = Cast(store)
    service.hold(store, SETTINGS)
    more = with_posts(POSTS, copy=POSTS.model_copy(update={"title": "The same again, with everything plain"}))
    assert service.hold(store, more) is more
    active(store, cast, KeyRing(b"m" * 32))
    again = with_posts(POSTS, copy=more.datasets["copy"], third=POSTS)
    assert set(service.hold(store, again).datasets) == {"posts", "copy"}
    change = only(store)
    once = do(store, lambda unit: service.confirm(unit, cast.mara, change.id, 1))
    do(store, lambda unit: service.confirm(unit, cast.jon, change.id, once.revision))
    assert service.hold(store, again) is again


def test_the_gate_lets_nothing_more_pass_uncounted(store: Store) -> None:
    def with_paths(*paths: str) -> Settings:
        return SETTINGS.model_copy(update={"gate": SETTINGS.gate.model_copy(update={"free_paths": list(paths)})})

    service.hold(store, with_paths("/static/", "/favicon.ico"))
    assert service.hold(store, with_paths("/static/css/", "/posts/")).gate.free_paths == ["/static/css/"]
    assert only(store).wanted == {"free_paths": ["/posts/", "/static/css/"], "search_crawlers": crawlers_of(SETTINGS.gate.search_crawlers)}


def test_the_gate_lets_no_other_crawler_pass_uncounted(store: Store) -> None:
    def with_crawlers(**crawlers: SearchCrawler) -> Settings:
        return SETTINGS.model_copy(update={"gate": SETTINGS.gate.model_copy(update={"search_crawlers": crawlers})})

    known = search_crawlers()
    google, bing = known["google"], known["bing"]
    service.hold(store, with_crawlers(google=google))
    wider = google.model_copy(update={"domains": (*google.domains, "evil.example")})
    assert service.hold(store, with_crawlers(renamed=google)).gate.search_crawlers == {"renamed": google}
    assert service.hold(store, with_crawlers(google=google, bing=bing)).gate.search_crawlers == {"google": google}
    assert service.hold(store, with_crawlers(google=wider)).gate.search_crawlers == {}


def test_processes_that_start_at_once_ask_once(store: Store) -> None:
    for settings in (SETTINGS, with_posts(WIDER)):
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.append(service.hold(store, settings).datasets["posts"].max_records_per_day))  # noqa: B023 - joined before the next
            for _ in range(4)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert found == [200_000] * 4
    assert sorted(events(store)) == ["policy.adopted", "policy.adopted", "policy.found"]
    with store.read() as session:
        assert {each.subject for each in session.exec(select(ConfirmedPolicy)).all()} == {"contracts", "dataset:posts", "gate"}


def test_two_who_confirm_at_once_are_two(store: Store) -> None:
    cast = Cast(store)
    service.hold(store, SETTINGS)
    service.hold(store, with_posts(WIDER))
    change, codes = only(store), []

    def confirm() -> None:
        try:
            do(store, lambda unit: service.confirm(unit, cast.mara, change.id, 1))
            codes.append("done")
        except Refused as error:
            codes.append(error.refusal.code)

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (sorted(codes), only(store).state) == (["changed_meanwhile"] * 3 + ["done"], State.CONFIRMED_ONCE)
