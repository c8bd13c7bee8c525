"""A visit, from its opening to its end: the auditor reads the slice, the whole slice and nothing but the slice, and no day longer."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.deliveries.ordinals import pack
from contracts.deliveries.tables import Delivery
from contracts.errors import Refused
from contracts.house import House
from contracts.ledger import queries, verify_licet
from contracts.ledger.queries import Search
from contracts.ledger.stage import Entry, record
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Membership, SignInSession
from contracts.visits import service, slices
from contracts.visits.tables import AuditVisit
from tests.portal.house import browser, mails, post, sign_in

EMAIL = "ada@authority.example"
AGREED = Entry(event="contract.activated", organisation="org_lab", contract="ctr_lab", subject="ctr_lab")


def _write(house: House, organisation: str, ordinals: tuple[int, ...] = ()) -> str:
    with house.store.write() as unit:
        contract = f"ctr_{organisation.removeprefix('org_')}"
        facts = {"organisation": organisation, "contract": contract, "dataset": "feeds", "rows": len(ordinals)}
        entry_id = record(unit, Entry(event="access.records", decision="allow", personal={"network": "203.0.113.0/24"}, **facts))  # type: ignore[arg-type]  # of several types
        if ordinals:
            unit.session.add(
                Delivery(
                    entry_id=entry_id,
                    contract_id=contract,
                    dataset="feeds",
                    version="1",
                    ordinals=pack(ordinals),
                    lowest=min(ordinals),
                    highest=max(ordinals),
                    count=len(ordinals),
                    at=unit.now,
                )
            )
        return entry_id


@pytest.fixture
def written(house: House) -> dict[str, str]:
    """Entries of two partners; the first holds a record of each person, the second one of p-1."""
    with house.store.write() as unit:
        agreed = record(unit, AGREED)
    made = {"agreed": agreed, "both": _write(house, "org_lab", (0, 2)), "second": _write(house, "org_lab", (2,))}
    made |= {"none": _write(house, "org_lab"), "rival": _write(house, "org_rival", (1,))}
    house.sequencer.integrate()
    return made


def opened(house: House, cora: TestClient, **fields: str) -> AuditVisit:
    last = (house.clock.now().date() + timedelta(days=7)).isoformat()
    asked = {"slice": "partner", "partner": "org_lab", "authority": "The Authority", "email": EMAIL, "last_day": last}
    answer = post(cora, "/compliance/visits", **(asked | fields))
    assert (answer.status_code, answer.headers.get("location")) == (303, "/compliance/visits?done=visit-opened"), answer.text
    with house.store.read() as session:
        return session.exec(select(AuditVisit).where(AuditVisit.email == fields.get("email", EMAIL))).one()


def join_path(house: House, email: str) -> str:
    """Where the mail to the auditor leads."""
    (mail,) = mails(house, email)
    found = re.search(r"/join/\S+", mail)
    assert found is not None
    return found[0]


def let_in(house: House) -> TestClient:
    """The auditor by the link in the mail, signed in with a second factor."""
    answer = post(browser(house), join_path(house, EMAIL), name="Ada Auditor", password="a hedge of hornbeam and yew")
    assert answer.status_code == 303, answer.text
    return sign_in(house, EMAIL)


def shown(auditor: TestClient, written: dict[str, str]) -> set[str]:
    """What of the entries the list shows; each entry's own page must agree with it."""
    page = auditor.get("/audit")
    assert page.status_code == 200, page.text
    listed = {name for name, entry_id in written.items() if f"/audit/entries/{entry_id}" in page.text}
    answers = {name: auditor.get(f"/audit/entries/{entry_id}").status_code for name, entry_id in written.items()}
    assert answers == {name: 200 if name in listed else 404 for name in written}
    proofs = {name: auditor.get(f"/audit/entries/{entry_id}/proof").status_code for name, entry_id in written.items()}
    assert proofs == answers
    return listed


def test_an_auditor_reads_the_partner_of_the_visit_and_nothing_else(house: House, cora: TestClient, written: dict[str, str]) -> None:
    opened(house, cora)
    auditor = let_in(house)
    assert shown(auditor, written) == {"agreed", "both", "second", "none"}
    paths = (
        "/compliance",
        "/compliance/visits",
        f"/compliance/entries/{written['both']}",
        "/desk",
        "/partner",
        "/partner/contracts",
        "/operator",
    )
    assert [auditor.get(path, headers={"accept": "application/json"}).status_code for path in paths] == [403] * len(paths)
    assert "203.0.113" not in auditor.get(f"/audit/entries/{written['both']}").text
    assert auditor.get("/audit?before=x").status_code == 200
    proof = auditor.get(f"/audit/entries/{written['both']}/proof").text
    _, _, leaf = verify_licet.check_proof(proof, house.sequencer.ensure_key(), [])
    assert json.loads(leaf)["id"] == written["both"]


def test_a_visit_about_a_person_keeps_places_and_no_name(house: House, cora: TestClient, written: dict[str, str]) -> None:
    visit = opened(house, cora, slice="person", partner="", person="p-2")
    assert (visit.contracts, visit.partner_id, "p-2" in str(visit.model_dump())) == (["ctr_lab"], "", False)
    assert shown(let_in(house), written) == {"agreed", "both", "second"}
    with house.store.read() as session:
        entries = queries.search(session, Search(event="visit.opened")).rows
        facts = queries.entry(session, entries[0].entry_id).facts if entries else {}
    assert "p-2" not in json.dumps(facts)


