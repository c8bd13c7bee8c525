"""One organisation cannot read, infer or change another's things: every route that takes an id is asked with a foreign one.

The answer to an id of somebody else is the answer to an id that nobody has, byte for byte; nothing of the store changes; and no word
of the other organisation stands in it. The routes are read from the apps, so that a new one cannot be forgotten (`acts`).
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from contracts.access.query import RESERVED
from contracts.ids import new_id
from tests.harness import partner
from tests.harness.visitor import Visitor
from tests.journeys import reading_guide
from tests.journeys.acts import ACTS, NAMES, NOBODYS, PARAMETERS, PARTNERS, PUBLIC, WHO
from tests.journeys.later_life import furnish_further
from tests.journeys.two_partners import CAST, LAB, RIVAL, Ground, changed, furnish, ground, people_of, snapshot
from tests.journeys.walk import Route, names_read, queries_of, routes_of

RIVALS = [each.key for each in people_of(RIVAL)]
ROLES = {each.key: frozenset(each.roles) for each in people_of(RIVAL)}
TELLING = ("content-type", "location", "cache-control", "content-disposition", "www-authenticate", "retry-after")
# A refusal of the API is an entry, a token moves the client's use: both of the asking side alone.
OF_THE_ASKING = {
    "issued_token": (),
    "ledger_counter": (),
    "ledger_entry": (),
    "ledger_value": (),
    "ledger_plain_value": (),
    "ledger_node_counter": (),
    "client": ("last_used_at", "last_network"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("isolation")) as made:
        furnish(made)
        furnish_further(made)
        yield made


@pytest.fixture(scope="module")
def routes(place: Ground) -> list[Route]:
    return routes_of(place.house)


def test_no_route_and_no_name_is_forgotten(place: Ground, routes: list[Route]) -> None:
    named = [each for each in routes if each.names and str(each) not in NOBODYS]
    assert [str(each) for each in named if not PARAMETERS.keys() >= set(each.names)] == [], "add a recipe to acts.PARAMETERS"
    posts = {each.path for each in routes if each.face == "pages" and each.method == "POST" and WHO.get(str(each)) in set(_role_sets())}
    assert posts == ACTS.keys(), "add what the form holds to acts.ACTS"
    read = names_read() | queries_of(place.house) | set(RESERVED)
    assert (read - NAMES.keys(), _tests_named() - set(globals())) == (set(), set()), "add the name to acts.NAMES"


@pytest.mark.parametrize("key", ["", *RIVALS])
def test_an_id_of_another_partner_is_an_id_that_nobody_has(place: Ground, routes: list[Route], key: str) -> None:
    asked, visitor = 0, place.visitor(key)
    before = snapshot(place)
    for route in (each for each in routes if each.face == "pages" and each.names and str(each) not in NOBODYS):
        # A page that is not for the person refuses by role before it looks for anything, so one id of each kind shows it.
        for foreign, missing in itertools.islice(_twins(place, route), None if _is_for(route, key) else 2):
            _asked_alike(place, visitor, route, foreign, missing)
            asked += 1
    assert (asked > 100, changed(before, snapshot(place))) == (True, [])


@pytest.mark.parametrize("key", ["steward", "compliance", "operator", "administrator"])
def test_staff_know_nothing_of_an_application_that_was_not_handed_in(place: Ground, routes: list[Route], key: str) -> None:
    for route in (each for each in routes if each.names == ("application_id",)):
        draft, missing = {"application_id": place.lab.applications["draft"]}, {"application_id": new_id("app")}
        assert _asked_alike(place, place.visitor(key), route, draft, missing) in (403, 404), str(route)


def test_pages_of_a_partner_hold_nothing_of_another(place: Ground, routes: list[Route]) -> None:
    for path, text in _own_pages(place, routes).items():
        assert _words_of_the_lab(place, text, {}) == [], path


def test_what_another_partner_does_changes_nothing_on_a_partners_pages(place: Ground, routes: list[Route]) -> None:
    place.settle()
    before = _own_pages(place, routes)
    contract = place.contract("lab-founder", "active")
    client = place.story.make_client("lab-founder", contract, "lab-later", "api")
    place.settle()
    place.ask(client, "/v1/datasets/trees/records?limit=40")
    place.contract("lab-founder", "suspended")
    place.applied("lab-founder")
    place.settle()
    after = _own_pages(place, routes)
    # A proof leads to the newest checkpoint, which is public: entries' own pages may show that the tree grew.
    assert [path for path in before if before[path] != after[path] and not path.startswith("/partner/entries/")] == []


def test_machines_answer_a_foreign_id_as_one_that_nobody_has(place: Ground, routes: list[Route]) -> None:
    before, asked = snapshot(place, OF_THE_ASKING), []
    bearer = {"authorization": f"Bearer {place.token(place.rival.clients['reader'])}"}
    for route in (each for each in routes if each.face != "pages" and each.names and str(each) not in NOBODYS):
        for foreign, missing in _twins(place, route):
            body, typed = (b"{}", {"content-type": "application/json"}) if route.method == "POST" else (None, {})
            theirs, nobodys = (
                partner.ask(place.base_url, route.method, route.at(**ids), body, {**bearer, **typed}) for ids in (foreign, missing)
            )
            assert _answered(theirs, foreign) == _answered(nobodys, missing), f"{route} with {foreign}"
            # A registration is managed with a token of its own, and no other is one (RFC 7592 section 2).
            refused = (401,) if route.path.startswith("/oauth/register/") else (403, 404)
            assert (theirs.status in refused, _words_of_the_lab(place, theirs.body.decode(), foreign)) == (True, []), str(route)
            asked += [str(route)]
    of_datasets = {f"GET /v1/datasets/{{dataset_id}}{each}" for each in ("", "/records", "/aggregate")}
    of_datasets |= {f"POST /v1/datasets/{{dataset_id}}/{each}" for each in ("query", "estimate")}
    assert set(asked) >= {"GET /v1/access-log/{entry_id}/proof", *of_datasets}
    assert changed(before, snapshot(place, OF_THE_ASKING)) == []


def test_an_id_in_the_query_does_not_take_the_place_of_the_one_in_the_path(place: Ground) -> None:
    own, theirs = (place.entries(each.contracts["active"]) for each in (place.rival, place.lab))
    reader = place.rival.clients["reader"]
    mine = next(each for each in own if place.ask(reader, f"/v1/access-log/{each}/proof").status == 200)
    plain = place.ask(reader, f"/v1/access-log/{mine}/proof")
    for other in (theirs[0], own[-1], new_id("ent")):
        assert place.ask(reader, f"/v1/access-log/{mine}/proof?entry_id={other}").body == plain.body
    assert place.ask(reader, "/v1/datasets/trees?dataset_id=benches").json["id"] == "trees"


def test_lists_of_machines_hold_what_is_the_callers_own(place: Ground) -> None:
    reader, own = place.rival.clients["reader"], place.rival.contracts["active"]
    place.settle()
    for path in ("contract", "datasets", "usage", "access-log", "erasures", "status"):
        answer = place.ask(reader, f"/v1/{path}")
        assert (answer.status, _words_of_the_lab(place, answer.body.decode(), {})) == (200, []), path
    log = place.ask(reader, "/v1/access-log").json["data"]
    assert {each["contract"] for each in log} == {own}
    used = place.ask(reader, "/v1/usage").json["data"]
    assert sum(each["records"] for each in used) == sum(each.get("rows", 0) for each in log if each["event"] == "access.records")


def test_a_place_in_another_partners_list_shows_nothing_of_it(place: Ground) -> None:
    own = place.rival.contracts["active"]
    for before in ("1", "7", "30", "200", "99999999999999999"):
        log = place.ask(place.rival.clients["reader"], f"/v1/access-log?before={before}").json
        assert {each["contract"] for each in log["data"]} <= {own}
        page = place.visitor("rival-lead").get(f"/partner/contracts/{own}/entries?before={before}")
        assert (page.status_code, _words_of_the_lab(place, page.text, {})) == (200, [])


def test_a_cursor_of_another_contract_is_no_cursor(place: Ground) -> None:
    path = "/v1/datasets/trees/records?limit=10&fields=id"
    cursor = place.ask(place.lab.clients["reader"], path).json["next"]
    assert place.ask(place.lab.clients["reader"], f"{path}&cursor={cursor}").status == 200
    invented = secrets.token_urlsafe(len(cursor))[: len(cursor)]
    theirs, nobodys = (place.ask(place.rival.clients["reader"], f"{path}&cursor={each}") for each in (cursor, invented))
    assert (theirs.status, theirs.json["code"]) == (422, "cursor_unusable")
    assert _answered(theirs, {}) == _answered(nobodys, {})


def test_a_pseudonym_of_another_contract_names_no_record(place: Ground) -> None:
    theirs = place.ask(place.lab.clients["reader"], "/v1/datasets/trees/records?limit=1&fields=id").json["data"][0]["id"]
    invented = f"ps_{secrets.token_hex(16)}"
    answers = [place.ask(place.rival.clients["reader"], f"/v1/datasets/trees/records?fields=id&id={each}") for each in (theirs, invented)]
    assert _answered(answers[0], {}) == _answered(answers[1], {})
    assert (answers[0].status, answers[0].json["data"]) == (200, [])


def test_a_client_of_another_partner_is_unknown_without_its_secret(place: Ground) -> None:
    lab, rival = place.lab.clients["reader"], place.rival.clients["reader"]
    before = snapshot(place, OF_THE_ASKING)

    def token(client_id: str, secret: str) -> tuple[int, Any, str | None]:
        body = f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}".encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = partner.ask(place.base_url, "POST", "/oauth/token", body, headers)
        return answer.status, answer.json, answer.headers.get("www-authenticate")

    unknown = token(new_id("cli"), rival.client_secret)
    assert unknown[0] == 401
    assert token(lab.client_id, rival.client_secret) == unknown
    assert token(lab.client_id, secrets.token_urlsafe(30)) == unknown
    assert token(lab.client_id, "") == token(new_id("cli"), "")
    assert changed(before, snapshot(place, OF_THE_ASKING)) == []


def test_a_token_of_another_partner_is_none_to_ask_about_and_none_to_give_back(place: Ground) -> None:
    theirs, rival = place.token(place.lab.clients["reader"]), place.rival.clients["reader"]
    before = snapshot(place, OF_THE_ASKING)

    def posted(address: str, token: str) -> tuple[int, Any]:
        form = {"token": token, "client_id": rival.client_id, "client_secret": rival.client_secret}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = partner.ask(place.base_url, "POST", address, urlencode(form).encode(), headers)
        return answer.status, answer.json

    unknown = posted("/oauth/introspect", "no token at all")
    assert unknown == (200, {"active": False})
    assert posted("/oauth/introspect", theirs) == unknown
    assert posted("/oauth/introspect", place.token(rival))[1]["active"] is True
    assert posted("/oauth/revoke", theirs)[0] == 400
    assert changed(before, snapshot(place, OF_THE_ASKING)) == []
    read = partner.ask(place.base_url, "GET", "/v1/datasets/trees/records?limit=1", headers={"authorization": f"Bearer {theirs}"})
    assert read.status == 200


def test_what_the_store_keeps_of_sessions_opens_none(place: Ground) -> None:
    from sqlmodel import select

    from contracts.people.tables import SignInSession

    with place.house.store.read() as session:
        kept = session.exec(select(SignInSession.id)).all()
    thief = Visitor(place.base_url, "203.0.250.9")
    for each in kept[-5:]:
        thief.become(each)
        assert thief.get("/partner").headers["location"].startswith("/sign-in?next=")
    thief.close()


def test_the_next_page_lies_on_this_portal_and_gives_no_right(place: Ground) -> None:
    theirs = f"/partner/contracts/{place.lab.contracts['active']}"
    outside = (
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\tx",
        " //evil.example",
    )
    for key in ("", "rival-lead"):
        visitor = place.visitor(key)
        for path in outside:
            for page in ("/sign-in", "/sign-up"):
                answer = visitor.get(str(httpx.URL(page, params={"next": path})))
                assert "evil.example" not in answer.headers.get("location", "") + answer.text, (page, path)
    newcomer = Visitor(place.base_url, "203.0.251.9")
    codes = place.recovery_codes("rival-lead")
    person = next(each for each in CAST if each.key == "rival-lead")
    for path, leads_to in ((theirs, theirs), *((each, "/partner") for each in outside)):
        newcomer.post("/sign-out")
        newcomer.changed_hands()
        answer = newcomer.post("/sign-in", {"email": person.email, "password": person.password, "next": path})
        newcomer.changed_hands()
        waits_at = answer.headers["location"]
        assert (waits_at.partition("?")[0], "evil" in waits_at) == ("/sign-in/code", False), path
        answer = newcomer.post("/sign-in/code", {"code": codes.pop(), "next": path})
        newcomer.changed_hands()
        assert (answer.status_code, answer.headers["location"]) == (303, leads_to), path
    assert newcomer.get(theirs).status_code == 404
    newcomer.close()


def _role_sets() -> Iterator[frozenset[Any]]:
    yield from (each for each in WHO.values() if not isinstance(each, str))


def _tests_named() -> set[str]:
    return {why for why in NAMES.values() if why.startswith("test_")}


def _twins(place: Ground, route: Route) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Every way to put the lab's ids into a route, the rest being the rival's own; each with its like that nobody has."""
    own = {name: PARAMETERS[name].theirs(place, place.rival) for name in route.names}
    for where in itertools.product((True, False), repeat=len(route.names)):
        foreign_names = [name for name, is_foreign in zip(route.names, where, strict=True) if is_foreign]
        if not foreign_names:
            continue
        for values in itertools.product(*(PARAMETERS[name].theirs(place, place.lab) for name in foreign_names)):
            rest = {name: own[name][0] for name in route.names}
            yield {**rest, **dict(zip(foreign_names, values, strict=True))}, {**rest, **{n: PARAMETERS[n].missing() for n in foreign_names}}


