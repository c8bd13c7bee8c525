"""Sessions in the pages: listed, ended, new at sign-in and step-up, with cookies that others can neither read nor plant."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from contracts.house import House
from contracts.people.roles import Role
from tests.portal.house import PASSWORD, add_person, browser, mails, post, settings, sign_in, small_house

ADA = "ada@northfield.example"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
NEW_PASSWORD = "a heron stands in the reeds"


def _person(house: House, email: str = ADA) -> None:
    add_person(house, email, "Ada", Role.LEAD, organisation="org_a")


def _cookie(client: TestClient, name: str = "licet_session") -> str:
    return str(client.cookies[name])


def _with(house: House, session: str) -> TestClient:
    client = browser(house)
    client.cookies.set("licet_session", session, domain="127.0.0.1", path="/")
    return client


def test_the_account_page_lists_sessions_and_signs_them_out(house: House) -> None:
    _person(house)
    first, second = sign_in(house, ADA), browser(house)
    second.headers["user-agent"] = FIREFOX
    post(second, "/sign-in", email=ADA, password=PASSWORD)
    shown = first.get("/account").text
    assert ("Firefox, Linux" in shown, "Unknown browser" in shown, shown.count("This one"), "127.0.0.0/24" in shown) == (
        True,
        True,
        1,
        True,
    )
    (path,) = re.findall(r'action="(/account/sessions/ses_\w+/end)"', shown)
    assert post(first, path, page="/account").headers["location"] == "/account?done=session-ended"
    assert (first.get("/account").status_code, second.get("/account").status_code) == (200, 303)


def test_signing_out_everywhere_else_stays_here(house: House) -> None:
    _person(house)
    first, second, third = (sign_in(house, ADA) for _ in range(3))
    assert post(first, "/account/sessions/end-others", page="/account").headers["location"] == "/account?done=others-ended"
    assert [each.get("/account").status_code for each in (first, second, third)] == [200, 303, 303]


def test_a_cookie_that_was_planted_before_signing_in_is_worth_nothing_after(house: House) -> None:
    _person(house)
    add_person(house, "mallory@evil.example", "Mallory", Role.LEAD, organisation="org_m")
    planted = {"invented": "licet_ss_invented", "of the attacker": _cookie(sign_in(house, "mallory@evil.example"))}
    for value in planted.values():
        victim = _with(house, value)
        path = "/account" if victim.get("/account").status_code == 200 else "/sign-in"
        answer = post(victim, "/sign-in", page=path, email=ADA, password=PASSWORD)
        assert (answer.status_code, _cookie(victim) == value) == (303, False)
        assert _with(house, value).get("/account").status_code == 303
        assert ADA in victim.get("/account").text


def test_forms_of_before_signing_in_are_worth_nothing_after(house: House) -> None:
    _person(house)
    client = browser(house)
    before = client.get("/sign-in").text.split('name="csrf" value="')[1][:64]
    post(client, "/sign-in", email=ADA, password=PASSWORD)
    assert "licet_visitor" not in client.cookies
    assert client.post("/account/sessions/end-others", data={"csrf": before}).status_code == 403
    post(client, "/sign-out", page="/account")
    assert client.post("/sign-in", data={"csrf": before, "email": ADA, "password": PASSWORD}).status_code == 403


def test_a_changed_password_renews_the_cookie_and_ends_other_sessions(house: House) -> None:
    _person(house)
    client, other = sign_in(house, ADA), sign_in(house, ADA)
    before = _cookie(client)
    wrong = post(client, "/account/password", password="guess", new_password="short")
    assert (wrong.status_code, "That is not your password" in wrong.text, "at least 12 characters" in wrong.text) == (422, True, True)
    assert _cookie(client) == before
    done = post(client, "/account/password", password=PASSWORD, new_password=NEW_PASSWORD)
    assert (done.headers["location"], _cookie(client) == before) == ("/account?done=password-changed", False)
    assert [each.get("/account").status_code for each in (client, other, _with(house, before))] == [200, 303, 303]
    assert post(browser(house), "/sign-in", email=ADA, password=PASSWORD).status_code == 401
    assert "was changed just now" in mails(house, ADA)[0]


def test_a_forgotten_password_is_set_by_a_link_that_signs_nobody_in(house: House) -> None:
    _person(house)
    client = browser(house)
    known, unknown = (post(client, "/forgotten", email=email) for email in (ADA, "bea@northfield.example"))
    assert (known.status_code, known.text.replace(ADA, "bea@northfield.example")) == (200, unknown.text)
    assert mails(house, "bea@northfield.example") == []
    path = re.search(r"/reset/\S+", mails(house, ADA)[0]).group()  # type: ignore[union-attr]  # the mail has one
    weak = post(client, path, new_password="short")
    assert (weak.status_code, client.get(path).status_code) == (422, 200)
    done = post(client, path, new_password=NEW_PASSWORD)
    assert (done.headers["location"], "licet_session" in client.cookies) == ("/sign-in?done=password-reset", False)
    assert client.get(path).status_code == 409
    assert post(client, "/sign-in", email=ADA, password=NEW_PASSWORD).status_code == 303


def test_under_https_cookies_bind_to_this_host_alone(house: House) -> None:
    safe = small_house(house.store, house.clock, settings(base_url="https://data.agora.example"))
    _person(safe)
    client = browser(safe, "https://data.agora.example")
    stranger = client.get("/sign-in").headers["set-cookie"]
    answer = post(client, "/sign-in", email=ADA, password=PASSWORD)
    (session,) = [each for each in answer.headers.get_list("set-cookie") if "session" in each]
    for cookie, name in ((stranger, "__Host-licet_visitor"), (session, "__Host-licet_session")):
        assert re.fullmatch(rf"{name}=[^;\s]+; Max-Age=43200; Path=/; HttpOnly; SameSite=lax; Secure", cookie)
    # What a neighbouring host could plant, a cookie without the prefix, is not read.
    assert client.get("/account").status_code == 200
    thief = browser(safe, "https://data.agora.example")
    thief.cookies.set("licet_session", _cookie(client, "__Host-licet_session"))
    assert thief.get("/account").status_code == 303
