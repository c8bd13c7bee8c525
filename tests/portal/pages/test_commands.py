"""The commands beside a secret: the shell's token is cut out of any JSON spelling, and Python reads two pages."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contracts.terms.model import DatasetTerms, Terms
from portal.pages.partner import commands

TERMS = Terms(
    datasets=(DatasetTerms(dataset="posts", fields=("id", "lang")),),
    purposes=("research",),
    requests_per_second=1,
    records_per_day=10,
    starts=date(2026, 1, 1),
    ends=date(2026, 12, 31),
    retention_days=1,
)
BASIC = "Basic " + base64.b64encode(b"cli_1:licet_cs_2").decode()


class Api(BaseHTTPRequestHandler):
    """A token address and two pages of records, as the API answers them."""

    separators = (",", ":")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        good = self.headers["authorization"] == BASIC and body == b"grant_type=client_credentials" and self.path == "/oauth/token"
        self._answer(200 if good else 401, {"token_type": "Bearer", "access_token": "tok.en-1", "expires_in": 600})

    def do_GET(self) -> None:
        good = self.headers["authorization"] == "Bearer tok.en-1" and self.path.startswith(
            "/v1/datasets/posts/records?fields=id,lang&limit="
        )
        second = self.path.endswith("&cursor=next%3D")
        self._answer(
            200 if good else 401, {"data": [{"id": "b" if second else "a"}], "next": None if second else "next=", "entry": "ent_1"}
        )

    def log_message(self, *_parts: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body, separators=self.separators).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The handler on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_the_curl_command_runs_in_a_shell_with_nothing_but_curl(separators: tuple[str, str], tmp_path: Path) -> None:
    curl = shutil.which("curl")
    assert curl is not None
    (tmp_path / "curl").symlink_to(curl)
    with serving(type("Spelled", (Api,), {"separators": separators})) as base_url:
        command = commands.curl_api(commands.Key(base_url, "cli_1", "licet_cs_2"), commands.records_path(TERMS, 5))
        done = subprocess.run(
            ["/bin/sh", "-c", command], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True, timeout=120
        )
    assert (json.loads(done.stdout), done.stderr) == ({"data": [{"id": "a"}], "next": "next=", "entry": "ent_1"}, "")


def test_the_python_snippet_reads_two_pages() -> None:
    with serving(Api) as base_url:
        snippet = commands.python_records(commands.Key(base_url, "cli_1", "licet_cs_2"), TERMS)
        done = subprocess.run([sys.executable, "-I", "-c", snippet], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines() == [
        "page 1 - 1 records, ledger entry ent_1",
        "{'id': 'a'}",
        "page 2 - 1 records, ledger entry ent_1",
        "{'id': 'b'}",
    ]