def _asked_alike(place: Ground, visitor: Visitor, route: Route, foreign: dict[str, str], missing: dict[str, str]) -> int:
    """Ask for both; the answers are the same, say nothing of the lab, and nothing was written. Returns the status."""
    fields = dict(ACTS[route.path].fields(place, foreign)) if route.path in ACTS and route.method == "POST" else {}
    assert visitor.csrf
    commits = place.commits()
    theirs, nobodys = (_send(visitor, route, ids, fields) for ids in (foreign, missing))
    assert _told(theirs, foreign) == _told(nobodys, missing), f"{route} with {foreign}"
    assert (_words_of_the_lab(place, theirs.text, foreign), place.commits() - commits) == ([], 0), f"{route} with {foreign}"
    return theirs.status_code


def _is_for(route: Route, key: str) -> bool:
    who = WHO[str(route)]
    return who == PUBLIC or (not isinstance(who, str) and bool(who & ROLES.get(key, frozenset())))


def _send(visitor: Visitor, route: Route, ids: dict[str, str], fields: dict[str, Any]) -> httpx.Response:
    return visitor.get(route.at(**ids)) if route.method == "GET" else visitor.post(route.at(**ids), fields)


def _told(answer: httpx.Response, ids: dict[str, str]) -> tuple[Any, ...]:
    """All that an answer tells, without the ids that were asked for."""
    return answer.status_code, *(_without(answer.headers.get(name, ""), ids) for name in TELLING), _without(answer.text, ids)


