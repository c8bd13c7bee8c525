"""What a crawler is served at the two addresses."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.signals.router import signals_of
from contracts.gate import signals
from tests.harness.gates import gate_settings


def test_both_signals_are_served_with_their_types(tmp_path: Path) -> None:
    settings = gate_settings(tmp_path)
    app = FastAPI()
    app.include_router(signals_of(settings))
    client = TestClient(app)
    robots, licence = client.get("/robots.txt"), client.get("/license.xml")
    assert (robots.text, robots.headers["content-type"]) == (signals.robots(settings), "text/plain; charset=utf-8")
    assert (licence.text, licence.headers["content-type"]) == (signals.licence(settings), "application/rsl+xml")
    assert {each.headers["cache-control"] for each in (robots, licence)} == {"public, max-age=3600"}
    assert client.head("/license.xml").content == b""
