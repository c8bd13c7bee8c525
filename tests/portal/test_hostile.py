"""What people send who mean no good: none of it becomes a fault, a redirect elsewhere, a mail for others or a secret in a log."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from contracts.clock import FixedClock
from contracts.house import House
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.portal.house import PASSWORD, add_person, browser, portal, post, sign_in, small_house

ELSEWHERE = ("//evil.example", "//[", "//evil℀.com", "/\\evil.example", "/\t/evil.example", "https://evil.example", "javascript:alert(1)")


@pytest.mark.parametrize("path", ELSEWHERE)
def test_the_next_page_is_never_elsewhere(house: House, path: str) -> None:
    add_person(house, "ada@a.example", "Ada", Role.LEAD, organisation="org_a")
    client = browser(house)
    shown = [client.get(page, params={"next": path}).status_code for page in ("/sign-in", "/sign-up")]
    answer = post(client, "/sign-in", email="ada@a.example", password=PASSWORD, next=path)
    assert (shown, answer.status_code, answer.headers["location"]) == ([200, 200], 303, "/partner")


@pytest.mark.parametrize(("path", "leads"), [("/datasets/", "/datasets"), ("//evil.example/", "/evil.example"), ("/sign-in//", "/sign-in")])
def test_a_slash_too_many_leads_nowhere_else(house: House, path: str, leads: str) -> None:
    answer = browser(house).get(f"http://127.0.0.1:8400{path}", headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (303, leads)


@pytest.mark.parametrize("typed", ["²", "①", "1e9", "-1", "0x1", "9" * 40])
def test_a_number_that_is_none_is_told_so(house: House, typed: str) -> None:
    add_person(house, "ada@a.example", "Ada", Role.LEAD, organisation="org_a")
    client = sign_in(house, "ada@a.example")
    path = post(client, "/apply", page="/apply?dataset=posts", dataset="posts").headers["location"]
    assert post(client, path, revision=typed, project="Weather").status_code == 422


@pytest.mark.parametrize("path", ["/partner/contracts/%00", "/partner/entries/a%00b/proof", "/datasets?x=%00", "/desk/applications?q=%00"])
def test_nul_in_an_address_is_refused(store: Store, clock: FixedClock, path: str) -> None:
    house = small_house(store, clock)
    add_person(house, "ada@a.example", "Ada", Role.LEAD, organisation="org_a")
    answer = sign_in(house, "ada@a.example").get(path)
    assert (answer.status_code, "bad_request" in answer.text) == (400, True)


def test_only_this_machine_reads_the_mailbox(house: House) -> None:
    app = portal(house)
    own, rebound = "http://127.0.0.1:8400", "http://evil.example:8400"
    visits = ((own, "127.0.0.1"), ("http://localhost:8400", "::1"), (rebound, "127.0.0.1"), (own, "203.0.113.9"))
    seen = [TestClient(app, base_url=name, client=(address, 1)).get("/mailbox").status_code for name, address in visits]
    forwarded = TestClient(app, base_url=own, client=("127.0.0.1", 1)).get("/mailbox", headers={"x-forwarded-for": "203.0.113.9"})
    assert (seen, forwarded.status_code) == ([200, 200, 404, 404], 404)


def test_a_fault_logs_neither_the_token_in_its_address_nor_values(house: House) -> None:
    app = portal(house)

    def broken(request: Request, token: str) -> Response:
        with house.store.write("broken") as unit:
            unit.connection.exec_driver_sql("INSERT INTO organisation (id) VALUES (?)", (f"value-{token}",))
        raise AssertionError

    app.add_api_route("/broken/{token}", broken)
    with capture_logs() as logs:
        answer = TestClient(app, raise_server_exceptions=False).get("/broken/licet_ln_secret")
    assert (answer.status_code, [each["event"] for each in logs]) == (500, ["portal.fault"])
    assert "licet_ln_secret" not in repr(logs) + answer.text