def _answered(answer: partner.Reply, ids: dict[str, str]) -> tuple[Any, ...]:
    """As `_told`, for machines; the refusal's own entry and the running count of a pace are left out."""
    text = re.sub(r'"entry":"ent_\w+"', '"entry":""', _without(answer.body.decode(), ids))
    return answer.status, *(_without(answer.headers.get(name, ""), ids) for name in TELLING), text


def _without(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace(value, f"<{name}>")
    return text


def _words_of_the_lab(place: Ground, text: str, asked: dict[str, str]) -> list[str]:
    """What of the lab stands in a text, but for the ids that were asked for."""
    return sorted(word for word in place.words_of(LAB, place.lab) - set(asked.values()) if word in text)


def _own_pages(place: Ground, routes: list[Route]) -> dict[str, str]:
    """Every page that partners have, as the rival's lead sees it with the rival's own ids."""
    visitor, found = place.visitor("rival-lead"), {}
    pages = [each for each in routes if each.method == "GET" and WHO.get(str(each)) == PARTNERS]
    for route in pages:
        for values in itertools.product(*(PARAMETERS[name].theirs(place, place.rival) for name in route.names)):
            path = route.at(**dict(zip(route.names, values, strict=True)))
            found[path] = visitor.get(path).text
    assert len(found) > 30
    return found


def test_an_auditor_reads_nothing_outside_the_visit(place: Ground) -> None:
    place.settle()
    auditor = place.visitor("auditor")
    theirs = place.entries(place.rival.contracts["active"])
    own = place.entries(f'"organisation":"{place.organisation_of("lab-reader")}"')
    assert len(own) > 10
    assert {auditor.get(f"/audit/entries/{each}").status_code for each in own} == {200}
    for path in ("", "/proof"):
        foreign = [auditor.get(f"/audit/entries/{each}{path}", accept="application/json") for each in (*theirs, new_id("ent"))]
        assert {(each.status_code, each.json()["detail"]) for each in foreign} == {(404, "There is no such entry in your visit.")}
    assert [word for word in place.words_of(RIVAL, place.rival) if word in auditor.get("/audit").text] == []


def test_a_stranger_follows_the_archives_own_reading_guide(place: Ground, tmp_path: Path) -> None:
    """Nothing but the archive, its guide and the key: each command that the guide names is run as it stands there."""
    place.settle()
    (tmp_path / "visit.zip").write_bytes(place.visitor("auditor").get("/audit/archive").content)
    found = reading_guide.followed(tmp_path / "visit.zip", place.house.sequencer.ensure_key(), tmp_path)
    assert (found.checked.startswith("Holds: "), reading_guide.held_against_what_was_agreed(found) > 0) == (True, True)
    assert "contract.activated" in found.decided
    assert [word for word in place.words_of(RIVAL, place.rival) if word in found.decided + json.dumps(found.entries)] == []
