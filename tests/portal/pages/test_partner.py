"""A partner's pages: applying, signing, clients, usage, entries, team; and that another organisation's objects do not exist."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlmodel import col, select

from contracts.applications.tables import Application
from contracts.billing.tables import UsageRow
from contracts.clock import FixedClock
from contracts.credentials.tables import Client
from contracts.health.tables import HealthDay, HealthMinute
from contracts.house import House
from contracts.ids import new_id
from contracts.ledger.proofs import read_proof
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract, Signature
from contracts.people.roles import Role
from contracts.quotas.tables import QuotaAlert, QuotaDay
from contracts.search.tables import EntryKind, SearchedEntry
from contracts.terms.model import from_json
from contracts.terms.odrl_read import from_odrl
from portal.demo.answers import typed
from tests.portal.house import PASSWORD, add_person, browser, link_in, mails, post, sign_in
from tests.portal.scene import contract, submitted

IDS = (
    select(LedgerEntry.id)
    .join(SearchedEntry, col(SearchedEntry.index) == col(LedgerEntry.index))
    .join(EntryKind, col(EntryKind.id) == col(SearchedEntry.kind))
)
LEAD, RIVAL, FIRST, SECOND = "ada@northfield.example", "rita@rival.example", "mara@agora.example", "jon@agora.example"
STEWARDS = (FIRST, SECOND)

ANSWERS = {
    "project": "Weather talk",
    "kind": "research",
    "purpose": "research",
    "purpose_text": "How people talk about the weather, by language.",
    "fields": ["id", "lang", "text"],
    "rows.lang": "en, de",
    "starts": "2026-11-02",
    "ends": "2027-11-01",
    **typed(["text"]),
}


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    add_person(house, RIVAL, "Rita Rival", Role.LEAD, organisation="org_rival")
    for email, name in ((FIRST, "Mara Lindqvist"), (SECOND, "Jon Petrov")):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")


def begun(client: object) -> str:
    """The path of a fresh draft."""
    return str(post(client, "/apply", dataset="posts").headers["location"])  # type: ignore[arg-type]  # a TestClient


def test_an_empty_today_says_what_will_appear(house: House) -> None:
    text = sign_in(house, LEAD).get("/partner").text
    assert "Nothing waits for you" in text and "This is where your work will wait" in text


def test_a_draft_is_saved_and_shown_again(house: House) -> None:
    client = sign_in(house, LEAD)
    path = begun(client)
    saved = post(client, path, act="save", revision="1", **{**ANSWERS, "purpose_text": "", "ends": ""})
    assert saved.headers["location"] == f"{path}?done=saved"
    text = client.get(path).text
    assert 'value="Weather talk"' in text and 'value="en, de"' in text
    assert re.search(r'value="text" checked', text) and not re.search(r'value="likes" checked', text)


def test_a_new_draft_begins_with_a_year_from_today(house: House) -> None:
    client = sign_in(house, LEAD)
    text = client.get(begun(client)).text
    assert re.findall(r'name="(starts|ends)" type="date" value="([^"]*)"', text) == [("starts", "2026-11-02"), ("ends", "2027-11-01")]


def test_handing_in_with_gaps_names_each_and_keeps_the_draft(house: House) -> None:
    client = sign_in(house, LEAD)
    path = begun(client)
    answer = post(client, path, act="submit", revision="1", project="We", fields=["id"])
    assert answer.status_code == 422
    for each in ("in at least 3 characters", "Choose one of the purposes", "Give the first day", 'href="#f-purpose_text"', 'value="We"'):
        assert each in answer.text
    with house.store.read() as session:
        assert [(each.state, each.project) for each in session.exec(select(Application)).all()] == [("draft", "We")]


def test_handing_in_tells_the_decision_date_and_mails_it(house: House) -> None:
    client = sign_in(house, LEAD)
    path = begun(client)
    assert post(client, path, act="submit", revision="1", **ANSWERS).headers["location"] == f"{path}?done=submitted"
    assert "A person decides by 16 Nov 2026" in client.get(path).text
    assert "16 November 2026" in mails(house, LEAD)[0]
    assert "Decision on “Weather talk”" in client.get("/partner").text


def test_a_colleagues_change_does_not_throw_away_what_was_typed(house: House) -> None:
    client = sign_in(house, LEAD)
    path = begun(client)
    post(client, path, act="save", revision="1", **ANSWERS)
    late = post(client, path, act="save", revision="1", **{**ANSWERS, "project": "My own title"})
    assert (late.status_code, "A colleague saved" in late.text, 'value="My own title"' in late.text) == (422, True, True)
    assert 'name="revision" value="2"' in late.text


def test_taking_back_an_application(house: House) -> None:
    application = submitted(house, LEAD)
    client = sign_in(house, LEAD)
    path = f"/partner/applications/{application.id}"
    post(client, f"{path}/withdraw", page=path, revision=str(application.revision))
    assert "Withdrawn" in client.get(path).text


def test_signing_asks_for_everything_at_once_and_then_signs(house: House, clock: FixedClock) -> None:
    made = contract(house, "offered", lead=LEAD, stewards=STEWARDS)
    client = sign_in(house, LEAD)
    clock.advance(minutes=11)
    path = f"/partner/contracts/{made.id}"
    assert "Sign the contract “Weather talk in three languages”" in client.get("/partner").text
    gaps = post(client, f"{path}/sign", page=path, revision=str(made.revision), name="Ada Okafor")
    assert gaps.status_code == 422
    assert all(each in gaps.text for each in ("Say in what role you sign", "Say that you have read", "Give your password once more"))
    filled = {"revision": str(made.revision), "name": "Ada Okafor", "capacity": "Head of laboratory", "authority": "office", "read": "yes"}
    wrong = post(client, f"{path}/sign", page=path, password="not the password", **filled)
    assert (wrong.status_code, "not your password" in wrong.text) == (422, True)
    signed = post(client, f"{path}/sign", page=path, password=PASSWORD, **filled)
    assert signed.headers["location"] == f"{path}?done=signed"
    with house.store.read() as session:
        rows = [(each.name, each.capacity, each.side) for each in session.exec(select(Signature)).all()]
        assert (rows, session.get_one(Contract, made.id).state) == ([("Ada Okafor", "Head of laboratory", "partner")], "signed")


def test_a_reader_may_read_but_not_sign_or_create(house: House) -> None:
    add_person(house, "ron@northfield.example", "Ron Reader", Role.READER, organisation="org_northfield")
    made = contract(house, "offered", lead=LEAD, stewards=STEWARDS)
    client = sign_in(house, "ron@northfield.example")
    path = f"/partner/contracts/{made.id}"
    text = client.get(path).text
    assert "What it allows" in text and "Sign contract" not in text
    filled = {
        "revision": str(made.revision),
        "name": "Ron",
        "capacity": "Reader",
        "authority": "office",
        "read": "yes",
        "password": PASSWORD,
    }
    assert post(client, f"{path}/sign", page="/account", **filled).status_code == 403


def test_a_clients_secret_is_shown_once_beside_ready_commands(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    client = sign_in(house, LEAD)
    path = f"/partner/contracts/{made.id}"
    shown = post(client, f"{path}/clients", page=path, name="nightly-pull", audience="api")
    secret = re.search(r"licet_cs_\w+", shown.text)
    assert shown.status_code == 200 and secret is not None
    assert shown.headers["cache-control"] == "no-store"
    assert "/v1/datasets/posts/records?fields=id,author_id,created_at,lang,country,text&amp;limit=5" in shown.text
    for again in (path, f"{path}/usage", f"{path}/entries", "/partner"):
        assert secret.group() not in client.get(again).text
    with house.store.read() as session:
        stored = session.exec(select(Client)).one()
    assert (stored.name, secret.group() in stored.model_dump_json()) == ("nightly-pull", False)


def test_a_client_without_a_name_is_refused_on_the_contracts_page(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    client = sign_in(house, LEAD)
    path = f"/partner/contracts/{made.id}"
    answer = post(client, f"{path}/clients", page=path, name="", audience="api")
    assert (answer.status_code, "Give the credential a name" in answer.text) == (422, True)


def test_revoking_a_client(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    client = sign_in(house, LEAD)
    path = f"/partner/contracts/{made.id}"
    post(client, f"{path}/clients", page=path, name="nightly-pull", audience="api")
    with house.store.read() as session:
        client_id = session.exec(select(Client.id)).one()
    assert post(client, f"{path}/clients/{client_id}/revoke", page=path).headers["location"] == f"{path}?done=revoked"
    assert "Revoked" in client.get(path).text


def test_a_suspension_is_told_with_its_reason(house: House) -> None:
    made = contract(house, "suspended", lead=LEAD, stewards=STEWARDS)
    client = sign_in(house, LEAD)
    for path in ("/partner", f"/partner/contracts/{made.id}"):
        assert "Records were found on a public web page." in client.get(path).text


def test_usage_shows_records_and_exact_cost_by_day(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS, kind="commercial")
    today = house.clock.now().date()
    for ago, rows in ((0, 1_001), (1, 25_000)):
        with house.store.write() as unit:
            unit.session.add(QuotaDay(contract_id=made.id, day=today - timedelta(days=ago), used=rows))
            unit.session.add(_usage(made, rows, unit.now))
            unit.session.flush()
    text = sign_in(house, LEAD).get(f"/partner/contracts/{made.id}/usage").text
    figures = re.findall(r"<dd>([^<]+)</dd>", text)
    assert figures[:4] == ["1,001", "26,001", "EUR 10.40", "EUR 0.40"]
    assert "EUR 10.4004" in text  # 26,001 records at 0.40 a thousand, to the last digit
    assert "Payments stand-in" in text and "What you were told" not in text


def test_usage_says_what_the_contracts_people_were_told_of_its_quotas(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    today = house.clock.now().date()
    with house.store.write() as unit:
        for percent, used in ((80, 800), (100, 1_000)):
            alert = {"term": "records_per_day", "since": today, "limit": 1_000, "percent": percent, "used": used}
            unit.session.add(QuotaAlert(contract_id=made.id, told_at=unit.now, **alert))
    page = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", sign_in(house, LEAD).get(f"/partner/contracts/{made.id}/usage").text, flags=re.S)
    told = " ".join(page.partition("What you were told")[2].split())
    assert "Used up Records in a day: 1,000 of 1,000" in told and "80 % Records in a day: 800 of 1,000" in told


def test_usage_says_how_requests_ended_and_how_the_service_does(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    now = house.clock.now()
    with house.store.write() as unit:
        unit.session.add(HealthDay(contract_id=made.id, day=now.date(), answered=1_990, refused=8, failed=2))
        unit.session.add(HealthDay(contract_id=made.id, day=now.date() - timedelta(days=29), answered=1_000))
        unit.session.add(HealthDay(contract_id=made.id, day=now.date() - timedelta(days=30), failed=1_000))
        for minutes in (0, 60):
            minute = (now - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
            unit.session.add(HealthMinute(minute=minute, answered=99_999, failed=1))
    page = sign_in(house, LEAD).get(f"/partner/contracts/{made.id}/usage").text
    told = " ".join(re.sub(r"<[^>]+>", " ", page.partition("How requests ended")[2]).split())
    assert "Today 2,000 8 (0.4 %) 2 (0.1 %) 30 days 3,000 8 (0.27 %) 2 (0.07 %)" in told
    assert "5 minutes 100,000 1 (under 0.01 %) 24 hours 200,000 2 (under 0.01 %)" in told


def _usage(made: Contract, rows: int, now: object) -> UsageRow:
    return UsageRow(
        id=new_id("use"),
        entry_id=new_id("ent"),
        contract_id=made.id,
        organisation_id=made.organisation_id,
        dataset="posts",
        day=now.date(),  # type: ignore[attr-defined]  # a moment
        rows=rows,
        price_per_1000="0.40",
        currency="EUR",
        at=now,
    )


def test_own_entries_with_a_proof_that_checks(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    with house.store.write() as unit:
        record(unit, Entry(event="access.records", decision="allow", organisation="org_northfield", contract=made.id, rows=5))
    client = sign_in(house, LEAD)
    assert "being integrated" in client.get(f"/partner/contracts/{made.id}/entries").text
    sequencer = Sequencer(house.store, house.keys, "agora.example/ledger")
    while sequencer.integrate():
        pass
    text = client.get(f"/partner/contracts/{made.id}/entries?decision=allow").text
    entry_id = re.search(r"/partner/entries/(ent_\w+)", text)
    assert entry_id is not None
    assert "Download proof" in client.get(f"/partner/entries/{entry_id.group(1)}").text
    proof = read_proof(client.get(f"/partner/entries/{entry_id.group(1)}/proof").text)
    assert entry_id.group(1).encode() in proof.leaf


def test_what_staff_did_shows_without_their_personal_values(house: House) -> None:
    contract(house, "suspended", lead=LEAD, stewards=STEWARDS)
    sequencer = Sequencer(house.store, house.keys, "agora.example/ledger")
    while sequencer.integrate():
        pass
    with house.store.read() as session:
        entry_id = session.exec(IDS.where(EntryKind.event == "contract.suspended")).one()
    text = sign_in(house, LEAD).get(f"/partner/entries/{entry_id}").text
    assert "Someone of the platform acted here" in text
    assert "found on a public web page" not in text


def test_another_organisation_finds_nothing_by_any_id(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    owner = sign_in(house, LEAD)
    post(owner, f"/partner/contracts/{made.id}/clients", page=f"/partner/contracts/{made.id}", name="nightly", audience="api")
    with house.store.read() as session:
        client_id = session.exec(select(Client.id)).one()
    sequencer = Sequencer(house.store, house.keys, "agora.example/ledger")
    while sequencer.integrate():
        pass
    with house.store.read() as session:
        entry_id = session.exec(IDS.where(EntryKind.contract_id == made.id)).first()
    path = f"/partner/contracts/{made.id}"
    rival = sign_in(house, RIVAL)
    reads = [path, f"{path}/pdf", f"{path}/usage", f"{path}/entries", f"/partner/applications/{made.application_id}"]
    reads += [f"{path}/terms.json", f"{path}/odrl.json"]
    reads += [f"/partner/entries/{entry_id}", f"/partner/entries/{entry_id}/proof"]
    assert {each: rival.get(each).status_code for each in reads} == dict.fromkeys(reads, 404)
    acts = [f"{path}/sign", f"{path}/clients", f"{path}/clients/{client_id}/revoke", f"/partner/applications/{made.application_id}"]
    acts.append(f"/partner/applications/{made.application_id}/withdraw")
    filled = {"revision": "1", "name": "x", "capacity": "x", "authority": "office", "read": "yes", "password": PASSWORD, "audience": "api"}
    assert {each: post(rival, each, page="/account", **filled).status_code for each in acts} == dict.fromkeys(acts, 404)
    own = [each for each in reads if each != f"{path}/pdf"]
    assert {each: owner.get(each).status_code for each in own} == dict.fromkeys(own, 200)


def test_a_contract_is_handed_out_as_pdf(house: House) -> None:
    made = contract(house, "offered", lead=LEAD, stewards=STEWARDS)
    answer = sign_in(house, LEAD).get(f"/partner/contracts/{made.id}/pdf")
    assert (answer.headers["content-type"], answer.content[:5]) == ("application/pdf", b"%PDF-")


def test_the_terms_are_handed_out_for_machines_to_both_sides(house: House) -> None:
    made = contract(house, "offered", lead=LEAD, stewards=STEWARDS)
    with house.store.read() as session:
        version = version_of(session, made)
    for who, base in ((LEAD, "/partner/contracts"), (STEWARDS[0], "/desk/contracts")):
        client = sign_in(house, who)
        terms, odrl = client.get(f"{base}/{made.id}/terms.json"), client.get(f"{base}/{made.id}/odrl.json")
        assert sha256(terms.content).hexdigest() == version.terms_sha256
        assert (terms.headers["content-type"], odrl.headers["content-type"]) == ("application/json", "application/ld+json")
        assert odrl.headers["content-disposition"] == f'attachment; filename="{made.id}-version-1-odrl.json"'
        read, parties = from_odrl(odrl.json())
        assert (read, parties.assignee) == (from_json(version.terms_json), "licet:organisation:org_northfield")
        assert odrl.json()["licet:termsSha256"] == version.terms_sha256


def test_staff_are_told_that_partner_pages_are_not_theirs(house: House) -> None:
    client = sign_in(house, FIRST)
    assert [client.get(path).status_code for path in ("/partner", "/partner/contracts", "/partner/team")] == [403] * 3


def test_a_lead_invites_a_colleague(house: House) -> None:
    client = sign_in(house, LEAD)
    missing = post(client, "/partner/team", email="ben@northfield.example")
    assert (missing.status_code, "Choose what the person may do" in missing.text) == (422, True)
    assert post(client, "/partner/team", email="ben@northfield.example", role="steward").status_code == 422
    assert (
        post(client, "/partner/team", email="ben@northfield.example", role="developer").headers["location"] == "/partner/team?done=invited"
    )
    assert "ben@northfield.example" in client.get("/partner/team").text
    guest = browser(house)
    post(guest, link_in(mails(house, "ben@northfield.example")[0]), name="Ben", password=PASSWORD)
    assert "Ben" in client.get("/partner/team").text
