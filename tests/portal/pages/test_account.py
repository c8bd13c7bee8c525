"""Signing up, confirming, signing in and out, joining: through the pages, with their tokens."""

from __future__ import annotations

from contracts.house import House
from contracts.people.roles import Role
from tests.portal.house import PASSWORD, add_person, browser, link_in, mails, post, sign_in

NEW = {
    "name": "Ada Okafor",
    "email": "ada@northfield.example",
    "password": PASSWORD,
    "organisation_name": "Northfield University",
    "organisation_kind": "university",
    "country": "GB",
    "next": "/apply?dataset=posts",
}


def test_sign_up_keeps_the_dataset_until_the_first_sign_in(house: House) -> None:
    client = browser(house)
    shown = client.get("/sign-up?next=/apply%3Fdataset%3Dposts").text
    assert "You are on your way to apply for <b>Public posts</b>" in shown
    answer = post(client, "/sign-up", **NEW)
    assert (answer.status_code, "Look into your mail" in answer.text) == (200, True)
    path = link_in(mails(house, "ada@northfield.example")[0])
    assert client.get(path).status_code == 200
    confirmed = post(client, path, password=PASSWORD)
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, "/apply?dataset=posts")
    assert client.get("/account").status_code == 200


def test_sign_up_with_mistakes_names_each_and_keeps_what_was_typed(house: House) -> None:
    client = browser(house)
    answer = post(client, "/sign-up", **{**NEW, "email": "ada", "password": "short", "country": ""})
    assert answer.status_code == 422
    for each in ("Write a mail address", "Use at least 12 characters", "Choose the country", 'value="Ada Okafor"'):
        assert each in answer.text
    assert "short" not in answer.text
    assert mails(house, "ada") == []


def test_confirming_asks_for_the_password(house: House) -> None:
    client = browser(house)
    post(client, "/sign-up", **NEW)
    path = link_in(mails(house, "ada@northfield.example")[0])
    wrong = post(client, path, password="another password")
    assert (wrong.status_code, "not the password that you chose" in wrong.text) == (403, True)
    assert post(client, path, password=PASSWORD).status_code == 303
    again = client.get(path)
    assert (again.status_code, "link_unusable" in again.text) == (409, True)


def test_a_known_address_gets_the_same_page(house: House) -> None:
    add_person(house, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_a")
    fresh = post(browser(house), "/sign-up", **{**NEW, "email": "new@northfield.example"})
    known = post(browser(house), "/sign-up", **NEW)
    assert known.status_code == fresh.status_code
    assert known.text.replace("ada", "new").split("<main")[1] == fresh.text.split("<main")[1]


def test_sign_in_fails_alike_for_wrong_password_and_unknown_address(house: House) -> None:
    add_person(house, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_a")
    client = browser(house)
    wrong = post(client, "/sign-in", email="ada@northfield.example", password="wrong")
    unknown = post(client, "/sign-in", email="eve@northfield.example", password="wrong")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace("ada@", "eve@") == unknown.text


def test_a_page_for_signed_in_people_leads_through_sign_in_and_back(house: House) -> None:
    add_person(house, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_a")
    client = browser(house)
    sent = client.get("/account")
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=%2Faccount")
    back = post(client, "/sign-in", email="ada@northfield.example", password=PASSWORD, next="/account")
    assert back.headers["location"] == "/account"


def test_sign_in_never_leads_to_another_site(house: House) -> None:
    add_person(house, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_a")
    for evil in ("https://evil.example", "//evil.example", "/\\evil.example", "/a\nb"):
        client = browser(house)
        answer = post(client, "/sign-in", email="ada@northfield.example", password=PASSWORD, next=evil)
        assert answer.headers["location"] == "/partner"


def test_signing_out_ends_the_session_in_the_store(house: House) -> None:
    add_person(house, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_a")
    client = sign_in(house, "ada@northfield.example")
    cookie = client.cookies["licet_session"]
    assert post(client, "/sign-out", page="/account").headers["location"] == "/?done=signed-out"
    thief = browser(house)
    thief.cookies.set("licet_session", cookie)
    assert thief.get("/account").status_code == 303


def test_a_form_without_this_sessions_token_changes_nothing(house: House) -> None:
    add_person(house, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_a")
    client = browser(house)
    client.get("/sign-in")
    without = client.post("/sign-in", data={"email": "ada@northfield.example", "password": PASSWORD})
    assert (without.status_code, "csrf_failed" in without.text) == (403, True)
    other = browser(house)
    token = other.get("/sign-in").text.split('name="csrf" value="')[1][:64]
    foreign = client.post("/sign-in", data={"csrf": token, "email": "ada@northfield.example", "password": PASSWORD})
    assert foreign.status_code == 403
    own = client.get("/sign-in").text.split('name="csrf" value="')[1][:64]
    crossed = client.post("/sign-in", data={"csrf": own, "email": "x"}, headers={"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403


def test_guessing_passwords_is_limited_per_network(house: House) -> None:
    client = browser(house)
    statuses = [client.post("/sign-in", data={}).status_code for _ in range(25)]
    assert (statuses[0], statuses[-1]) == (403, 403)
    token = client.get("/sign-in").text.split('name="csrf" value="')[1][:64]
    answers = [client.post("/sign-in", data={"csrf": token, "email": "a@b.example", "password": "x"}) for _ in range(21)]
    assert [answers[0].status_code, answers[-1].status_code] == [401, 429]
    assert answers[-1].headers["retry-after"] == "60"


def test_joining_by_invitation_makes_an_account_in_the_organisation(house: House) -> None:
    from contracts.people import service as people

    add_person(house, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_a")
    client = sign_in(house, "ada@northfield.example")
    with house.store.read() as session:
        actor = people.actor_of(session, client.cookies["licet_session"], house.clock.now(), "")
    assert actor is not None
    with house.store.write("test") as unit:
        people.invite(unit, actor, email="ben@northfield.example", role=Role.DEVELOPER, base_url=house.settings.base_url)
    path = link_in(mails(house, "ben@northfield.example")[0])
    guest = browser(house)
    assert "Ada invites you as <b>developer</b>" in guest.get(path).text
    weak = post(guest, path, name="Ben", password="short")
    assert (weak.status_code, "Use at least 12 characters" in weak.text) == (422, True)
    assert post(guest, path, name="Ben", password=PASSWORD).headers["location"] == "/partner"
    assert "Creates and revokes credentials." in guest.get("/account").text
    assert guest.get(path).status_code == 409


def test_the_mailbox_is_absent_where_mail_leaves(house: House) -> None:
    from tests.portal.house import settings, small_house

    assert browser(house).get("/mailbox").status_code == 200
    posting = small_house(house.store, house.clock, settings(mail={"transport": "smtp"}))
    assert browser(posting).get("/mailbox").status_code == 404
