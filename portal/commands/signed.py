"""Who is signed in on this machine at which platform: tokens and the key that they hold with, in a file of its owner alone."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from joserfc.jwk import ECKey

from contracts.clock import SystemClock
from contracts.errors import Unserved
from portal.commands.wire import Wire, told

FOLDER = "LICET_PARTNER_HOME"
# A token is renewed when it ends within this many seconds.
EARLY_SECONDS = 30


@dataclass(frozen=True)
class Signed:
    """A sign-in. Times are seconds since 1970; `key` is a private JWK."""

    issuer: str
    client_id: str
    api: str
    token_address: str
    key: dict[str, Any] = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    ends_at: int = 0

    def wire(self) -> Wire:
        """The way to its platform."""
        return Wire(self.issuer, ECKey.import_key(self.key))

    def renewed(self, body: Mapping[str, Any]) -> Signed:
        """With the tokens of an answer of the token address."""
        ends_at = int(SystemClock().now().timestamp()) + int(body.get("expires_in", 0))
        refresh = str(body.get("refresh_token", self.refresh_token))
        return replace(self, access_token=str(body["access_token"]), refresh_token=refresh, ends_at=ends_at)

    @property
    def is_over(self) -> bool:
        """Whether the access token has ended or is about to."""
        return self.ends_at <= SystemClock().now().timestamp() + EARLY_SECONDS


def folder(environ: Mapping[str, str]) -> Path:
    """Where sign-ins are kept."""
    named = environ.get(FOLDER, "")
    return Path(named) if named else Path.home() / ".licet-partner"


def keep(home: Path, signed: Signed) -> Path:
    """Keep a sign-in in place of the one before, readable by its owner only; never half written."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    file, fresh = home / "sign-in.json", home / f".{secrets.token_hex(8)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(orjson.dumps(asdict(signed)))
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    return file


def held(home: Path) -> Signed:
    """The sign-in of this machine. Raises `Unserved` where there is none."""
    try:
        return Signed(**orjson.loads((home / "sign-in.json").read_bytes()))
    except (FileNotFoundError, TypeError, orjson.JSONDecodeError) as error:
        raise Unserved("Nobody is signed in on this machine. Run the licet login of your client's page first.") from error


def fresh(home: Path, refused: str = "") -> Signed:
    """The sign-in with a token that is good now; `refused` is one that was not, whatever its time.

    One process at a time renews: a refresh token that is sent twice ends the whole sign-in. Raises `Unserved` where it has ended.
    """
    with _alone(home):
        signed = held(home)
        if not signed.is_over and signed.access_token != refused:
            return signed
        wire = signed.wire()
        try:
            form = {"grant_type": "refresh_token", "refresh_token": signed.refresh_token, "client_id": signed.client_id}
            answer = wire.post(signed.token_address, form)
        finally:
            wire.close()
        if answer.status_code != 200:
            raise Unserved(f"{told(answer)} Sign in again with licet login.")
        renewed = signed.renewed(answer.json())
        keep(home, renewed)
        return renewed


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
