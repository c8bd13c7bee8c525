"""The description of machines' addresses: every route stands in it with what it answers, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.app import Machines, create_machines
from api.description import OPERATIONS
from contracts.house import House
from contracts.settings import Mail, Settings, write_master_key
from portal.app import create_portal
from portal.commands.demo import running
from portal.commands.init import prepare
from portal.description import OPERATIONS as PEOPLES
from portal.serve import build
from tests.harness import migrated

# What proxies, crawlers and tools read in formats of their own, and the description itself.
NOT_DESCRIBED = {"/robots.txt", "/license.xml", "/v1/openapi.json"}
# What nginx asks for visitors whom the gate stopped already.
NEVER_PASSES = {"/gate/nginx/stopped"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A whole house without contracts."""
    home = tmp_path_factory.mktemp("openapi")
    write_master_key(home)
    settings = Settings(profile="demo", home=home, mail=Mail(transport="mailbox"))
    migrated.copy_to(settings.home / "licet.db")
    prepare(settings)
    with running(build(settings)) as made:
        yield made


@pytest.fixture(scope="module")
def machines(house: House) -> Machines:
    """Machines' face of it."""
    return create_machines(house, PEOPLES)


def _routes(app: FastAPI) -> set[tuple[str, str]]:
    found = {
        (method, (each.path or "").replace(":path}", "}")) for each in iter_route_contexts(app.routes) for method in each.methods or ()
    }
    return {(method, path) for method, path in found if method != "HEAD"}


def test_every_route_is_described_and_every_description_has_its_route(machines: Machines, house: House) -> None:
    routes = _routes(machines.app) | {(method, route.path.replace(":path}", "}")) for route in machines.hot for method in route.methods}
    assert {key for key in routes if key[1] not in NOT_DESCRIBED} == set(OPERATIONS)
    assert set(PEOPLES) <= _routes(create_portal(house))


def test_the_document_holds_all_of_it(machines: Machines) -> None:
    document: dict[str, Any] = machines.app.openapi()
    told = {(method.upper(), path): each for path, methods in document["paths"].items() for method, each in methods.items()}
    assert set(told) == {*OPERATIONS, *PEOPLES}
    for key, each in told.items():
        assert (each["summary"] and {"200", "201", "204", "303"} & set(each["responses"])) or key[1] in NEVER_PASSES, key
        named = {parameter["name"] for parameter in each.get("parameters", ()) if parameter["in"] == "path"}
        assert named == {part[1:-1] for part in key[1].split("/") if part.startswith("{")}, key
