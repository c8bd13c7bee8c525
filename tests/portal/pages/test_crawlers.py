"""Crawler keys on pages: registered, proved with a signature, revoked; private keys and strange addresses refused."""

from __future__ import annotations

import base64
import html

import pytest
from sqlmodel import select

from contracts.crawlers.decide import challenge
from contracts.crawlers.tables import CrawlerDirectory, CrawlerKey
from contracts.house import House
from contracts.people.roles import Role
from tests.harness.crawler import crawler_key
from tests.portal.house import add_person, post, sign_in
from tests.portal.pages.test_partner import LEAD, RIVAL, STEWARDS
from tests.portal.scene import contract


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    """Two partners' leads and two stewards."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    add_person(house, RIVAL, "Rita Rival", Role.LEAD, organisation="org_rival")
    for email, name in zip(STEWARDS, ("Mara Lindqvist", "Jon Steward"), strict=True):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")


@pytest.fixture
def page(house: House) -> str:
    """The page of the crawlers of a contract with crawling."""
    return f"/partner/contracts/{contract(house, 'active', lead=LEAD, stewards=STEWARDS, crawl=True).id}/crawlers"


def _row(house: House) -> CrawlerKey:
    with house.store.read() as session:
        return session.exec(select(CrawlerKey)).one()


def test_a_key_is_registered_proved_and_revoked(house: House, page: str) -> None:
    browser, (jwk, private) = sign_in(house, LEAD), crawler_key()
    assert page in browser.get(page.removesuffix("/crawlers")).text
    assert "No keys yet" in browser.get(page).text
    assert post(browser, page, page=page, name="LabBot", keys=jwk).headers["location"] == f"{page}?done=crawler-registered"
    row = _row(house)
    text, shown = challenge(row, house.settings.base_url), html.unescape(browser.get(page).text)
    assert (text in shown, "Waits for proof" in shown) == (True, True)
    wrong = post(browser, f"{page}/{row.id}/prove", page=page, signature="AAAA")
    assert (wrong.status_code, "Paste the signature" in wrong.text) == (422, True)
    signature = base64.b64encode(private.sign(text.encode())).decode()
    assert post(browser, f"{page}/{row.id}/prove", page=page, signature=signature).headers["location"] == f"{page}?done=crawler-proved"
    assert ("Proved" in browser.get(page).text, _row(house).proved_at is not None) == (True, True)
    assert post(browser, f"{page}/{row.id}/revoke", page=page).headers["location"] == f"{page}?done=crawler-revoked"
    assert _row(house).revoked_at is not None


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({}, "Give either keys or a directory"),
        ({"keys": "{", "directory_url": "https://bot.example/"}, "Give either keys or a directory"),
        ({"keys": '{"kty":"OKP","crv":"Ed25519","x":"x","d":"y"}'}, "This is a private key"),
        ({"directory_url": "https://bot.example/"}, "whole address"),
        ({"directory_url": "http://127.0.0.1/.well-known/http-message-signatures-directory"}, "no https address"),
        ({"directory_url": "https://127.0.0.1/.well-known/http-message-signatures-directory"}, "public addresses only"),
    ],
)
def test_what_cannot_be_registered_comes_back_with_why(house: House, page: str, form: dict[str, str], told: str) -> None:
    answer = post(sign_in(house, LEAD), page, page=page, name="LabBot", **form)
    assert (answer.status_code, told in html.unescape(answer.text)) == (422, True)


def test_others_find_nothing(house: House, page: str) -> None:
    jwk, _ = crawler_key()
    post(sign_in(house, LEAD), page, page=page, name="LabBot", keys=jwk)
    rival, row = sign_in(house, RIVAL), _row(house)
    assert rival.get(page).status_code == 404
    for act in ("", f"/{row.id}/prove", f"/{row.id}/revoke"):
        assert post(rival, page + act, page="/account", name="x", keys=jwk, signature="x").status_code == 404


def test_a_directory_says_what_it_lists_and_why_a_look_failed(house: House, page: str) -> None:
    browser, (jwk, _) = sign_in(house, LEAD), crawler_key()
    post(browser, page, page=page, name="LabBot", keys=jwk)
    contract_id = _row(house).contract_id
    with house.store.write() as unit:
        made = {"contract_id": contract_id, "keys": {"a": {}, "b": {}}, "fetched_at": unit.now, "next_at": unit.now}
        unit.session.add(CrawlerDirectory(id="https://bot.example/keys", problem="The address answered 503.", **made))
    shown = html.unescape(browser.get(page).text)
    told = (
        "https://bot.example/keys",
        "Usable keys that it lists: 2.",
        "The address answered 503. What it listed before goes on counting.",
    )
    assert [each in shown for each in told] == [True] * 3
