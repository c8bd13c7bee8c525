"""Each page and each act belongs to its roles: everyone else is refused, and a refusal changes nothing. So does a form without its token.

The routes are read from the app, who may use them stands in one table (`acts.WHO`), and each act is shown to work for those who may,
so that no refusal here is owed to a form that was wrong anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from contracts.people.assurance import NEEDS
from contracts.people.roles import Role
from tests.harness.visitor import Visitor
from tests.journeys.acts import ACTS, ANYONE_SIGNED_IN, ASKS, CHANGES_NOTHING, DEMO, FREE, PARTNERS, PUBLIC, WHO, Act
from tests.journeys.later_life import furnish_further
from tests.journeys.two_partners import CAST, LAB, STAFF, Ground, changed, furnish, ground, people_of, snapshot
from tests.journeys.walk import Route, routes_of

JSON = {"accept": "application/json"}
# A refusal for want of a factor or a fresh proof is an entry; nothing else may come of it.
EVIDENCE: dict[str, tuple[str, ...]] = {"ledger_staged": (), "ledger_value": (), "ledger_node_counter": ()}
# One person for each role, each holding that role alone.
PEOPLE: dict[str, Role] = {
    **{each.key: each.role for each in STAFF if each.key != "second-steward"},
    **{each.key: each.role for each in people_of(LAB)[1:]},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("roles")) as made:
        furnish(made)
        furnish_further(made)
        for key in ("", "rival-founder", "second-steward", *PEOPLE):
            assert made.visitor(key).csrf
        yield made


@pytest.fixture(scope="module")
def pages(place: Ground) -> list[Route]:
    return [each for each in routes_of(place.house) if each.face == "pages"]


def test_every_page_says_who_may_use_it(pages: list[Route]) -> None:
    assert {str(each) for each in pages} == WHO.keys(), "say in acts.WHO who may use it"
    assert {*PEOPLE.values()} == {*Role}


def test_pages_open_for_their_roles_alone(place: Ground, pages: list[Route]) -> None:
    wrong = []
    for route in (each for each in pages if each.method == "GET" and WHO[str(each)] not in (PUBLIC, DEMO)):
        path = route.at(**_ids(place, route))
        for key, role in PEOPLE.items():
            answer = place.visitor(key).get(path, **JSON)
            expected = (200, "") if role in WHO[str(route)] else (403, "role_required")
            if (answer.status_code, _code(answer)) != expected:
                wrong += [(path, key, answer.status_code, _code(answer))]
    assert wrong == []


def test_people_who_are_not_signed_in_are_led_to_sign_in(place: Ground, pages: list[Route]) -> None:
    stranger, before = place.visitor(""), snapshot(place)
    answers = {}
    for route in (each for each in pages if WHO[str(each)] not in (PUBLIC, DEMO)):
        path = route.at(**_ids(place, route))
        answer = stranger.get(path) if route.method == "GET" else stranger.post(path, **JSON)
        answers[str(route)] = (answer.status_code, answer.headers.get("location", "").replace(quote(path, safe=""), "PATH"), _code(answer))
    led, refused = (303, "/sign-in?next=PATH", ""), (401, "", "sign_in_required")
    assert answers == {name: led if name.startswith("GET") else refused for name in answers}
    assert (len(answers) > 50, changed(before, snapshot(place))) == (True, [])


def test_the_tour_is_nowhere_but_in_the_demo(place: Ground, pages: list[Route]) -> None:
    for route in (each for each in pages if WHO[str(each)] == DEMO):
        for key in ("", "steward", "lab-lead"):
            visitor, path = place.visitor(key), route.at(key="steward")
            answer = visitor.get(path, **JSON) if route.method == "GET" else visitor.post(path, **JSON)
            assert (answer.status_code, _code(answer)) == (404, "not_found"), f"{key}: {route}"


def test_no_form_is_taken_without_its_own_token(place: Ground, pages: list[Route]) -> None:
    taken, stale = [], _tokens_of_sessions_before(place)
    for route in (each for each in pages if each.method == "POST"):
        act = ACTS.get(route.path)
        ids = act.fresh(place) if act is not None else dict.fromkeys(route.names, "steward")
        fields = act.fields(place, ids) if act is not None else {}
        visitor, other = place.visitor(act.by if act is not None else ""), place.visitor("rival-founder")
        before, path = place.commits(), route.at(**ids)
        answers = [
            visitor.post(path, {**fields, "csrf": ""}, **JSON),
            visitor.post(path, {**fields, "csrf": "0" * 64}, **JSON),
            visitor.post(path, {**fields, "csrf": other.csrf}, **JSON),
            visitor.post(path, {**fields, "csrf": stale.get(act.by, stale["lab-lead"]) if act is not None else stale[""]}, **JSON),
            visitor.post(path, fields, **JSON, **{"sec-fetch-site": "cross-site"}),
            visitor.post(path, fields, **JSON, **{"sec-fetch-site": "same-site"}),
            visitor.post(f"{path}?csrf={visitor.csrf}", {**fields, "csrf": ""}, **JSON),
        ]
        if [(each.status_code, _code(each)) for each in answers] != [(403, "csrf_failed")] * 7 or place.commits() != before:
            taken += [str(route)]
    assert taken == []


@pytest.mark.parametrize("path", ACTS)
def test_an_act_belongs_to_its_roles_alone(place: Ground, path: str) -> None:
    act, who = ACTS[path], WHO[f"POST {path}"]
    assert not isinstance(who, str)
    ids = dict(act.fresh(place))
    place.settle()
    before = snapshot(place)
    refused = {key: _done(place.visitor(key), path, act, place, ids, **JSON) for key, role in PEOPLE.items() if role not in who}
    answers = {key: (answer.status_code, _code(answer)) for key, answer in refused.items()}
    assert answers == dict.fromkeys(refused, (403, "role_required"))
    assert (len(refused) >= 6 or who in (ANYONE_SIGNED_IN, PARTNERS), changed(before, snapshot(place))) == (True, [])
    done = _done(place.visitor(act.by), path, act, place, ids)
    assert (done.status_code in (200, 303), changed(before, snapshot(place)) != [] or path in CHANGES_NOTHING) == (True, True), done.text


def test_every_act_says_whether_it_asks_for_a_second_factor() -> None:
    of_staff = {path for path in ACTS if path.startswith(("/desk", "/compliance", "/operator"))}
    assert (ACTS.keys() - ASKS.keys() - FREE - of_staff, (ASKS.keys() | FREE) - ACTS.keys(), ASKS.keys() & FREE) == (set(), set(), set())


@pytest.mark.parametrize("path", [path for path in ACTS if path not in FREE and ACTS[path].by in {each.key for each in CAST}])
def test_no_act_that_asks_for_a_second_factor_goes_without(place: Ground, path: str) -> None:
    act = ACTS[path]
    ids = dict(act.fresh(place))
    visitor = place.with_session(act.by, second_factor_at=None)
    fields = act.fields(place, ids)
    place.settle()
    before = snapshot(place, EVIDENCE)
    answer = visitor.post(Route("pages", "POST", path).at(**ids), fields, **JSON)
    assert _code(answer) == "second_factor_required" or "This needs a second factor" in answer.text, answer.text
    assert (answer.status_code in (403, 422), changed(before, snapshot(place, EVIDENCE))) == (True, [])
    visitor.close()


@pytest.mark.parametrize(
    "path", [path for path, kind in ASKS.items() if NEEDS[kind].recent and ACTS[path].by in {each.key for each in CAST}]
)
def test_no_act_that_asks_for_a_fresh_proof_takes_an_old_one(place: Ground, path: str) -> None:
    act, old = ACTS[path], place.house.clock.now() - timedelta(minutes=10, seconds=1)
    ids = dict(act.fresh(place))
    visitor = place.with_session(act.by, second_factor_at=old, reauthenticated_at=old)
    fields = act.fields(place, ids)
    place.settle()
    before = snapshot(place, EVIDENCE)
    answer = visitor.post(Route("pages", "POST", path).at(**ids), fields, **JSON)
    assert _code(answer) in ("reauthentication_required", "invalid_input") or "Give your password once more" in answer.text, answer.text
    assert (answer.status_code in (403, 422), changed(before, snapshot(place, EVIDENCE))) == (True, [])
    visitor.close()


def _tokens_of_sessions_before(place: Ground) -> dict[str, str]:
    """What everyone's forms held in the session before the one that they have now."""
    tokens = {}
    for key in ("", *(each.key for each in CAST)):
        visitor = place.visitor(key)
        tokens[key] = visitor.csrf
        if key:
            visitor.become(place.session(key))
        else:
            visitor.forget("licet_visitor")
    return tokens


