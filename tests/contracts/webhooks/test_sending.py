"""Webhooks over real TLS, through the one guarded client: what arrives, and every address that is never connected to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from contracts.clock import FixedClock
from contracts.guarded import GuardedClient, is_public
from contracts.store.unit import Store
from contracts.webhooks.deliver import posting
from contracts.webhooks.tables import WebhookEndpoint
from tests.contracts.webhooks.hooks import URL, Hooks
from tests.harness.tls import TlsServer, tls_server

NOWHERE = "The address does not lead to public addresses only. Give a public https address."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with tls_server(tmp_path) as served:
        yield served


@pytest.fixture
def hooks(sqlite_store: Store, clock: FixedClock) -> Hooks:
    return Hooks(sqlite_store, clock)


def _waiting(hooks: Hooks, url: str) -> None:
    """A message that waits for an address as somebody gave it, whatever was checked then."""
    endpoint, _ = hooks.create()
    with hooks.store.write() as unit:
        unit.lock(WebhookEndpoint, endpoint.id).url = url
    hooks.enter("contract.offered", contract="ctr_1")
    hooks.follow()


def test_a_message_arrives_over_tls_as_it_was_signed(hooks: Hooks, server: TlsServer) -> None:
    taken: list[tuple[dict[str, str], bytes]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        taken.append(({name.lower(): value for name, value in handler.headers.items()}, body))
        handler.send_response(204)
        handler.end_headers()

    server.answers["/in"] = answer
    _waiting(hooks, server.url("/in"))
    hooks.send(posting(server.client()))
    ((headers, body),) = taken
    (message,) = hooks.messages()
    assert (headers["webhook-id"], headers["content-type"], body.decode()) == (message.id, "application/json", message.body)
    assert json.loads(body)["data"]["contract"] == "ctr_1"
    assert [(number, status) for number, status, _ in hooks.tries()] == [(1, 204)]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.8", "192.168.7.7", "169.254.169.254", "fd00:ec2::254", "fe80::1", "::ffff:127.0.0.1", "0.0.0.0"]
)
def test_a_name_that_leads_inside_is_never_connected_to(hooks: Hooks, server: TlsServer, address: str) -> None:
    _waiting(hooks, server.url("/in"))
    hooks.send(posting(replace(server.client(is_public), resolve=lambda _host, _port: ["93.184.216.34", address])))
    assert (server.asked, hooks.tries()) == ([], [(1, None, NOWHERE)])


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "2130706433", "0x7f000001", "localhost"])
def test_an_address_inside_is_never_connected_to_however_it_is_written(hooks: Hooks, host: str) -> None:
    _waiting(hooks, f"https://{host}/latest/meta-data")
    hooks.send(posting(GuardedClient(seconds=2.0)))
    ((number, status, problem),) = hooks.tries()
    assert (number, status, "not lead to public" in problem or "could not be asked" in problem) == (1, None, True)


def test_a_name_that_changes_its_answer_leads_nowhere_else(hooks: Hooks, server: TlsServer) -> None:
    answers = [["127.0.0.1"], ["10.0.0.8"]]
    _waiting(hooks, server.url("/in"))
    client = replace(server.client(), resolve=lambda _host, _port: answers.pop(0))
    hooks.send(posting(client))
    assert (len(server.asked), answers) == (1, [["10.0.0.8"]])
    hooks.clock.advance(seconds=6)
    hooks.send(posting(client))
    assert (len(server.asked), hooks.tries()[-1]) == (1, (2, None, NOWHERE))


def test_a_redirect_is_not_followed(hooks: Hooks, server: TlsServer) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("location", server.url("/inside"))
        handler.end_headers()

    server.answers["/in"] = answer
    _waiting(hooks, server.url("/in"))
    hooks.send(posting(server.client()))
    assert [path for path, _ in server.asked] == ["/in"]
    assert hooks.tries() == [(1, None, "The address redirects; give the address itself.")]
    assert hooks.endpoint(hooks.messages()[0].endpoint_id).url != URL
