"""The pages of webhooks: made, shown once, changed, tried, sent again and ended; and how they look."""

from __future__ import annotations

import re

import pytest

from contracts.house import House
from contracts.people.roles import Role
from contracts.store import outbox
from contracts.webhooks.deliver import webhook_handler
from contracts.webhooks.messages import WEBHOOK
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.portal.house import add_person, portal, post, sign_in

DEV, ADMIN = "dev@northfield.example", "ada@agora.example"
URL = "https://hooks.northfield.example/licet"


def _people(house: House) -> None:
    add_person(house, DEV, "Dev", Role.DEVELOPER, organisation="org_lab")
    add_person(house, ADMIN, "Ada", Role.ADMINISTRATOR, organisation="org_agora", side="platform")


def test_a_webhook_from_its_secret_to_its_end(house: House) -> None:
    _people(house)
    for person, base in ((DEV, "/partner/webhooks"), (ADMIN, "/desk/webhooks")):
        client = sign_in(house, person)
        wrong = post(client, base, url="http://127.0.0.1/", events="contract.offered")
        assert (wrong.status_code, "The address is no https address. Give a public https address." in wrong.text) == (422, True)
        made = post(client, base, url=URL, events="contract.offered")
        secret = re.search(r"whsec_[A-Za-z0-9+/=]{44}", made.text)
        webhook = re.search(r"whe_\w{26}", made.text)
        assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
        assert secret and webhook
        at = f"{base}/{webhook.group()}"
        assert post(client, f"{at}/test", page=at).headers["location"] == f"{at}?done=webhook-tested"
        outbox.run_due(house.store, {WEBHOOK: webhook_handler(house.store, house.keys, lambda _url, _headers, _body: 503)})
        shown = client.get(at).text
        assert "answered 503" in shown
        assert secret.group() not in shown
        message = re.search(r"msg_\w{26}", shown)
        assert message
        again = post(client, f"{at}/messages/{message.group()}/resend", page=at)
        assert again.headers["location"] == f"{at}?done=webhook-resent"
        assert post(client, at, url=f"{URL}/2").headers["location"] == f"{at}?done=webhook-changed"
        newer = post(client, f"{at}/rotate", page=at)
        assert "Its new secret" in newer.text
        assert secret.group() not in newer.text
        assert post(client, f"{at}/end", page=at).headers["location"] == f"{base}?done=webhook-ended"
        assert "No webhooks yet" in client.get(base).text


def test_each_side_has_its_own_path(house: House) -> None:
    _people(house)
    for person, other in ((DEV, "/desk/webhooks"), (ADMIN, "/partner/webhooks")):
        assert sign_in(house, person).get(other).status_code == 403


@pytest.mark.browser
def test_how_the_pages_look(house: House) -> None:
    _people(house)
    client = sign_in(house, DEV)
    with serving(portal(house)) as port, chromium() as browser:
        base = f"http://127.0.0.1:{port}"
        page = visitor(browser, base).new_page()
        page.context.add_cookies([{"name": cookies.SESSION, "value": client.cookies.get(cookies.SESSION) or "", "url": base}])
        page.goto(f"{base}/partner/team")
        page.get_by_role("link", name="Webhooks").click()
        page.get_by_label("Address").fill("https://127.0.0.1:8443/")
        page.get_by_text("Choose what it is told of").click()
        page.get_by_role("button", name="Add the webhook").click()
        look(page, "webhook at an address that may not be asked")
        page.get_by_label("Address").fill(URL)
        page.get_by_role("button", name="Add the webhook").click()
        look(page, "webhook secret shown once")
        page.get_by_role("button", name="Send a test message").click()
        outbox.run_due(house.store, {WEBHOOK: webhook_handler(house.store, house.keys, lambda _url, _headers, _body: 503)})
        page.reload()
        look(page, "webhook")
        page.get_by_role("link", name="Webhooks").first.click()
        look(page, "webhooks")
