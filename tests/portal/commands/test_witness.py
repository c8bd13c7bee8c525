"""`licet ledger witness` over real HTTP."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.ledger.cosignature import cosignatures
from contracts.witness.folder import Witness
from contracts.witness.protocol import MOST_BYTES
from portal.commands.witness import Door, lines, open_witness, server_of
from tests.contracts.witness.logs import ORIGIN, Log
from tests.harness.tls import certificate

LOG = Log(30)


@contextmanager
def served(witness: Witness, door: Door) -> Iterator[int]:
    with server_of(witness, door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return open_witness(tmp_path / "w", "witness.example/1", [LOG.verifier.vkey()])


@pytest.fixture
def connection(witness: Witness) -> Iterator[http.client.HTTPConnection]:
    with served(witness, Door(port=0)) as port:
        made = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        yield made
        made.close()


def post(connection: http.client.HTTPConnection, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str, bytes]:
    connection.request("POST", path, body)
    answer = connection.getresponse()
    return answer.status, answer.headers["content-type"], answer.read()


def test_every_answer_has_the_status_of_the_protocol(connection: http.client.HTTPConnection, witness: Witness) -> None:
    """On one connection, which stays open."""
    plain = "text/plain; charset=utf-8"
    status, kind, line = post(connection, LOG.request(0, 20))
    (cosigned,) = cosignatures(LOG.checkpoint(20) + line.decode(), [witness.verifier])
    assert (status, kind, cosigned.line) == (200, plain, line.decode())
    assert post(connection, LOG.request(0, 25)) == (409, "text/x.tlog.size", b"20\n")
    assert post(connection, Log(20, fork=3).request(20, 20)) == (409, "text/x.tlog.size", b"20\n")
    rewritten = (422, plain, b"the proof does not lead from 20 entries to 30\n")
    assert post(connection, Log(30, fork=3).request(20, 30)) == rewritten
    assert post(connection, Log(5, key=b"x" * 32).request(0, 5)) == (403, plain, b"no known key signed this\n")
    assert post(connection, Log(5, origin="who.example").request(0, 5)) == (404, plain, b"no log is known here as who.example\n")
    assert post(connection, b"old x\n")[0] == 400
    connection.request("GET", "/")
    assert connection.getresponse().read().decode().splitlines() == [witness.verifier.vkey(), f"{ORIGIN} 20 {LOG.told(20).root.hex()}"]


def test_a_request_above_64_kib_is_not_read(connection: http.client.HTTPConnection) -> None:
    assert post(connection, b"x" * MOST_BYTES)[0] == 400
    assert post(connection, b"x" * (MOST_BYTES + 1))[0] == 413


def test_with_a_certificate_it_does_tls(witness: Witness, tmp_path: Path) -> None:
    pem = certificate(tmp_path, "localhost")
    with served(witness, Door(port=0, certificate=pem)) as port:
        connection = http.client.HTTPSConnection("localhost", port, timeout=60, context=ssl.create_default_context(cafile=str(pem)))
        assert post(connection, LOG.request(0, 3))[0] == 200
        connection.close()


def test_logs_are_named_by_their_keys(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="none is named"):
        open_witness(tmp_path, "w", [])
    with pytest.raises(Misconfigured, match="is no key of a log"):
        open_witness(tmp_path, "w", ["agora.example/ledger"])
    assert next(lines(open_witness(tmp_path, "w", [LOG.verifier.vkey()]))).startswith("w+")
