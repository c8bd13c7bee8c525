"""The tour: what its stops are judged by, who may take it, and that its clicks do what they say."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.house import House
from contracts.store.unit import Store
from portal.app import create_portal
from portal.demo.answers import typed
from portal.demo.people import ORGANISATIONS, PEOPLE, person
from portal.pages.demo.exchange import Reader
from portal.pages.demo.readers import Readers
from portal.pages.demo.stops import STOPS, TourFacts, progress
from portal.pages.demo.walk import paths
from tests.portal.house import add_person, post, settings, small_house

HERE = ("127.0.0.1", 50_000)
WALK = (
    {"application_id": "app_1", "application_state": "draft"},
    {"application_state": "submitted"},
    {"application_state": "in_review"},
    {"lawful": True},
    {"application_state": "approved"},
    {"contract_id": "ctr_1", "contract_state": "offered"},
    {"contract_state": "signed"},
    {"contract_state": "active", "in_force": True},
    {"answered_entry": "ent_1"},
    {"entry_viewed": True},
    {"letter_written": True},
    {"contract_state": "suspended", "refused_entry": "ent_2"},
    {"scraper_stopped": True},
    {"handed_in_again": True},
    {"decided_again": True},
    {"wish_answered": True},
    {"amendment_signed": True},
)


@pytest.fixture
def demo(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> House:
    """The demo's people on a small house."""
    house = small_house(sqlite_store, clock, settings(profile="demo", home=tmp_path))
    sides = {each.key: each.side.value for each in ORGANISATIONS}
    for each in PEOPLE:
        add_person(house, each.email, each.name, *each.roles, organisation=f"org_{each.organisation}", side=sides[each.organisation])
    return house


def visitor(house: House, address: str = "http://127.0.0.1:8400", client: tuple[str, int] = HERE) -> TestClient:
    return TestClient(create_portal(house), base_url=address, client=client, follow_redirects=False)


def test_each_step_of_the_walk_makes_the_next_stop_the_present_one() -> None:
    facts, seen = TourFacts(), []
    for change in WALK:
        seen.append(next(view.stop.key for view in progress(facts) if view.state == "now"))
        facts = replace(facts, **change)  # type: ignore[arg-type]  # names are those of the facts
    assert seen == [stop.key for stop in STOPS]
    assert {view.state for view in progress(facts)} == {"done"}


def test_every_stop_is_the_part_of_a_person_of_the_cast_or_of_nobody() -> None:
    assert {stop.who for stop in STOPS} <= {""} | {each.key for each in PEOPLE}


def test_a_declined_application_or_an_ended_contract_blocks_the_way() -> None:
    assert TourFacts(application_id="app_1", application_state="declined").ended
    assert TourFacts(contract_id="ctr_1", contract_state="terminated").ended
    assert not TourFacts(contract_id="ctr_1", contract_state="terminated", refused_entry="ent_1").ended


def test_paths_lead_nowhere_before_there_is_something_to_lead_to() -> None:
    assert paths(TourFacts()) == {"catalogue": "/datasets/posts", "scraper": "/operator"}
    begun = paths(TourFacts(returned_id="app_2", appealed_id="app_3", countered_id="ctr_2", amendment_id="amd_1"))
    assert {name: begun[name].partition("?")[0] for name in ("return", "appeal", "counter", "amend")} == {
        "return": "/partner/applications/app_2",
        "appeal": "/desk/applications/app_3",
        "counter": "/desk/contracts/ctr_2",
        "amend": "/partner/amendments/amd_1",
    }
    whole = paths(TourFacts(application_id="app_1", contract_id="ctr_1", answered_entry="ent_1"))
    assert whole["sign"] == "/partner/contracts/ctr_1?name=Nora+Whitfield&capacity=Principal+Investigator#sign"
    assert (whole["contract"], whole["proof"]) == ("/desk/contracts/ctr_1", "/compliance/entries/ent_1")
    assert whole["letter"] == "/compliance/deliveries"