def test_a_person_who_is_unknown_or_whose_name_several_have_opens_no_visit(house: House, cora: TestClient, written: dict[str, str]) -> None:
    fields = {"slice": "person", "authority": "A", "email": EMAIL, "last_day": house.clock.now().date().isoformat()}
    for person, message in (("p-9", "No dataset has a record"), ("kim_old", "Several people go by this name"), ("", "Write the person")):
        answer = post(cora, "/compliance/visits", **fields, person=person)
        assert (answer.status_code, message in answer.text) == (422, True)
    with house.store.read() as session:
        assert session.exec(select(AuditVisit)).all() == []


def test_a_visit_about_a_period_ends_with_its_last_day(house: House, cora: TestClient, written: dict[str, str]) -> None:
    today = house.clock.now().date()
    before = (today - timedelta(days=1)).isoformat()
    opened(house, cora, slice="period", partner="", since=today.isoformat(), until=today.isoformat())
    assert shown(let_in(house), written) == set(written)
    opened(house, cora, slice="period", partner="", since=before, until=before, email="other@authority.example")
    with house.store.read() as session:
        visit = session.exec(select(AuditVisit).where(AuditVisit.email == "other@authority.example")).one()
        assert list(slices.places(session, visit)) == []


def test_the_account_ends_by_itself_with_the_last_day(house: House, cora: TestClient, clock: FixedClock, written: dict[str, str]) -> None:
    visit = opened(house, cora, last_day=house.clock.now().date().isoformat())
    auditor = let_in(house)
    left = visit.ends_at - house.clock.now()
    clock.advance(seconds=left.total_seconds() - 1)
    with house.store.read() as session:
        assert service.visit_of(session, _auditor(house, visit), clock.now()).id == visit.id
    clock.advance(seconds=1)
    with house.store.read() as session, pytest.raises(Refused, match="Your visit has ended"):
        service.visit_of(session, _auditor(house, visit), clock.now())
    assert (service.end_due(house.store), service.end_due(house.store)) == (1, 0)
    assert auditor.get("/audit", headers={"accept": "application/json"}).status_code == 401
    with house.store.read() as session:
        held = session.exec(select(Membership).where(Membership.organisation_id == visit.organisation_id)).all()
        assert [each.ended_at for each in held] == [clock.now()]
        account = people.find_account(session, EMAIL)
        assert account is not None
        open_sessions = select(SignInSession).where(SignInSession.account_id == account.id, SignInSession.expires_at > clock.now())
        assert [each for each in session.exec(open_sessions).all() if each.ended_at is None] == []


def _auditor(house: House, visit: AuditVisit) -> Actor:
    return Actor("acc_x", visit.organisation_id, "Ada", EMAIL, frozenset({Role.AUDITOR}), second_factor_at=house.clock.now())


def test_compliance_ends_a_visit_at_once_and_its_link_with_it(house: House, cora: TestClient, written: dict[str, str]) -> None:
    first = opened(house, cora)
    auditor = let_in(house)
    assert auditor.get("/audit").status_code == 200
    assert post(cora, f"/compliance/visits/{first.id}/end", page="/compliance/visits").status_code == 303
    assert auditor.get("/audit", headers={"accept": "application/json"}).status_code == 401
    second = opened(house, cora, email="late@authority.example")
    post(cora, f"/compliance/visits/{second.id}/end", page="/compliance/visits")
    assert browser(house).get(join_path(house, "late@authority.example")).status_code == 409
    assert post(cora, f"/compliance/visits/{second.id}/end", page="/compliance/visits").status_code == 409


def test_an_auditor_without_a_second_factor_sets_one_up_first(house: House, cora: TestClient) -> None:
    visit = opened(house, cora)
    plain = Actor("acc_x", visit.organisation_id, "Ada", EMAIL, frozenset({Role.AUDITOR}))
    with house.store.read() as session, pytest.raises(Refused) as caught:
        service.visit_of(session, plain, house.clock.now())
    assert caught.value.refusal.code == "second_factor_required"


def test_the_archive_is_the_slice_and_whoever_makes_it_is_recorded(
    house: House, cora: TestClient, written: dict[str, str], tmp_path: Path
) -> None:
    visit = opened(house, cora)
    auditor = let_in(house)
    for client, path in ((cora, f"/compliance/visits/{visit.id}/archive"), (auditor, "/audit/archive")):
        file = tmp_path / "visit.zip"
        file.write_bytes(client.get(path).content)
        told = verify_licet.check_export(str(file), house.sequencer.ensure_key(), [])
        assert told["query"] == {"visit": visit.id, "slice": "partner", "partner": "org_lab"}
        with zipfile.ZipFile(file) as archive:
            entries = [json.loads(line)["entry"] for line in archive.read("entries.jsonl").splitlines()]
            decided = list(csv.DictReader(io.StringIO(archive.read("decisions.csv").decode())))
            guide = archive.read("GUIDE.txt").decode()
        assert {each["id"] for each in entries} >= {written[name] for name in ("agreed", "both", "second", "none")}
        assert {each["organisation"] for each in entries} == {"org_lab"}
        assert [(each["entry"], each["what"]) for each in decided] == [(written["agreed"], "Countersigned and sealed; in force")]
        assert "HOW TO READ AND CHECK THIS ARCHIVE" in guide
    with house.store.read() as session:
        made = queries.search(session, Search(event="ledger.exported")).rows
    assert [row.who for row in made] == ["Ada Auditor", "Cora Compliance"]
