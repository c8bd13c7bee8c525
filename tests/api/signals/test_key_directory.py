"""The house's key directory over HTTP, as those who get its requests read it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.signals import router
from contracts.clock import FixedClock
from contracts.crawlers.decide import keys_in, opened
from contracts.crawlers.directory import MEDIA_TYPE, PATH, TAG
from contracts.house import House
from contracts.message_signatures import signers
from contracts.settings import Platform, Settings
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import RING

NAME = "data.agora.example"


def test_anyone_reads_the_keys_and_finds_them_signed(sqlite_store: Store, clock: FixedClock) -> None:
    settings = Settings(profile="test", base_url=f"https://{NAME}", platform=Platform(site="https://www.agora.example"))
    app = FastAPI()
    app.include_router(router(cast(House, SimpleNamespace(settings=settings, keys=RING, store=sqlite_store, clock=clock))))
    answer = TestClient(app, base_url=f"https://{NAME}").get(PATH)
    (key,) = keys_in(answer.text)
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    assert signers(answer.headers, answer.content, NAME, TAG, {key.thumbprint: opened(key.x)}, clock.now()) == {key.thumbprint}