@pytest.mark.parametrize(
    ("address", "client"),
    [("http://demo.example:8400", HERE), ("http://127.0.0.1:8400", ("192.0.2.7", 50_000))],
    ids=["another name for this machine", "another machine"],
)
def test_the_tour_is_for_this_machine_alone(demo: House, address: str, client: tuple[str, int]) -> None:
    assert visitor(demo, address, client).get("/demo").status_code == 404


def test_there_is_no_tour_outside_the_demo(house: House) -> None:
    client = visitor(house)
    answers = [
        client.get("/demo"),
        *(post(client, path, page="/sign-in") for path in ("/demo/become/steward", "/demo/apply", "/demo/read")),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


def test_one_click_signs_in_as_anyone_of_the_cast_and_as_nobody_else(demo: House) -> None:
    client = visitor(demo)
    assert [post(client, f"/demo/become/{each.key}", page="/demo").status_code for each in PEOPLE] == [303] * len(PEOPLE)
    assert post(client, "/demo/become/mallory", page="/demo").status_code == 404
    post(client, "/demo/become/steward", page="/demo")
    assert person("steward").name in client.get("/desk").text


def test_becoming_someone_leads_only_to_a_page_of_this_portal(demo: House) -> None:
    client = visitor(demo)
    answers = [post(client, "/demo/become/steward", page="/demo", next=each) for each in ("/desk/people", "https://evil.example/")]
    assert [answer.headers["location"] for answer in answers] == ["/desk/people", "/desk"]


def test_a_click_from_another_site_signs_nobody_in(demo: House) -> None:
    assert visitor(demo).post("/demo/become/administrator", data={"csrf": "0" * 64}).status_code == 403


def test_applying_fills_the_form_in_once_and_starting_over_makes_another(demo: House) -> None:
    client = visitor(demo)
    first = post(client, "/demo/apply", page="/demo").headers["location"]
    again = post(client, "/demo/apply", page="/demo").headers["location"]
    over = post(client, "/demo/apply", page="/demo", act="over").headers["location"]
    text = client.get(first).text
    assert (again, over == first) == (first, False)
    assert "How local news crosses borders" in text and "nobody is named or quoted" in text
    assert 'class="now" aria-current="step"' in client.get("/demo").text


def test_the_tour_suggests_a_reason(demo: House) -> None:
    client = visitor(demo)
    path = post(client, "/demo/apply", page="/demo").headers["location"]
    form = re.findall(r'name="(revision)" value="(\d+)"', client.get(path).text)
    fields = {"project": "How local news crosses borders", "kind": "research", "purpose": "research", "purpose_text": "x" * 30}
    dates = {"starts": "2026-11-02", "ends": "2027-11-01"}
    post(client, path, fields=["id", "lang"], act="submit", **dict(form), **typed(()), **fields, **dates)
    asked = path.rsplit("/", 1)[1]
    post(client, "/demo/become/steward", page="/demo")
    desk = f"/desk/applications/{asked}"
    post(client, f"{desk}/check", page=desk, **dict(re.findall(r'name="(revision)" value="(\d+)"', client.get(desk).text)))
    assert "Because the tour says so" in client.get(f"/desk/applications/{asked}?reason=Because+the+tour+says+so").text


def test_reading_before_there_is_a_contract_is_refused_with_the_way(demo: House) -> None:
    answer = post(visitor(demo), "/demo/read", page="/demo")
    assert answer.status_code == 409 and "take the stops before this one first" in answer.text


def test_the_tours_clients_are_kept_for_its_owner_alone(tmp_path: Path) -> None:
    reader = Reader("http://127.0.0.1:8400", "cli_1", "licet_cs_secret", "/v1/datasets/posts/records?limit=5")
    file = tmp_path / "tour.json"
    Readers(file).keep("ctr_1", reader)
    assert (Readers(file).of("ctr_1"), Readers(file).of("ctr_2")) == (reader, None)
    assert file.stat().st_mode & 0o777 == 0o600
