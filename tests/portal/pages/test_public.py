"""Public pages without an account, as pages and as JSON."""

from __future__ import annotations

import re

from contracts.clock import FixedClock
from contracts.house import House
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.portal.house import DATASETS, add_person, browser, post, settings, sign_in, small_house
from tests.portal.scene import contract

LEAD, FIRST, SECOND = "ada@northfield.example", "mara@agora.example", "jon@agora.example"


def cast(house: House) -> None:
    """One partner and two stewards."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    add_person(house, FIRST, "Mara Lindqvist", Role.STEWARD, organisation="org_agora", side="platform")
    add_person(house, SECOND, "Jon Petrov", Role.STEWARD, organisation="org_agora", side="platform")


def test_everyone_sees_fields_rows_terms_price_and_how_long_it_takes(house: House) -> None:
    text = browser(house).get("/datasets/posts").text
    for each in (
        "created_at",
        "Schönes Spiel!",
        "EUR 0.40 per 1,000 records",
        "What an application asks",
        "16 Nov 2026",
        "500,000 records a day",
    ):
        assert each in text
    assert "on request" in browser(house).get("/datasets/adverts").text


def test_sample_rows_never_show_an_id_as_the_source_has_it(house: House) -> None:
    client = browser(house)
    assert not re.search(r"u-17|p-4711", client.get("/datasets/posts").text)
    told = client.get("/datasets/posts", headers={"accept": "application/json"}).json()
    assert [sorted(row) for row in told["samples"]] == [sorted(row["name"] for row in told["fields"])] * 3
    assert told["samples"][0]["author_id"] == told["samples"][2]["author_id"] != told["samples"][1]["author_id"]


def test_what_every_contract_has_generalised_is_so_in_the_catalogue(sqlite_store: Store, clock: FixedClock) -> None:
    posts = DATASETS["posts"]
    time, town = {**posts["fields"]["created_at"], "at_least": "month"}, {**posts["fields"]["country"], "grains": ["region"]}
    fields = {**posts["fields"], "created_at": time, "country": {**town, "at_least": "region", "regions": {"GB": "Isles", "DE": "Main"}}}
    client = browser(small_house(sqlite_store, clock, settings(datasets={"posts": {**posts, "fields": fields}})))
    told = client.get("/datasets/posts", headers={"accept": "application/json"}).json()
    given = {each["name"]: (each["type"], each["given"]) for each in told["fields"]}
    assert (given["created_at"], given["country"]) == (("string", "The month alone"), ("string", "The region alone"))
    assert [(each["created_at"], each["country"]) for each in told["samples"]] == [
        ("2026-03", "Isles"),
        ("2026-03", "Main"),
        ("2026-03", None),
    ]
    text = client.get("/datasets/posts").text
    assert "The month alone" in text and "2026-03-01" not in text


def test_the_catalogue_as_json(house: House) -> None:
    told = browser(house).get("/datasets", headers={"accept": "application/json"}).json()
    assert [(each["id"], each["price"], each["apply"]) for each in told["datasets"]] == [
        ("posts", "EUR 0.40 per 1,000 records", "/apply?dataset=posts"),
        ("adverts", "on request", "/apply?dataset=adverts"),
    ]


def test_an_unknown_dataset_is_not_found(house: House) -> None:
    assert browser(house).get("/datasets/nothing").status_code == 404


def test_applying_without_an_account_leads_through_sign_up_with_the_dataset(house: House) -> None:
    text = browser(house).get("/apply?dataset=adverts").text
    assert "First an account, then Advertisements" in text
    assert "/sign-up?next=%2Fapply%3Fdataset%3Dadverts" in text


def test_a_partner_begins_an_application(house: House) -> None:
    cast(house)
    client = sign_in(house, LEAD)
    begun = post(client, "/apply", dataset="posts")
    assert (begun.status_code, begun.headers["location"].startswith("/partner/applications/app_")) == (303, True)
    assert post(client, "/apply", dataset="nothing").status_code == 404


def test_staff_cannot_apply(house: House) -> None:
    cast(house)
    client = sign_in(house, FIRST)
    assert "Applications come from partners" in client.get("/apply").text
    assert post(client, "/apply", dataset="posts").status_code == 403


def test_the_register_names_what_was_ever_in_force_and_nothing_else(house: House) -> None:
    cast(house)
    for state in ("offered", "signed"):
        contract(house, state, lead=LEAD, stewards=(FIRST, SECOND))
    assert browser(house).get("/licences", headers={"accept": "application/json"}).json() == {"licences": []}
    active = contract(house, "active", lead=LEAD, stewards=(FIRST, SECOND))
    told = browser(house).get("/licences", headers={"accept": "application/json"}).json()["licences"]
    assert told == [
        {
            "contract_id": active.id,
            "organisation": "org_northfield",
            "title": "Weather talk in three languages",
            "kind": "research",
            "purposes": ["research"],
            "datasets": ["posts"],
            "fields": ["id", "author_id", "created_at", "lang", "country", "text"],
            "field_count": 6,
            "withheld": [],
            "starts": "2026-11-02",
            "ends": "2027-11-02",
            "state": "active",
        }
    ]
    shown = browser(house).get("/licences").text
    assert "In force" in shown and "Ada" not in shown and "Mara" not in shown


def test_transparency_counts_no_drafts(house: House) -> None:
    cast(house)
    contract(house, "active", lead=LEAD, stewards=(FIRST, SECOND))
    contract(house, "draft", lead=LEAD, stewards=(FIRST, SECOND))
    text = browser(house).get("/transparency").text
    assert text.count('<td class="num">2</td>') == 1  # two applications approved
    assert text.count('<td class="num">1</td>') == 1  # one contract active
