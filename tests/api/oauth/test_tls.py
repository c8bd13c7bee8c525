"""Secrets and tokens never travel in clear."""

from __future__ import annotations

import pytest

from api.oauth import refuse_clear_text
from contracts.errors import Misconfigured
from contracts.settings import Settings


@pytest.mark.parametrize("base_url", ["http://data.agora.example", "http://192.0.2.1:8400", "http://localhost.example"])
def test_production_without_tls_does_not_start(base_url: str) -> None:
    with pytest.raises(Misconfigured):
        refuse_clear_text(Settings(base_url=base_url))


@pytest.mark.parametrize("base_url", ["https://data.agora.example", "http://127.0.0.1:8400", "http://[::1]:8400", "http://localhost:8400"])
def test_tls_or_this_machine_alone_starts(base_url: str) -> None:
    refuse_clear_text(Settings(base_url=base_url))


def test_a_test_may_do_without() -> None:
    refuse_clear_text(Settings(profile="test", base_url="http://data.agora.example"))
