"""A credential that proves itself by keys, and whose tokens are bound to one: set on its page."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import ECKey
from sqlmodel import select

from contracts.credentials.tables import Client
from contracts.house import House
from contracts.people.roles import Role
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.harness.jose import public
from tests.portal.house import add_person, portal, post, sign_in
from tests.portal.pages.test_partner import LEAD, RIVAL, STEWARDS
from tests.portal.scene import contract

EC = ECKey.generate_key("P-256")
KEY, URI = public(EC, kid="loader-2026"), "https://keys.northfield.example/jwks"
DONE = "proof-changed"


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    """Two partners' leads, a reader, and two stewards."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    add_person(house, "ron@northfield.example", "Ron Reader", Role.READER, organisation="org_northfield")
    add_person(house, RIVAL, "Rita Rival", Role.LEAD, organisation="org_rival")
    for email, name in zip(STEWARDS, ("Mara Lindqvist", "Jon Steward"), strict=True):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")


def client_page(house: House, **scene: bool) -> str:
    """A contract in force with a client; the client's page."""
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS, **scene)
    page = f"/partner/contracts/{made.id}"
    post(sign_in(house, LEAD), f"{page}/clients", page=page, name="nightly-pull", audience="api")
    return f"{page}/clients/{one(house).id}"


def one(house: House) -> Client:
    with house.store.read() as session:
        return session.exec(select(Client)).one()


def words(text: str) -> str:
    return " ".join(text.split())


def test_keys_by_value_take_the_secrets_place(house: House) -> None:
    path, browser = client_page(house), sign_in(house, LEAD)
    assert "A secret" in browser.get(path).text
    for given in ({"keys": [KEY]}, KEY):
        answer = post(browser, f"{path}/proof", jwks=json.dumps(given), jwks_uri="")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done={DONE}")
        assert (one(house).auth_method, one(house).jwks, one(house).secret_sha256) == ("private_key_jwt", {"keys": [KEY]}, "")
    shown = words(browser.get(path).text)
    assert ("Key loader-2026" in shown, EC.thumbprint() in shown, "Create new secret" in shown) == (True, True, False)


def test_keys_at_an_address(house: House) -> None:
    path, browser = client_page(house), sign_in(house, LEAD)
    assert post(browser, f"{path}/proof", jwks="", jwks_uri=URI).status_code == 303
    assert (one(house).jwks, one(house).jwks_uri) == (None, URI)
    assert f'Keys at <span class="mono">{URI}</span>' in words(browser.get(path).text)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"jwks": json.dumps(KEY), "jwks_uri": URI}, "Give either a JWK set or its https address."),
        ({"jwks": "{", "jwks_uri": ""}, "Paste the keys as JSON"),
        ({"jwks": "[]", "jwks_uri": ""}, "Paste the keys as JSON"),
        ({"jwks": " " * 4 + '{"x":"' + "x" * 20_000 + '"}', "jwks_uri": ""}, "Paste the keys as JSON"),
        ({"jwks": json.dumps(EC.as_dict(private=True)), "jwks_uri": ""}, "A private key is in it."),
        ({"jwks": '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', "jwks_uri": ""}, "A private key is in it."),
        ({"jwks": "", "jwks_uri": "http://keys.northfield.example/jwks"}, "The address is no https address."),
        ({"jwks": "", "jwks_uri": "https://keys.northfield.example:8443/jwks"}, "The address names another port than that of https."),
    ],
)
def test_what_is_no_key_comes_back_beside_its_field(house: House, typed: dict[str, str], told: str) -> None:
    path, browser = client_page(house), sign_in(house, LEAD)
    answer = post(browser, f"{path}/proof", **typed)
    assert (answer.status_code, told in answer.text.replace("&#34;", '"')) == (422, True)
    assert (one(house).auth_method, one(house).jwks) == ("client_secret", None)
    assert EC.as_dict(private=True)["d"] not in answer.text, "a private key that was pasted is not given back"


def test_tokens_are_bound_and_free_again(house: House) -> None:
    path, browser = client_page(house), sign_in(house, LEAD)
    assert "Bearer tokens" in browser.get(path).text
    for tokens, bound, told in (("bound", True, "Bound to a key (DPoP)"), ("free", False, "Bearer tokens")):
        answer = post(browser, f"{path}/proof", tokens=tokens)
        assert (answer.headers["location"], one(house).dpop_bound) == (f"{path}?done={DONE}", bound)
        assert f"<dd>{told}</dd>" in browser.get(path).text


def test_a_contract_that_asks_for_bound_tokens_says_so_and_offers_no_other(house: House) -> None:
    path, browser = client_page(house, bound_tokens=True), sign_in(house, LEAD)
    assert "Bound to a key (DPoP), as the contract says" in browser.get(path).text
    assert "Bearer tokens" not in browser.get(f"{path}/proof").text


def test_readers_see_and_do_not_act_and_others_find_nothing(house: House) -> None:
    path = client_page(house)
    reader, rival = sign_in(house, "ron@northfield.example"), sign_in(house, RIVAL)
    assert ("A secret" in reader.get(path).text, "Change how it proves itself" in reader.get(path).text) == (True, False)
    for person, status in ((reader, 403), (rival, 404)):
        assert person.get(f"{path}/proof").status_code == status
        for form in ({"jwks": json.dumps(KEY)}, {"tokens": "bound"}):
            assert post(person, f"{path}/proof", page="/account", **form).status_code == status
    assert (one(house).auth_method, one(house).dpop_bound) == ("client_secret", False)


@pytest.mark.browser
def test_how_the_page_looks_and_reads(house: House) -> None:
    path = client_page(house)
    session = sign_in(house, LEAD).cookies.get(cookies.SESSION) or ""
    with serving(portal(house)) as port, chromium() as browser:
        page = visitor(browser, f"http://127.0.0.1:{port}").new_page()
        page.context.add_cookies([{"name": cookies.SESSION, "value": session, "url": f"http://127.0.0.1:{port}"}])
        page.goto(path)
        page.get_by_role("link", name="Change how it proves itself").click()
        page.get_by_label("Public keys").fill("{")
        page.get_by_role("button", name="Save").click()
        look(page, "proof with keys that are none")
        page.get_by_label("Public keys").fill(json.dumps(KEY))
        page.get_by_text("Bound to its key (DPoP)").click()
        page.get_by_role("button", name="Save").click()
        page.wait_for_url(f"**{path}?done={DONE}")
        look(page, "credential with keys and bound tokens")
