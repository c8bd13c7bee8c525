"""POST /token by RSL's Open License Protocol: a crawler accepts a licence and gets a token of its contract for the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from contracts.credentials.tokens import Claims
from contracts.gate.offers import licence_form
from contracts.gate.signals import licence
from contracts.house import House
from contracts.settings import DatasetSettings
from tests.api.oauth.conftest import World

SITE = "https://www.agora.example"
POSTS = DatasetSettings.model_validate(
    {
        "title": "Posts",
        "location": "x",
        "key": "id",
        "page": "/posts/{key}",
        "purposes": ["research"],
        "fields": {"id": {"type": "string", "class": "key"}},
    }
)


@pytest.fixture
def offering(world: World) -> Iterator[World]:
    """The world whose posts are offered."""
    settings = world.house.settings.model_copy(update={"datasets": {"posts": POSTS}})
    yield replace(world, house=cast(House, SimpleNamespace(**{**vars(world.house), "settings": settings})))


def offered(world: World, path: str = "/posts/*") -> str:
    """The license element that the published document has for a path."""
    content = re.search(rf'<content url="{re.escape(path)}" server="[^"]*">.*?</content>', licence(world.house.settings), re.DOTALL)
    assert content is not None
    element = re.search(r"<license>.*</license>", content.group(), re.DOTALL)
    assert element is not None
    return element.group()


def ask(world: World, auth: tuple[str, str], **changed: str) -> Any:
    form = {"grant_type": "client_credentials", "license": offered(world), "resource": f"{SITE}/posts/*"}
    return world.caller().post("/token", data=form | changed, auth=auth)


def test_a_crawler_that_accepts_the_licence_gets_a_token_for_the_site(offering: World) -> None:
    answer = ask(offering, offering.site, license_type="application/rsl+xml")
    body = answer.json()
    claims = offering.house.tokens.verify(body["access_token"], SITE)
    assert (answer.status_code, answer.headers["cache-control"], isinstance(claims, Claims)) == (200, "no-store", True)
    assert body == {"access_token": body["access_token"], "token_type": "License", "expires_in": 600, "scope": "site:fetch"}
    assert [(each["event"], each["subject"]) for each in offering.entries()] == [("token.issued", cast(Claims, claims).jti)]


def test_a_licence_is_the_same_however_it_is_written(offering: World) -> None:
    xml = offered(offering).replace("\n", " ").replace("<license>", '<r:license xmlns:r="https://rslstandard.org/rsl">')
    prefixed = re.sub(r"<(/?)(permits|prohibits|payment|custom|legal|license)\b", r"<\1r:\2", xml)
    assert ask(offering, offering.site, license=prefixed, resource="/posts/*").status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"license": ""}, "invalid_license"),
        ({"license": "<license"}, "invalid_license"),
        ({"license": "<license/>"}, "invalid_license"),
        ({"license": '<!DOCTYPE license [<!ENTITY a "b">]><license>&a;</license>'}, "invalid_license"),
        ({"resource": "https://elsewhere.example/posts/*"}, "invalid_resource"),
        ({"resource": ""}, "invalid_resource"),
        ({"license_type": "text/plain"}, "invalid_request"),
        ({"grant_type": "rsl"}, "invalid_request"),
    ],
)
def test_anything_else_is_refused_by_name_and_recorded(offering: World, changed: dict[str, str], error: str) -> None:
    answer = ask(offering, offering.site, **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert [(each["event"], each["rule"]) for each in offering.entries()] == [("token.refused", error)]


def test_a_cheaper_licence_than_the_one_offered_is_none(offering: World) -> None:
    changed = offered(offering).replace("ai-train", "geo")
    assert ask(offering, offering.site, license=changed).json()["error"] == "invalid_license"


def test_more_than_the_contract_covers_is_refused(offering: World) -> None:
    answer = ask(offering, offering.site, license=offered(offering, "/"), resource=f"{SITE}/")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_resource")


def test_a_credential_for_records_reads_nothing_of_the_site(offering: World) -> None:
    answer = ask(offering, offering.api)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_resource")


def test_who_the_crawler_is_comes_first(offering: World) -> None:
    answer = ask(offering, (offering.site[0], "wrong"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_only_one_license_element_is_a_licence() -> None:
    forms = [licence_form(xml) for xml in ("<licence/>", "<license/><license/>", "<?xml version='1.0'?><license/>", "")]
    assert forms == [None] * 4
