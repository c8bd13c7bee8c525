"""The house's own key: its directory holds by our own rules for directories, and its requests by the draft's."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import http_sf

from contracts.agent import Agent
from contracts.clock import FixedClock
from contracts.crawlers.decide import keys_in, opened
from contracts.crawlers.directory import MEDIA_TYPE, TAG
from contracts.keys import Purpose, all_of
from contracts.message_signatures import signers
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import RING
from tests.harness.tls import tls_server

NAME = "data.agora.example"
DIRECTORY = f"https://{NAME}/.well-known/http-message-signatures-directory"


def test_the_directory_is_signed_by_its_one_key_and_the_same_in_every_process(store: Store, clock: FixedClock) -> None:
    agent, again = (Agent(RING, store, clock, f"https://{NAME}") for _ in range(2))
    found = agent.directory()
    (key,) = keys_in(found.body.decode())
    assert json.loads(found.body)["keys"][0]["kid"] == key.thumbprint
    assert (found.headers["content-type"], found.headers["cache-control"]) == (MEDIA_TYPE, "public, max-age=3600")
    signed = signers(found.headers, found.body, NAME, TAG, {key.thumbprint: opened(key.x)}, clock.now())
    assert signed == {key.thumbprint}
    assert again.directory() == found == agent.directory()
    with store.read() as session:
        assert len(all_of(session, Purpose.AGENT)) == 1


def test_a_request_says_who_asks_and_what(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    agent = Agent(RING, sqlite_store, clock, f"https://{NAME}")
    (key,) = keys_in(agent.directory().body.decode())
    got: dict[str, str] = {}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        got.update({name.lower(): value for name, value in handler.headers.items()})
        handler.send_response(200)
        handler.send_header("content-length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    with tls_server(tmp_path) as server:
        server.answers["/keys"] = answer
        replace(server.client(), sign=agent.sign).get(server.url("/keys"), "application/json")
        authority = f"keys.partner.example:{server.port}"
    assert got["signature-agent"] == f'sig1="{DIRECTORY}"'
    member = got["signature-input"].removeprefix("sig1=")
    params = http_sf.parse(got["signature-input"].encode(), tltype="dictionary")["sig1"][1]  # type: ignore[index,call-overload]  # a dictionary
    assert (params["keyid"], params["tag"], params["expires"] - params["created"]) == (key.thumbprint, "web-bot-auth", 60)  # type: ignore[operator]  # numbers
    base = f'"@method": GET\n"@authority": {authority}\n"@path": /keys\n"signature-agent";key="sig1": "{DIRECTORY}"\n"@signature-params": {member}'
    opened(key.x).verify(base64.b64decode(got["signature"].removeprefix("sig1=:").removesuffix(":")), base.encode())


def test_a_house_without_https_signs_nothing(sqlite_store: Store, clock: FixedClock) -> None:
    assert Agent(RING, sqlite_store, clock, "http://127.0.0.1:8400").sign("GET", urlsplit("https://keys.partner.example/")) == {}
