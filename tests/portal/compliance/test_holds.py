"""Holds and retention on the page: proposed by one, confirmed by another, lifted by two; what waits, and what everyone may read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from contracts.holds.tables import Hold
from contracts.house import House
from contracts.ledger.erasing import erase
from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.people.queries import find_account
from contracts.people.roles import Role
from contracts.retention.policy import policy_of
from contracts.retention.run import tick
from portal import cookies
from tests.conftest import START
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.portal.compliance.conftest import integrate
from tests.portal.house import mails, post, sign_in
from tests.portal.house import portal as served

OFFICER = Actor("acc_op", "org_agora", "Operator", "", frozenset({Role.COMPLIANCE}), second_factor_at=START)
KIM = "kim@lab.example"
PATH = "/compliance/holds"


def fields(house: House, **changes: str) -> dict[str, str]:
    last = (house.clock.now().date() + timedelta(days=30)).isoformat()
    with house.store.read() as session:
        officer = find_account(session, "cora@agora.example")
    owner = officer.id if officer else ""
    return {"scope": "person", "person": KIM, "ground": "Case 12 of 2026", "owner": owner, "last_day": last, **changes}


def write(house: House) -> None:
    with house.store.write() as unit:
        record(unit, Entry(event="account.signed_in", personal={"account": KIM, "network": "203.0.113.0/24"}))
    tick(house.store, policy_of(house.settings.retention))
    integrate(house)


def newest(house: House) -> Hold:
    with house.store.read() as session:
        return session.exec(select(Hold).order_by(Hold.id.desc())).first() or Hold()  # type: ignore[attr-defined]  # a column


def act(client: TestClient, house: House, path: str, **more: str) -> str:
    hold = newest(house)
    answer = post(client, f"{PATH}/{hold.id}/{path}", page=PATH, revision=str(hold.revision), **more)
    return answer.headers.get("location", answer.text)


def test_two_set_a_hold_and_two_lift_it(house: House, cora: TestClient, mara: TestClient) -> None:
    write(house)
    assert post(mara, PATH, **fields(house)).status_code == 403
    assert post(cora, PATH, **fields(house)).headers["location"] == f"{PATH}?done=hold-proposed"
    assert [len(mails(house, f"{name}@agora.example")) for name in ("mara", "cora")] == [1, 0]
    assert "You took the step before this one." in act(cora, house, "confirm")
    assert act(mara, house, "confirm") == f"{PATH}?done=hold-confirmed"
    shown = cora.get(PATH).text
    assert (KIM in shown, "Case 12 of 2026" in shown, "In force" in shown) == (True, True, True)
    assert "Say why it should be lifted" in act(cora, house, "ask-lift", lift_reason=" ")
    assert act(cora, house, "ask-lift", lift_reason="The case is closed.") == f"{PATH}?done=hold-lift-asked"
    assert "You took the step before this one." in act(cora, house, "lift")
    assert act(mara, house, "lift") == f"{PATH}?done=hold-lifted"
    assert newest(house).state == "lifted"


def test_what_a_form_lacks_stands_beside_its_fields(house: House, cora: TestClient) -> None:
    answer = post(cora, PATH, **fields(house, person="nobody@lab.example", last_day=""))
    assert (answer.status_code, "Write the last day on which it holds, today or later." in answer.text) == (422, True)
    answer = post(cora, PATH, **fields(house, person="nobody@lab.example"))
    assert (answer.status_code, "Nothing is kept under exactly this." in answer.text) == (422, True)


def test_everyone_reads_the_periods(house: House, cora: TestClient) -> None:
    write(house)
    client = sign_in(house, "tove@lab.example")
    told = client.get("/retention", headers={"accept": "application/json"}).json()
    assert (told["policy"], told["minimum_index"], told["kept_tiles"], told["pruned"], told["runs"]) == (
        {"access_days": 730, "account_days": 365, "audit_days": 1095, "decision_days": 3650, "entry_years": 10},
        *(0, [], 0, []),
    )
    assert told["next_run"] == {"at": "2026-11-03T09:00:00.000Z", "values_of": 0, "held": 0, "entries": 0}
    shown = client.get("/retention").text
    assert ("730 days" in shown, "Entries themselves go after 10 years" in shown, KIM in shown) == (True, True, False)


@pytest.mark.browser
def test_how_it_looks(house: House) -> None:
    write(house)
    sessions = {name: sign_in(house, f"{name}@agora.example").cookies[cookies.SESSION] for name in ("cora", "mara")}
    with serving(served(house)) as port, chromium() as browser:
        pages = {}
        for name, session in sessions.items():
            context = visitor(browser, f"http://127.0.0.1:{port}")
            context.add_cookies([{"name": cookies.SESSION, "value": session, "url": f"http://127.0.0.1:{port}"}])
            pages[name] = context.new_page()
        cora, mara = pages["cora"], pages["mara"]
        cora.goto(PATH)
        look(cora, "holds none")
        given = fields(house)
        cora.get_by_label("A person or network").check()
        cora.locator("[name=person]").fill(given["person"])
        cora.locator("[name=ground]").fill(given["ground"])
        cora.locator("[name=owner]").select_option(given["owner"])
        cora.locator("[name=last_day]").fill(given["last_day"])
        cora.get_by_role("button", name="Propose the hold").click()
        cora.wait_for_url("**/compliance/holds?done=hold-proposed")
        mara.goto("/desk")
        mara.get_by_role("link", name="Decide on a hold").first.click()
        look(mara, "holds to confirm")
        mara.get_by_role("button", name="Confirm the hold").click()
        mara.wait_for_url("**/compliance/holds?done=hold-confirmed")
        assert erase(house.store, OFFICER, KIM, "They asked.").held
        cora.goto(PATH)
        cora.get_by_text("Lift it before its end").click()
        look(cora, "holds in force")
        cora.goto("/retention")
        look(cora, "retention")
