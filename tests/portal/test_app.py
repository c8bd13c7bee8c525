"""What holds for every page: headers, tokens, sizes, and a helpful page for every error."""

from __future__ import annotations

from fastapi import FastAPI

from contracts.codes import CODES
from contracts.house import House
from contracts.people.roles import Role
from portal.app import create_portal
from portal.problems import STATUS
from tests.portal.house import add_person, browser, post, settings, sign_in, small_house


def test_every_answer_carries_the_strict_policy(house: House) -> None:
    client = browser(house)
    for path in ("/", "/nothing", "/static/licet.css", "/sign-in"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_hold_no_inline_script_or_style(house: House) -> None:
    add_person(house, "ada@a.example", "Ada", Role.LEAD, organisation="org_a")
    client = sign_in(house, "ada@a.example")
    for path in ("/", "/datasets/posts", "/partner", "/partner/team", "/account", "/mailbox", "/transparency"):
        text = client.get(path).text
        assert "<style" not in text and " style=" not in text and "onclick" not in text
        assert text.count("<script") == 1


def test_static_files_are_kept_for_good_under_their_hash_only(house: House) -> None:
    client = browser(house)
    address = client.get("/").text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in client.get(address).headers["cache-control"]
    assert "immutable" not in client.get("/static/licet.css").headers.get("cache-control", "")


def test_plain_pages_set_no_cookie_and_pages_with_a_form_do(house: House) -> None:
    client = browser(house)
    assert "set-cookie" not in client.get("/datasets").headers
    cookie = client.get("/sign-in").headers["set-cookie"]
    assert all(part in cookie for part in ("licet_visitor=", "HttpOnly", "SameSite=lax")) and "Secure" not in cookie


def test_cookies_are_secure_and_https_is_remembered_under_https(house: House) -> None:
    client = browser(small_house(house.store, house.clock, settings(base_url="https://data.agora.example")))
    answer = client.get("/sign-in")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_every_kind_of_refusal_has_a_status() -> None:
    assert {code.kind for code in CODES.values()} <= set(STATUS)


def test_nothing_here_is_a_page_or_a_problem_as_asked(house: House) -> None:
    client = browser(house)
    shown = client.get("/nothing")
    assert (shown.status_code, "There is nothing here" in shown.text, "not_found" in shown.text) == (404, True, True)
    told = client.get("/nothing", headers={"accept": "application/json"})
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")
    assert told.json() == {
        "title": "There is no such thing, or it is not yours to see.",
        "status": 404,
        "detail": "Look at the address for a slip, or start again from your first page.",
        "code": "not_found",
    }


def test_another_method_is_told_so(house: House) -> None:
    assert browser(house).put("/datasets").status_code == 405


def test_a_form_above_the_cap_is_refused(house: House) -> None:
    client = browser(house)
    answer = client.post("/sign-in", data={"email": "a" * 300_000})
    assert (answer.status_code, "body_too_large" in answer.text) == (400, True)


def test_a_malformed_form_is_refused(house: House) -> None:
    client = browser(house)
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/sign-in", content=b"--y\r\nbroken", headers=headers).status_code in (400, 403)


def test_control_characters_do_not_reach_the_store(house: House) -> None:
    client = browser(house)
    answer = post(client, "/sign-in", email="a\0b@c.example", password="x\0y")
    assert answer.status_code == 401


def test_every_changing_route_checks_its_form(house: House) -> None:
    """A POST without a token is refused before anything else, on every route of the portal."""
    app = create_portal(house)
    client = browser(house)
    tried = 0
    for path, methods in _routes(app):
        if "POST" in methods:
            answer = client.post(path.replace("{", "").replace("}", ""), data={})
            assert (path, answer.status_code, "csrf_failed" in answer.text) == (path, 403, True)
            tried += 1
    assert tried >= 15


def _routes(app: FastAPI) -> list[tuple[str, set[str]]]:
    return [(path, {method.upper() for method in facts}) for path, facts in app.openapi()["paths"].items()]
