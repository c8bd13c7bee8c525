"""What a server leaves behind holds no secret that was ever issued: its files, its log and its database are searched when it ends.

Nothing has to be noted when a secret is issued: each begins with `licet_` and its kind and ends with a checksum (`contracts.ids`), so
whatever is well formed is one. It is looked for as it is, which is also how it stands in an address, in hex, and in base64 at each of the
three places at which base64 can begin it (a Basic header puts the client's id before it). What people type has no such form and is noted.

Three things are known and let be: mail that has not left yet holds the one-time link of its reader, and so does the mailbox of tests; both
are rows of the database (`test_secrets` waits until mail has left and finds none). A demo tells everybody what its invented people type,
and writes its clients' secrets into files.
"""

from __future__ import annotations

import base64
import re
import tomllib
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import create_engine, text

from contracts.ids import SECRETS, is_well_formed_secret

LINK = "one-time link"
_PLAIN = re.compile(rf"licet_({'|'.join(SECRETS)})_[0-9A-Za-z]{{49}}".encode())
_LENGTH = len("licet_xx_") + 49
# How the first letters look in base64 when they stand first, second or third of three, and how many characters of that lie before.
_IN_BASE64 = {b"bGljZXRf": 0, b"xpY2V0X": 2, b"saWNldF9": 3}
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TYPED: dict[str, set[str]] = {}
_KNOWN_FILES = ("master.key", "demo.json", "tour.json")


class Leaked(AssertionError):
    """A secret stands where it must not."""


def typed(base_url: str, secret: str) -> None:
    """Note what a person typed or was shown at an address: a password, the secret of an app for codes."""
    if secret:
        _TYPED.setdefault(base_url, set()).add(secret)


def kinds_in(content: bytes, typed_there: frozenset[bytes] = frozenset()) -> set[str]:
    """The kinds of secret in some bytes, in any form."""
    found = {SECRETS[each[6:8].decode()] for each in _candidates(content) if is_well_formed_secret(each.decode())}
    return found | {"typed by a person" for each in typed_there if each in content}


def check(home: Path, log: Path, base_url: str, database: str = "") -> None:
    """Search everything of an installation; `Leaked` names where each kind stands."""
    told = set() if (home / "demo.json").exists() else _TYPED.get(base_url, set())
    forms = frozenset(form for each in told for form in _forms(each.encode()))
    files = {file.relative_to(home).as_posix(): file for file in home.rglob("*") if file.is_file() and file.name not in _KNOWN_FILES}
    found = {name: kinds_in(file.read_bytes(), forms) - _let_be(name) for name, file in {**files, "log": log}.items() if file.exists()}
    if database.startswith("postgresql"):
        found |= {f"table {name}": kinds_in(rows, forms) - {LINK} for name, rows in _dump(database)}
    if any(found.values()):
        raise Leaked({name: sorted(kinds) for name, kinds in found.items() if kinds})


def database_of(folder: Path, environ: Mapping[str, str]) -> str:
    """The address of an installation's database; empty for the one among its files."""
    file = folder / "licet.toml"
    settings = tomllib.loads(file.read_text()) if file.exists() else {}
    return environ.get("LICET_DATABASE") or str(settings.get("database", ""))


def _let_be(name: str) -> set[str]:
    return {LINK} if name.startswith("licet.db") else set()


def _dump(database: str) -> Iterator[tuple[str, bytes]]:
    engine = create_engine(database)
    with engine.connect() as connection:
        for (table,) in connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all():
            yield table, "\n".join(connection.execute(text(f'SELECT t::text FROM "{table}" t')).scalars()).encode()
    engine.dispose()


def _candidates(content: bytes) -> Iterator[bytes]:
    """What looks like one of our secrets, as it would stand in clear."""
    yield from (found.group() for at in _places(content, b"licet_") if (found := _PLAIN.match(content, at)))
    for start, before in _IN_BASE64.items():
        for at in _places(content, start):
            yield from _in_base64(content[max(0, at - before) : at - before + 4 * (_LENGTH // 3 + 2)])
    for start in (b"6c696365745f", b"6C696365745F"):
        for at in _places(content, start):
            yield from _in_hex(content[at : at + 2 * _LENGTH])


def _places(content: bytes, start: bytes) -> Iterator[int]:
    at = content.find(start)
    while at >= 0:
        yield at
        at = content.find(start, at + 1)


def _in_base64(encoded: bytes) -> Iterator[bytes]:
    run = re.match(rb"[A-Za-z0-9+/_-]*", encoded)
    whole = run.group().translate(_TO_STANDARD) if run else b""
    whole = whole[:-1] if len(whole) % 4 == 1 else whole
    yield from (found.group() for found in _PLAIN.finditer(base64.b64decode(whole + b"=" * (-len(whole) % 4))))


def _in_hex(encoded: bytes) -> Iterator[bytes]:
    if re.fullmatch(rb"[0-9a-fA-F]*", encoded) and len(encoded) == 2 * _LENGTH:
        yield from (found.group() for found in _PLAIN.finditer(bytes.fromhex(encoded.decode())))


def _forms(secret: bytes) -> set[bytes]:
    plain, address = base64.b64encode(secret).rstrip(b"="), base64.urlsafe_b64encode(secret).rstrip(b"=")
    quoted = {quote(secret).encode() for quote in (urllib.parse.quote, urllib.parse.quote_plus)}
    return {secret, secret.hex().encode(), secret.hex().upper().encode(), plain, address, *quoted}
