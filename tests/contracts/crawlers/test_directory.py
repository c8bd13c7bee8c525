"""Key directories: fetched as they must be answered, and signed by each key for the name that was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from contracts.crawlers.decide import keys_in
from contracts.crawlers.directory import MEDIA_TYPE, PATH, fetch
from contracts.errors import Refused
from tests.harness.crawler import crawler_key, directory
from tests.harness.tls import HOST, TlsServer, tls_server

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    folder: Path = tmp_path_factory.mktemp("tls")
    with tls_server(folder) as made:
        yield made


def _give(server: TlsServer, body: bytes, headers: Mapping[str, str], media_type: str = MEDIA_TYPE) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in {"content-type": media_type, "content-length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    server.answers[PATH] = answer


def _refused(server: TlsServer, url: str = "", now: datetime = NOW) -> str:
    with pytest.raises(Refused) as error:
        fetch(server.client(), url or server.url(PATH), now)
    refusal = error.value.refusal
    return refusal.code if "fields" not in refusal.facts else str(refusal.facts["fields"]["directory_url"])


def test_a_directory_signed_by_each_of_its_keys_is_taken(server: TlsServer) -> None:
    keys = [crawler_key() for _ in range(2)]
    _give(server, *directory([private for _, private in keys], f"{HOST}:{server.port}", NOW))
    assert fetch(server.client(), server.url(PATH), NOW) == [part for jwk, _ in keys for part in keys_in(jwk)]


def test_what_is_not_signed_by_each_key_for_this_name_and_time_is_refused(server: TlsServer) -> None:
    privates = [crawler_key()[1] for _ in range(2)]
    own = f"{HOST}:{server.port}"
    for body, headers in (
        directory(privates, own, NOW, signed_by=1),
        directory(privates, own, NOW, signed_by=0),
        directory(privates, "bot.elsewhere.example", NOW),
        directory(privates, own, NOW + timedelta(minutes=2)),
        directory(privates, own, NOW - timedelta(seconds=60)),
    ):
        _give(server, body, headers)
        assert "is not signed by its key" in _refused(server)
    body, headers = directory(privates, own, NOW)
    _give(server, body + b" ", headers)
    assert "is not signed by its key" in _refused(server)


def test_only_the_well_known_path_and_its_media_type_are_a_directory(server: TlsServer) -> None:
    body, headers = directory([crawler_key()[1]], f"{HOST}:{server.port}", NOW)
    _give(server, body, headers, "application/json")
    assert "must be answered as" in _refused(server)
    assert "whole address" in _refused(server, server.url("/"))
    assert "whole address" in _refused(server, server.url(PATH + "?x=1"))
    _give(server, b"\xff", {})
    assert "no JSON" in _refused(server)
    with pytest.raises(Refused) as error:
        fetch(server.client(permitted=lambda _address: False), server.url(PATH), NOW)
    assert error.value.refusal.code == "address_refused"


def test_a_bare_jwk_set_at_another_path_is_taken_with_its_ed25519_keys(server: TlsServer) -> None:
    jwk, _ = crawler_key()
    server.give("/keys.json", json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}, json.loads(jwk)]}).encode())
    assert fetch(server.client(), server.url("/keys.json"), NOW) == keys_in(jwk)
    server.give("/keys.json", json.dumps({"keys": [json.loads(crawler_key()[0]) for _ in range(11)]}).encode())
    assert "1 to 10 Ed25519 keys" in _refused(server, server.url("/keys.json"))
    server.give("/keys.json", b'{"keys":[]}')
    assert "1 to 10 Ed25519 keys" in _refused(server, server.url("/keys.json"))