def _done(visitor: Visitor, path: str, act: Act, place: Ground, ids: dict[str, str], **headers: str) -> httpx.Response:
    return visitor.post(Route("pages", "POST", path).at(**ids), act.fields(place, ids), **headers)


def _ids(place: Ground, route: Route) -> dict[str, str]:
    """The lab's own things, in states in which every page about them can be opened."""
    state = "approved" if route.path.endswith("/draft") else "submitted"
    own = place.platform if route.path.startswith("/desk/") else place.lab
    known: dict[str, Any] = {
        "application_id": place.lab.applications[state],
        "contract_id": place.lab.contracts["offered" if route.path.endswith(("/revise", "/counter")) else "active"],
        "client_id": place.lab.clients["reader"].client_id,
        "crawler_id": place.lab.crawler,
        "registration_id": place.lab.registration,
        "authorization_id": place.lab.authorizations[0],
        "sandbox_id": place.lab.sandboxes[0],
        "session_ref": "ses_nothing",
        "passkey_id": "0" * 64,
        "lost_id": "los_nothing",
        "bar_id": place.lab.bar,
        "proposal_id": "prp_nothing",
        "policy_id": place.lab.policy,
        "request_id": place.lab.request,
        "account_id": place.account_of("lab-reader"),
        "hand_over_id": place.lab.hand_overs[0],
        "amendment_id": place.lab.amendments[0],
        "round_id": place.lab.rounds[0],
        "agreement_id": place.lab.agreements[0],
        "organisation_id": place.organisation_of("lab-reader"),
        "member_id": place.lab.member,
        "evidence_id": place.lab.evidence[0],
        "webhook_id": own.webhook,
        "message_id": own.message,
        "template": "research",
        "clause": "pace",
        "section_id": "keeping",
        "dataset_id": "trees",
        "kind": "research",
        "entry_id": place.entries(place.lab.contracts["active"])["placed"][0],
    }
    return {name: known[name] for name in route.names}


def _code(answer: httpx.Response) -> str:
    return str(answer.json()["code"]) if "problem+json" in answer.headers.get("content-type", "") else ""
