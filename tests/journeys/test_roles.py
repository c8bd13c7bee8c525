"""Each page and each act belongs to its roles: everyone else is refused, and a refusal changes nothing. So does a form without its token.

The routes are read from the app, who may use them stands in one table (`acts.WHO`), and each act is shown to work for those who may,
so that no refusal here is owed to a form that was wrong anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from contracts.people.assurance import NEEDS
from contracts.people.roles import Role
from tests.journeys.acts import ACTS, ANYONE_SIGNED_IN, ASKS, CHANGES_NOTHING, DEMO, FREE, PARTNERS, PUBLIC, WHO, Act
from tests.journeys.later_life import furnish_further
from tests.journeys.two_partners import AUDITOR, CAST, LAB, STAFF, Ground, changed, furnish, ground, people_of, snapshot
from tests.journeys.walk import Route, routes_of

JSON = {"accept": "application/json"}
# A refusal for want of a factor or a fresh proof is an entry; nothing else may come of it.
EVIDENCE: dict[str, tuple[str, ...]] = {"ledger_counter": (), "ledger_entry": (), "ledger_value": (), "ledger_node_counter": ()}
# One person for each role, each holding that role alone.
PEOPLE: dict[str, Role] = {
    **{each.key: each.role for each in STAFF if each.key != "second-steward"},
    AUDITOR.key: Role.AUDITOR,
    **{each.key: each.role for each in people_of(LAB)[1:]},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("roles")) as made:
        furnish(made)
        furnish_further(made)
        made.stale = _tokens_of_sessions_before(made)
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


def test_no_form_of_everyones_is_taken_without_its_own_token(place: Ground, pages: list[Route]) -> None:
    for route in (each for each in pages if each.method == "POST" and each.path not in ACTS):
        assert _taken_without_token(place, "", route.at(**dict.fromkeys(route.names, "steward")), {}) == [], str(route)


@pytest.mark.parametrize("path", ACTS)
def test_an_act_belongs_to_its_roles_its_page_and_its_proof(place: Ground, path: str) -> None:
    act, who = ACTS[path], WHO[f"POST {path}"]
    assert not isinstance(who, str)
    ids = dict(act.fresh(place))
    at, others = Route("pages", "POST", path).at(**ids), [key for key, role in PEOPLE.items() if role not in who]
    fields = act.fields(place, ids)
    assert _taken_without_token(place, act.by, at, fields) == []
    before = place.commits()
    answers = {key: _said(place.visitor(key).post(at, fields, **JSON)) for key in others}
    assert (answers, place.commits()) == (dict.fromkeys(others, (403, "role_required")), before)
    assert len(others) >= 6 or who in (ANYONE_SIGNED_IN, PARTNERS)
    for session, refusals in _poorer_sessions(place, path):
        assert _refused(place, act, ids, at, session) in refusals
    before = place.commits()
    done = place.visitor(act.by).post(at, act.fields(place, ids))
    assert (done.status_code in (200, 303), place.commits() != before or path in CHANGES_NOTHING) == (True, True), done.text


def test_every_act_says_whether_it_asks_for_a_second_factor() -> None:
    of_staff = {path for path in ACTS if path.startswith(("/desk", "/compliance", "/operator"))}
    assert (ACTS.keys() - ASKS.keys() - FREE - of_staff, (ASKS.keys() | FREE) - ACTS.keys(), ASKS.keys() & FREE) == (set(), set(), set())


def _taken_without_token(place: Ground, key: str, at: str, fields: Mapping[str, Any]) -> list[tuple[int, str]]:
    """What was not refused of a form sent from elsewhere: without its token, with another's, of a session before, from another site."""
    visitor, before = place.visitor(key), place.commits()
    answers = [
        visitor.post(at, {**fields, "csrf": ""}, **JSON),
        visitor.post(at, {**fields, "csrf": "0" * 64}, **JSON),
        visitor.post(at, {**fields, "csrf": place.visitor("rival-founder").csrf}, **JSON),
        visitor.post(at, {**fields, "csrf": place.stale.get(key, place.stale["lab-lead"])}, **JSON),
        visitor.post(at, fields, **JSON, **{"sec-fetch-site": "cross-site"}),
        visitor.post(at, fields, **JSON, **{"sec-fetch-site": "same-site"}),
        visitor.post(f"{at}?csrf={visitor.csrf}", {**fields, "csrf": ""}, **JSON),
    ]
    taken = [_said(each) for each in answers if _said(each) != (403, "csrf_failed")]
    return taken if place.commits() == before else [*taken, (0, "written")]


def _poorer_sessions(place: Ground, path: str) -> Iterator[tuple[dict[str, datetime | None], tuple[str, ...]]]:
    """Sessions of the right person that are too poor for the act: without a second factor, and with a proof that is too old; what each says."""
    if path in FREE or ACTS[path].by not in {each.key for each in CAST}:
        return
    yield {"second_factor_at": None}, ("second_factor_required", "This needs a second factor")
    if path in ASKS and NEEDS[ASKS[path]].recent:
        old = place.house.clock.now() - timedelta(minutes=10, seconds=1)
        told = ("reauthentication_required", "invalid_input", "Give your password once more")
        yield {"second_factor_at": old, "reauthenticated_at": old}, told


def _refused(place: Ground, act: Act, ids: dict[str, str], at: str, session: dict[str, datetime | None]) -> str:
    """How the act is refused in such a session: its code, or what the page says; nothing but evidence of it is written."""
    visitor = place.with_session(act.by, **session)
    fields = act.fields(place, ids)
    before = snapshot(place, EVIDENCE)
    answer = visitor.post(at, fields, **JSON)
    assert (answer.status_code in (403, 422), changed(before, snapshot(place, EVIDENCE))) == (True, [])
    visitor.close()
    said = ("This needs a second factor", "Give your password once more")
    return _code(answer) or next((each for each in said if each in answer.text), answer.text)


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
        "search_id": place.lab.search,
        "hold_id": place.lab.hold,
        "appeal_id": place.lab.appeal,
        "account_id": place.account_of("lab-reader"),
        "hand_over_id": place.lab.hand_overs[0],
        "amendment_id": place.lab.amendments[0],
        "round_id": place.lab.rounds[0],
        "agreement_id": place.lab.agreements[0],
        "organisation_id": place.organisation_of("lab-reader"),
        "member_id": place.lab.member,
        "evidence_id": place.lab.evidence[0],
        "visit_id": place.lab.visit,
        "webhook_id": own.webhook,
        "message_id": own.message,
        "template": "research",
        "clause": "pace",
        "section_id": "keeping",
        "dataset_id": "trees",
        "kind": "research",
        "entry_id": place.entries(place.lab.contracts["active"])[0],
    }
    return {name: known[name] for name in route.names}


def _code(answer: httpx.Response) -> str:
    return str(answer.json()["code"]) if "problem+json" in answer.headers.get("content-type", "") else ""


def _said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, _code(answer)
