"""Signing keys on a real server: one follows another without a failed request, and one that is revoked ends its tokens in two seconds."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contracts.store.epochs import STALE_SECONDS
from tests.harness import partner
from tests.harness.felt import within
from tests.harness.server import clean_environ, licet_command
from tests.journeys.served import STORES, Place, served


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with served(request, tmp_path, {}) as made:
        yield made


@dataclass
class Loop:
    """A program that asks for a token and reads with it, again and again; `between` is held while it does so once."""

    place: Place
    answers: list[tuple[int, int, str]] = field(default_factory=list)
    between: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        # At most 60 tokens a minute for one client: far fewer are asked for in all.
        while not self.ended.wait(0.3):
            with self.between:
                answer = partner.token(self.place.base_url, self.place.made.client)
                token = answer.json.get("access_token", "")
                self.answers.append((answer.status, self.place.get(token).status, kid_of(token)))

    def goes_on(self, count: int = 3) -> bool:
        """Wait until so many more answers came."""
        wanted = len(self.answers) + count
        return within(60, lambda: self.ended.is_set() or len(self.answers) >= wanted)


def kid_of(token: str) -> str:
    """The id of the key that signed a token."""
    header = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]) if header else ""


@contextmanager
def asking(place: Place) -> Iterator[Loop]:
    loop = Loop(place)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        loop.ended.set()
        thread.join()


def keys(place: Place, *words: str) -> str:
    """What `licet keys` prints, run as another process."""
    command = licet_command("keys", *words)
    done = subprocess.run(command, cwd=place.made.folder, env=clean_environ({}), capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def published(place: Place) -> list[str]:
    """The ids of the keys that everyone may know."""
    return [each["kid"] for each in partner.ask(place.base_url, "GET", "/oauth/jwks").json["keys"]]


def test_keys_follow_one_another_without_a_failed_request_and_a_revoked_one_ends_its_tokens(place: Place) -> None:
    (old,) = published(place)
    with asking(place) as loop:
        assert loop.goes_on()
        new = keys(place, "rotate").split()[2]
        assert within(STALE_SECONDS, lambda: published(place) == [old, new]), "it is published before it signs"
        assert loop.goes_on()
        kept = _later(loop, 300)
        assert loop.goes_on()
        by_new = _later(loop, 601)
        assert loop.goes_on()
    assert {(asked, read) for asked, read, _ in loop.answers} == {(200, 200)}
    assert list(dict.fromkeys(kid for _, _, kid in loop.answers)) == [old, new]
    assert (kid_of(kept), kid_of(by_new)) == (old, new)
    assert (place.get(kept).status, place.get(by_new).status) == (200, 200), "what the old key signed verifies until it ends"
    keys(place, "revoke", new)
    # Of several processes each follows in its own time, and nobody says which of them answers.
    assert within(STALE_SECONDS, lambda: all(place.get(by_new).status == 401 for _ in range(10)))
    assert within(STALE_SECONDS, lambda: all(published(place) == [old] for _ in range(10)))
    after = place.token(place.made.client)
    assert (kid_of(after), place.get(after).status, place.get(kept).status) == (old, 200, 200)


def _later(loop: Loop, seconds: int) -> str:
    """Move the clock between two rounds of the program; a token of the moment after."""
    with loop.between:
        loop.place.clock.write_text(str(seconds))
        return loop.place.token(loop.place.made.client)
