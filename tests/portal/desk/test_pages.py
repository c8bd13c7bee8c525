"""The desk's pages as stewards, compliance officers and administrators use them, over the real services."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.credentials.service import create_client
from contracts.credentials.tables import Client
from contracts.house import House
from contracts.incidents.service import open_incident
from contracts.ledger.sequencer import Sequencer
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.store.unit import Store
from contracts.terms.model import Audit, from_json
from portal.pages.desk import terms_form
from portal.pages.desk.duties import needs_another
from tests.portal.house import PASSWORD, add_person, inputs_of, mails, post, settings, sign_in, small_house
from tests.portal.scene import actor, checked, contract, submitted

LEAD, FIRST, SECOND = "ada@northfield.example", "mara@agora.example", "jon@agora.example"
OFFICER, ADMINISTRATOR, OPERATOR = "cora@agora.example", "alma@agora.example", "otto@agora.example"
STEWARDS = (FIRST, SECOND)


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    add_all(house)


def add_all(house: House) -> None:
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    staff = ((FIRST, "Mara Lindqvist", Role.STEWARD), (SECOND, "Jon Petrov", Role.STEWARD), (OFFICER, "Cora Brandt", Role.COMPLIANCE))
    for email, name, role in (*staff, (ADMINISTRATOR, "Alma Reyes", Role.ADMINISTRATOR), (OPERATOR, "Otto Berg", Role.OPERATOR)):
        add_person(house, email, name, role, organisation="org_agora", side="platform")


def of(house: House, table: type[Contract] | type[Application], key: str) -> Contract | Application:
    with house.store.read() as session:
        return session.get_one(table, key)


def revised(house: House, made: Contract) -> dict[str, str]:
    return {"revision": str(of(house, Contract, made.id).revision)}


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_the_desk_of_a_new_installation_begins_with_what_is_to_set_up(house: House) -> None:
    text = words(sign_in(house, FIRST).get("/desk").text)
    assert "Get ready for partners 3 steps are left. Before partners come 3 of 6 done" in text
    assert "A clear desk" not in text and "Nothing waits for you" not in text
    assert "A clear desk" in words(sign_in(house, OPERATOR).get("/desk").text)


def test_today_puts_the_decision_that_is_due_first_and_names_what_others_do(house: House) -> None:
    contract(house, "offered", lead=LEAD, stewards=STEWARDS)
    submitted(house, LEAD, project="Weather talk in two towns")
    text = words(sign_in(house, FIRST).get("/desk").text)
    assert "One thing waits for you" in text and "10 working days Check: Weather talk in two towns" in text
    assert "Signature of org_northfield" in text


def test_an_operator_sees_no_decisions_and_may_not_open_applications(house: House) -> None:
    asked = submitted(house, LEAD)
    client = sign_in(house, OPERATOR)
    assert "Nothing waits for you" in client.get("/desk").text
    assert [client.get(path).status_code for path in ("/desk/applications", f"/desk/applications/{asked.id}")] == [403, 403]


def test_a_partner_is_kept_off_every_page_of_the_desk(house: House) -> None:
    made = contract(house, "draft", lead=LEAD, stewards=STEWARDS)
    paths = ["/desk", "/desk/applications", f"/desk/applications/{made.application_id}", f"/desk/applications/{made.application_id}/draft"]
    paths += ["/desk/contracts", f"/desk/contracts/{made.id}", f"/desk/contracts/{made.id}/document.pdf"]
    paths += ["/desk/people", "/desk/incidents", "/desk/templates"]
    client = sign_in(house, LEAD)
    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 403)


def test_ids_that_do_not_exist_are_not_found(house: House) -> None:
    client = sign_in(house, FIRST)
    paths = ("/desk/applications/app_0", "/desk/contracts/ctr_0", "/desk/contracts?state=asleep", "/desk/applications?state=draft")
    assert [client.get(path).status_code for path in paths] == [404] * 4


def test_the_list_finds_by_words_and_state_and_gives_the_same_rows_as_a_file(house: House) -> None:
    kept = submitted(house, LEAD, project="=cmd: weather")
    submitted(house, LEAD, project="Trains")
    client = sign_in(house, FIRST)
    text = words(client.get("/desk/applications?q=WEATHER&state=waiting").text)
    assert "1 result" in text and "=cmd: weather" in text and "Trains" not in text
    answer = client.get("/desk/applications?q=weather&format=csv")
    lines = answer.text.splitlines()
    assert (answer.headers["content-type"], len(lines)) == ("text/csv; charset=utf-8", 2)
    assert lines[1].startswith(f"{kept.id},'=cmd: weather,org_northfield,posts,research,research,submitted,")


def test_lists_page_by_key_without_losing_or_repeating_a_row(house: House) -> None:
    wanted = {submitted(house, LEAD, project=f"Project {number:03d}").id for number in range(53)}
    client, path, seen = sign_in(house, FIRST), "/desk/applications", []
    while path:
        text = client.get(path).text
        seen += re.findall(r'href="/desk/applications/(app_\w+)"', text)
        following = re.search(r'href="([^"]+)">Next page', text)
        path = following.group(1).replace("&amp;", "&") if following else ""
    assert (len(seen), set(seen)) == (53, wanted)


def test_an_application_shows_the_request_beside_the_policy(house: House) -> None:
    asked = submitted(house, LEAD)
    text = words(sign_in(house, FIRST).get(f"/desk/applications/{asked.id}").text)
    assert "6 of 8 asked for" in text and "Replaced by a pseudonym of this contract" in text
    assert "Asks for personal fields that are given as they are." in text and "Their first request" in text
    assert "It is complete" in text and "Approve application" not in text


def test_no_address_puts_words_into_a_form_outside_the_demo(house: House) -> None:
    asked = submitted(house, LEAD)
    assert "planted" not in sign_in(house, FIRST).get(f"/desk/applications/{asked.id}?reason=planted").text


def test_a_compliance_officer_reads_an_application_but_gets_no_button(house: House) -> None:
    asked = submitted(house, LEAD)
    client = sign_in(house, OFFICER)
    assert "Approve application" not in client.get(f"/desk/applications/{asked.id}").text
    assert post(client, f"/desk/applications/{asked.id}/approve", page="/account", reason="x", revision="3").status_code == 403


def test_a_decision_without_a_reason_comes_back_with_the_error_beside_the_field(house: House) -> None:
    asked = checked(house, submitted(house, LEAD), actor(house, FIRST))
    client, path = sign_in(house, FIRST), f"/desk/applications/{asked.id}"
    answer = post(client, f"{path}/approve", page=path, code="as-asked", reason=" ", revision=str(asked.revision))
    assert answer.status_code == 422 and 'href="#f-reason"' in answer.text
    answer = post(client, f"{path}/decline", page=path, decline_reason="No.", revision=str(asked.revision))
    assert answer.status_code == 422 and 'href="#f-decline_code"' in answer.text
    assert of(house, Application, asked.id).state == "in_review"


def test_less_is_granted_than_was_asked_for_and_never_more(house: House) -> None:
    asked = checked(house, submitted(house, LEAD), actor(house, FIRST))
    client, path = sign_in(house, FIRST), f"/desk/applications/{asked.id}"
    granted = {"fields": ["lang", "text"], "rows.lang": "en", "rows.country": "SE", "starts": str(asked.starts), "ends": str(asked.ends)}
    form = {"code": "narrowed", "reason": "Two fields do.", "revision": str(asked.revision), **granted}
    wider = post(client, f"{path}/approve", page=path, **{**form, "rows.lang": "en, fr"})
    assert wider.status_code == 422 and "Rows were asked for only by some of these values" in wider.text
    unfit = post(client, f"{path}/approve", page=path, **{**form, "code": "as-asked"})
    assert unfit.status_code == 422 and 'href="#f-code"' in unfit.text
    assert post(client, f"{path}/approve", page=path, **form).headers["location"] == f"{path}?done=approved"
    found = of(house, Application, asked.id)
    assert isinstance(found, Application)
    assert (found.fields, found.rows) == (["lang", "text"], {"lang": ["en"], "country": ["SE"]})
    for who, page in ((FIRST, path), (LEAD, f"/partner/applications/{asked.id}")):
        text = words(sign_in(house, who).get(page).text)
        assert "Granted narrower than" in text and "id, author_id, created_at, lang, country, text" in text


def test_staff_read_a_returned_application_as_it_was_handed_in(house: House) -> None:
    asked = submitted(house, LEAD)
    client, path = sign_in(house, FIRST), f"/desk/applications/{asked.id}"
    form = {"return_code": "unclear", "return_reason": "Name the towns.", "revision": str(asked.revision)}
    assert post(client, f"{path}/return", page=path, **form).headers["location"] == f"{path}?done=returned"
    lead, mine = sign_in(house, LEAD), f"/partner/applications/{asked.id}"
    text = lead.get(mine).text
    assert "Name the towns." in text and "Hand in again" in text
    revision = str(of(house, Application, asked.id).revision)
    whole = {"project": "Unfinished thoughts", "kind": "research", "purpose": "research", "purpose_text": asked.purpose_text}
    days = {"starts": str(asked.starts), "ends": str(asked.ends)}
    post(lead, mine, page=mine, act="save", fields=["lang"], revision=revision, **whole, **days)
    assert "Unfinished thoughts" not in client.get(path).text
    revision = str(of(house, Application, asked.id).revision)
    done = post(lead, mine, page=mine, act="submit", fields=["lang"], revision=revision, **whole, **days)
    assert done.headers["location"] == f"{mine}?done=submitted"
    text = words(client.get(path).text)
    assert "Changed since it was returned" in text and "Unfinished thoughts" in text


def test_remarks_among_staff_are_not_on_the_applicants_pages(house: House) -> None:
    asked = submitted(house, LEAD)
    client, path = sign_in(house, OFFICER), f"/desk/applications/{asked.id}"
    post(client, f"{path}/remarks", page=path, remark="I doubt their grant.", advice="against")
    post(client, f"{path}/remarks", page=path, remark="Which towns?", shared="yes")
    assert "I doubt their grant." in sign_in(house, FIRST).get(path).text
    lead = sign_in(house, LEAD)
    text = lead.get(f"/partner/applications/{asked.id}").text
    assert "Which towns?" in text and "I doubt" not in text and text.count("Remark made") == 1


def test_approving_tells_the_applicant_and_leads_to_the_draft(house: House) -> None:
    asked = checked(house, submitted(house, LEAD), actor(house, FIRST))
    client, path = sign_in(house, FIRST), f"/desk/applications/{asked.id}"
    answer = post(client, f"{path}/approve", page=path, code="as-asked", reason="A clear question.", revision=str(asked.revision))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=approved")
    assert any("A clear question." in body for body in mails(house, LEAD))
    assert f'href="{path}/draft"' in client.get(path).text


def test_a_page_opened_before_somebody_else_decided_is_refused(house: House) -> None:
    asked = submitted(house, LEAD)
    path = f"/desk/applications/{asked.id}"
    mine, theirs = sign_in(house, FIRST), sign_in(house, SECOND)
    declined = {"decline_code": "not-proportionate", "decline_reason": "Too wide."}
    post(theirs, f"{path}/decline", page=path, **declined, revision=str(asked.revision))
    answer = post(mine, f"{path}/approve", page="/account", code="as-asked", reason="Fine.", revision=str(asked.revision))
    assert answer.status_code == 409 and of(house, Application, asked.id).state == "declined"


def draft_page(house: House) -> tuple[str, dict[str, object]]:
    """The draft page of an approved application, and its form as the page shows it."""
    asked = checked(house, submitted(house, LEAD), actor(house, FIRST))
    client, path = sign_in(house, FIRST), f"/desk/applications/{asked.id}"
    post(client, f"{path}/approve", page=path, code="as-asked", reason="A clear question.", revision=str(asked.revision))
    text = client.get(f"{path}/draft").text
    return f"{path}/draft", inputs_of(text) | {"networks": ""}


def test_a_contract_is_drafted_from_what_was_asked_and_narrowed(house: House) -> None:
    path, form = draft_page(house)
    fields = [name for name in form["fields"] if name != "text"]  # type: ignore[union-attr]  # a list of boxes
    changed = {"fields": fields, "records_per_day": "1,000", "row.lang": "en", "since": "2026-01-01", "networks": "192.0.2.0/24"}
    answer = post(sign_in(house, FIRST), path, **{**form, **changed, "act": "create"})
    assert answer.status_code == 303, words(answer.text)
    with house.store.read() as session:
        made = session.exec(select(Contract)).one()
        terms = from_json(version_of(session, made).terms_json)
    part = terms.datasets[0]
    assert (made.state, part.fields, terms.records_per_day) == ("draft", ("id", "author_id", "created_at", "lang", "country"), 1000)
    assert [(each.field, each.op, each.value) for each in part.rows] == [
        ("lang", "eq", "en"),
        ("created_at", "gte", "2026-01-01T00:00:00Z"),
    ]
    assert (part.pseudonymised, terms.networks, terms.price) == (("id", "author_id"), ("192.0.2.0/24",), None)


def test_quotas_duties_and_rights_of_the_form_become_terms(house: House) -> None:
    path, form = draft_page(house)
    numbers = {"records_in_period": "2,000,000", "distinct_records": "40,000", "concurrent_requests": "4", "bytes_per_day": "5,000,000"}
    more = {"refresh_days": "30", "certificate_days": "10", "audits_per_year": "1", "audit_notice_days": "14", "publish_free": "yes"}
    answer = post(sign_in(house, FIRST), path, **{**form, **numbers, **more, "act": "create"})
    assert answer.status_code == 303, words(answer.text)
    with house.store.read() as session:
        terms = from_json(version_of(session, session.exec(select(Contract)).one()).terms_json)
    agreed = {
        name: getattr(terms, name) for name in (*numbers, "refresh_days", "certificate_days", "publish_free", "exports", "erasure_hours")
    }
    assert agreed == {
        **{"records_in_period": 2_000_000, "distinct_records": 40_000, "concurrent_requests": 4, "refresh_days": 30},
        "bytes_per_day": 5_000_000,
        **{"certificate_days": 10, "publish_free": True, "exports": False, "erasure_hours": 24},
    }
    assert terms.audit == Audit(per_year=1, notice_days=14)
    assert (
        terms_form.shown(terms).values.items()
        >= {"audits_per_year": ["1"], "audit_notice_days": ["14"], "distinct_records": ["40,000"]}.items()
    )


def test_how_a_field_is_given_is_chosen_and_stands_in_the_contract(house: House) -> None:
    path, form = draft_page(house)
    client = sign_in(house, FIRST)
    preview = words(post(client, path, **{**form, "grain.created_at": "month", "act": "preview"}).text)
    assert "Of these fields of “Public posts” the month alone is given: created_at." in preview
    assert post(client, path, **{**form, "grain.created_at": "year", "act": "create"}).status_code == 422
    assert post(client, path, **{**form, "grain.created_at": "month", "act": "create"}).status_code == 303
    with house.store.read() as session:
        terms = from_json(version_of(session, session.exec(select(Contract)).one()).terms_json)
    assert terms.datasets[0].generalised == {"created_at": "month"}
    assert terms_form.shown(terms).text("grain.created_at") == "month"


def test_users_that_are_named_stand_in_the_contract_and_in_its_terms(house: House) -> None:
    path, form = draft_page(house)
    client = sign_in(house, FIRST)
    preview = words(post(client, path, **{**form, "named_users": "yes", "act": "preview"}).text)
    assert "Narrower than asked" in preview and "a program alone is refused. Accounts are personal" in preview
    assert post(client, path, **{**form, "named_users": "yes", "act": "create"}).status_code == 303
    with house.store.read() as session:
        text = version_of(session, session.exec(select(Contract)).one()).terms_json
    assert '"named_users":true' in text and from_json(text).named_users


def test_the_preview_shows_what_became_narrower_and_stores_nothing(house: House) -> None:
    path, form = draft_page(house)
    answer = post(sign_in(house, FIRST), path, **{**form, "records_per_day": "5", "act": "preview"})
    text = words(answer.text)
    assert answer.status_code == 200 and "Narrower than asked" in text and "at most 5 records in a day" in text
    with house.store.read() as session:
        assert session.exec(select(Contract)).all() == []


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("records_per_day", "900000000", "The dataset allows at most 500,000 records a day."),
        ("records_per_day", "many", "Write a whole number, such as 5000."),
        ("row.lang", "en, fr", "Records were asked for only by certain values of lang."),
        ("row.lang", "", "Name at least one value, with commas between several."),
        ("ends", "2020-01-01", "The last day lies before the first."),
        ("networks", "the campus", "Write each network as 192.0.2.0/24 or 2001:db8::/48, one a line."),
        ("price", "cheap", "Write the price as 0.40."),
        ("erasure_hours", "", "Say within how many hours an erased record is deleted."),
        ("concurrent_requests", "1001", "Write a whole number from 1 to 1,000, or nothing."),
        ("concurrent_requests", "0", "Write a whole number from 1 to 1,000, or nothing."),
        ("audits_per_year", "13", "Write a whole number from 1 to 12, or nothing."),
    ],
)
def test_terms_that_are_wider_or_unreadable_come_back_beside_their_field(house: House, field: str, typed: str, message: str) -> None:
    path, form = draft_page(house)
    answer = post(sign_in(house, FIRST), path, **{**form, field: typed, "act": "create"})
    assert answer.status_code == 422 and message in words(answer.text).replace("&#39;", "'")
    with house.store.read() as session:
        assert session.exec(select(Contract)).all() == []


def test_a_second_contract_is_not_drafted_from_one_application(house: House) -> None:
    made = contract(house, "offered", lead=LEAD, stewards=STEWARDS)
    assert sign_in(house, FIRST).get(f"/desk/applications/{made.application_id}/draft").status_code == 409


def test_offering_names_who_may_sign_and_tells_them(house: House) -> None:
    made = contract(house, "draft", lead=LEAD, stewards=STEWARDS)
    client, path = sign_in(house, FIRST), f"/desk/contracts/{made.id}"
    assert "1 person of org_northfield who may sign (Ada Okafor)" in words(client.get(path).text)
    answer = post(client, f"{path}/offer", page=path, **revised(house, made))
    assert answer.headers["location"] == f"{path}?done=offered" and of(house, Contract, made.id).state == "offered"


def test_who_drafted_it_is_told_that_another_steward_countersigns(house: House) -> None:
    made = contract(house, "signed", lead=LEAD, stewards=STEWARDS)
    client, path = sign_in(house, FIRST), f"/desk/contracts/{made.id}"
    text = client.get(path).text
    assert "You approved the application, so another steward countersigns." in text and "Countersign contract" not in text
    form = {"name": "Mara", "capacity": "Steward", "password": PASSWORD, **revised(house, made)}
    assert post(client, f"{path}/countersign", page="/account", **form).status_code == 403
    assert of(house, Contract, made.id).state == "signed"


def test_countersigning_asks_for_the_password_and_brings_it_into_force(house: House, clock: FixedClock) -> None:
    made = contract(house, "signed", lead=LEAD, stewards=STEWARDS)
    client, path = sign_in(house, SECOND), f"/desk/contracts/{made.id}"
    clock.advance(minutes=11)
    form = {"name": "Jon Petrov", "capacity": "Head of data access", **revised(house, made)}
    missing = post(client, f"{path}/countersign", page=path, **form)
    wrong = post(client, f"{path}/countersign", page=path, **form, password="not this one")
    assert (missing.status_code, wrong.status_code) == (422, 422)
    assert "Give your password once more" in missing.text and "That is not your password." in wrong.text
    right = post(client, f"{path}/countersign", page=path, **form, password=PASSWORD)
    assert right.headers["location"] == f"{path}?done=countersigned"
    text = words(client.get(path).text)
    assert of(house, Contract, made.id).state == "active" and "Jon Petrov Head of data access" in text


def test_the_password_counts_for_a_few_minutes(house: House, clock: FixedClock) -> None:
    made = contract(house, "signed", lead=LEAD, stewards=STEWARDS)
    client, path = sign_in(house, SECOND), f"/desk/contracts/{made.id}"
    post(client, f"{path}/countersign", page=path, name="", capacity="", password=PASSWORD, **revised(house, made))
    post(client, f"{path}/countersign", page=path, name="Jon", capacity="Head", password=PASSWORD, revision="0")
    assert 'name="password"' not in client.get(path).text
    clock.advance(minutes=10)
    assert 'name="password"' in client.get(path).text


def test_suspending_tells_the_effect_in_numbers_and_lifting_takes_two(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    with house.store.write() as unit:
        create_client(unit, actor(house, LEAD), made, name="nightly", audience="api")
    officer, path = sign_in(house, OFFICER), f"/desk/contracts/{made.id}"
    assert "1 client stops within 2 seconds" in words(officer.get(path).text)
    post(officer, f"{path}/suspend", page=path, reason="Records were found elsewhere.", **revised(house, made))
    assert "Records were found elsewhere." in officer.get(path).text
    unreasoned = post(officer, f"{path}/ask-lift", page=path, lift_reason="", **revised(house, made))
    assert unreasoned.status_code == 422 and 'href="#f-lift_reason"' in unreasoned.text
    post(officer, f"{path}/ask-lift", page=path, lift_reason="They were removed.", **revised(house, made))
    assert post(officer, f"{path}/lift", page=path, **revised(house, made)).status_code == 403
    assert post(sign_in(house, FIRST), f"{path}/lift", page=path, **revised(house, made)).headers["location"] == f"{path}?done=lifted"
    assert of(house, Contract, made.id).state == "active"


def test_ending_a_contract_asks_for_its_title(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    client, path = sign_in(house, FIRST), f"/desk/contracts/{made.id}"
    slip = post(client, f"{path}/terminate", page=path, title="Weather", end_reason="Breach.", **revised(house, made))
    assert slip.status_code == 422 and of(house, Contract, made.id).state == "active"
    done = post(client, f"{path}/terminate", page=path, title=made.title, end_reason="Breach.", **revised(house, made))
    assert done.headers["location"] == f"{path}?done=terminated" and of(house, Contract, made.id).state == "terminated"


def test_staff_revoke_one_client_and_leave_the_contract(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    with house.store.write() as unit:
        client, _ = create_client(unit, actor(house, LEAD), made, name="nightly", audience="api")
    browser, path = sign_in(house, OFFICER), f"/desk/contracts/{made.id}"
    assert post(browser, f"/desk/contracts/ctr_0/clients/{client.id}/revoke", page=path).status_code == 404
    assert post(browser, f"{path}/clients/{client.id}/revoke", page=path).status_code == 303
    with house.store.read() as session:
        assert session.get_one(Client, client.id).revoked_at is not None
    assert of(house, Contract, made.id).state == "active"


def test_a_broken_seal_is_the_first_thing_on_the_page(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    with house.store.write() as unit:
        version = version_of(unit.session, made)
        version.terms_json = version.terms_json.replace('"records_per_day":', '"records_per_day":9')
        unit.session.add(version)
    assert "The seal is broken: no data leaves" in sign_in(house, FIRST).get(f"/desk/contracts/{made.id}").text


def test_the_document_is_a_pdf(house: House) -> None:
    made = contract(house, "offered", lead=LEAD, stewards=STEWARDS)
    answer = sign_in(house, FIRST).get(f"/desk/contracts/{made.id}/document.pdf")
    assert (answer.headers["content-type"], answer.content[:5]) == ("application/pdf", b"%PDF-")


def test_an_administrator_proposes_another_agrees_and_both_see_what_became_of_it(house: House) -> None:
    client, colleague = sign_in(house, ADMINISTRATOR), sign_in(house, FIRST)
    assert post(client, "/desk/people", email="new@agora.example", role="steward").headers["location"] == "/desk/people?done=role-proposed"
    assert mails(house, "new@agora.example") == []
    found = re.search(r"/desk/people/proposals/(prp_\w+)/agree", colleague.get("/desk/people").text)
    assert found is not None and "You proposed it, so a colleague agrees." in client.get("/desk/people").text
    path = f"/desk/people/proposals/{found.group(1)}/agree"
    assert post(client, path, page="/desk/people").status_code == 403
    assert post(colleague, path, page="/desk/people").headers["location"] == "/desk/people?done=invited"
    text = words(client.get("/desk/people").text)
    assert re.search(r"new@agora\.example steward Waiting ends in 7 days Alma Reyes", text)
    assert any("/join/" in body for body in mails(house, "new@agora.example"))


@pytest.mark.parametrize(("email", "role"), [("", "steward"), ("new@agora.example", "lead"), ("nobody", "steward")])
def test_an_invitation_that_cannot_be_made_comes_back(house: House, email: str, role: str) -> None:
    answer = post(sign_in(house, ADMINISTRATOR), "/desk/people", email=email, role=role)
    assert answer.status_code == 422 and "to mend" in answer.text


def test_stewards_see_people_but_cannot_invite(house: House) -> None:
    client = sign_in(house, FIRST)
    text = client.get("/desk/people").text
    assert "Jon Petrov" in text and "Send invitation" not in text
    assert post(client, "/desk/people", page="/account", email="new@agora.example", role="steward").status_code == 403


def test_where_no_mail_leaves_the_link_is_shown_once(sqlite_store: Store, clock: FixedClock) -> None:
    silent = small_house(sqlite_store, clock, settings(mail={"transport": "none"}))
    add_person(silent, "ada.admin@agora.example", "Ada Admin", Role.ADMINISTRATOR, organisation="org_silent", side="platform")
    client = sign_in(silent, "ada.admin@agora.example")
    answer = post(client, "/desk/people", email="new@agora.example", role="steward")
    assert answer.status_code == 200 and "/join/licet_ln_" in answer.text
    assert "/join/licet_ln_" not in client.get("/desk/people").text


def test_incidents_are_listed_open_ones_first(house: House) -> None:
    with house.store.write() as unit:
        first = open_incident(unit, "scraping", "A network read the site", {"pages": 4120})
        open_incident(unit, "gate_open", "The gate let traffic through", {})
        first.closed_at = unit.now + timedelta(hours=1)
        unit.session.add(first)
    client = sign_in(house, OFFICER)
    text = words(client.get("/desk/incidents").text)
    assert text.index("The gate let traffic through") < text.index("A network read the site") and "4120" in text
    assert "A network read the site" not in client.get("/desk/incidents?show=open").text


def test_lately_names_what_it_is_about_and_leads_there(house: House) -> None:
    made = contract(house, "suspended", lead=LEAD, stewards=STEWARDS)
    sequencer = Sequencer(house.store, house.keys, "agora.example/ledger")
    while sequencer.integrate():
        pass
    text = sign_in(house, FIRST).get("/desk").text
    assert re.search(rf'Suspended: <a href="/desk/contracts/{made.id}">{made.title}</a>', text)


def test_templates_are_shown_with_the_place_of_an_own_text(house: House) -> None:
    text = words(sign_in(house, FIRST).get("/desk/templates").text)
    assert "Bundled with Licet" in text and "templates/research.toml" in text and "$title" in text


def test_an_actor_who_gave_the_drafter_a_role_is_told_so(house: House) -> None:
    made = contract(house, "signed", lead=LEAD, stewards=STEWARDS)
    jon, mara = actor(house, SECOND), actor(house, FIRST)
    assert needs_another(made, replace(jon, roles_given_by=frozenset({mara.account_id}))) == (
        "The person who approved or drafted it gave you your role, so another steward countersigns."
    )
