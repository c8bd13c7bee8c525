"""One credential's page: bounds, use under its id, a new secret with the old one's cut-off, and its end."""

from __future__ import annotations

import re

import pytest
from sqlmodel import select

from contracts.credentials.tables import Client, CredentialDay
from contracts.house import House
from contracts.people.roles import Role
from tests.portal.house import add_person, post, sign_in
from tests.portal.pages.test_partner import LEAD, RIVAL, STEWARDS
from tests.portal.scene import contract

SECRET = re.compile(r"licet_cs_\w+")


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    """Two partners' leads and two stewards."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    add_person(house, RIVAL, "Rita Rival", Role.LEAD, organisation="org_rival")
    for email, name in zip(STEWARDS, ("Mara Lindqvist", "Jon Steward"), strict=True):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")


@pytest.fixture
def path(house: House) -> str:
    """A contract in force with a client that is held to a network and a day; its page."""
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    browser = sign_in(house, LEAD)
    page = f"/partner/contracts/{made.id}"
    bounds = {"networks": "192.0.2.0/24\n2001:db8::/48", "last_day": "2026-12-31"}
    shown = post(browser, f"{page}/clients", page=page, name="nightly-pull", audience="api", **bounds)
    assert (shown.status_code, "reads records until 31 Dec 2026" in " ".join(shown.text.split())) == (200, True)
    return f"{page}/clients/{_client(house).id}"


def _client(house: House) -> Client:
    with house.store.read() as session:
        return session.exec(select(Client)).one()


def test_wrong_bounds_come_back_beside_their_fields(house: House) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    page = f"/partner/contracts/{made.id}"
    wrong = {"networks": "everywhere", "last_day": "2040-01-01"}
    answer = post(sign_in(house, LEAD), f"{page}/clients", page=page, name="nightly-pull", audience="api", **wrong)
    told = ("Write each network as 192.0.2.0/24", "a credential ends no later")
    assert (answer.status_code, [each in answer.text for each in told]) == (422, [True, True])
    answer = post(sign_in(house, LEAD), f"{page}/clients", page=page, name="nightly-pull", audience="api", last_day="soon")
    assert (answer.status_code, "Write the date as year-month-day" in answer.text) == (422, True)


def test_the_page_tells_bounds_last_use_and_use_by_day(house: House, path: str) -> None:
    with house.store.write() as unit:
        client = unit.lock(Client, _client(house).id)
        client.last_used_at, client.last_network = unit.now, "192.0.2.0/24"
        unit.session.add(CredentialDay(credential_id=client.id, day=unit.now.date(), requests=1_234, records=56_789))
    browser = sign_in(house, LEAD)
    text = " ".join(browser.get(path).text.split())
    for told in ("192.0.2.0/24, 2001:db8::/48", "31 Dec 2026", "just now</time> from 192.0.2.0/24", "1,234", "56,789"):
        assert told in text
    assert "from 192.0.2.0/24" in browser.get(path.rpartition("/clients/")[0]).text


def test_a_new_secret_is_shown_once_with_the_old_ones_exact_cut_off(house: House, path: str) -> None:
    browser, old = sign_in(house, LEAD), _client(house)
    shown = post(browser, f"{path}/rotate", page=path, overlap="24")
    secret, client = SECRET.search(shown.text), _client(house)
    assert shown.status_code == 200 and secret is not None and client.earlier_until is not None
    cut_off = client.earlier_until.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (client.id, client.earlier_sha256) == (old.id, old.secret_sha256)
    assert f'The old secret works until <b class="mono">{cut_off}</b>' in shown.text
    again = browser.get(path).text
    assert (cut_off in again, "Two secrets work" in again, secret.group() in again) == (True, True, False)
    assert post(browser, f"{path}/end-earlier", page=path).headers["location"] == f"{path}?done=secret-ended"
    assert "Two secrets work" not in browser.get(path).text
    assert (_client(house).earlier_until, _client(house).earlier_sha256) == (None, "")


@pytest.mark.parametrize("overlap", ["", "5", "-1", "soon", "999999999999"])
def test_only_the_offered_overlaps_are_taken(house: House, path: str, overlap: str) -> None:
    answer = post(sign_in(house, LEAD), f"{path}/rotate", page=path, overlap=overlap)
    assert (answer.status_code, SECRET.search(answer.text), _client(house).rotated_at) == (422, None, None)


def test_readers_see_and_do_not_act_and_others_find_nothing(house: House, path: str) -> None:
    add_person(house, "ron@northfield.example", "Ron Reader", Role.READER, organisation="org_northfield")
    reader, rival = sign_in(house, "ron@northfield.example"), sign_in(house, RIVAL)
    text = reader.get(path).text
    assert ("nightly-pull" in text, "New secret" in text, "Revoke" in text) == (True, False, False)
    acts = {f"{path}/rotate": {"overlap": "0"}, f"{path}/end-earlier": {}}
    assert [post(reader, each, page="/account", **form).status_code for each, form in acts.items()] == [403, 403]
    assert [post(rival, each, page="/account", **form).status_code for each, form in acts.items()] == [404, 404]
    assert rival.get(path).status_code == 404
    assert sign_in(house, LEAD).get(path.replace("/contracts/ctr_", "/contracts/ctr_X")).status_code == 404


def test_a_revoked_credential_only_tells(house: House, path: str) -> None:
    browser = sign_in(house, LEAD)
    post(browser, f"{path}/revoke", page=path)
    text = browser.get(path).text
    assert ("Revoked" in text, "New secret" in text) == (True, False)
    assert post(browser, f"{path}/rotate", page="/account", overlap="0").status_code == 409
