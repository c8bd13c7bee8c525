"""No secret stands in clear where it does not belong: not in the database's files, not in the log, not in a page or mail other than the one
that shows it once.

A whole life goes through a real `licet serve`; then everything that it left behind is searched, byte by byte. The known exception is mail
that has not left yet: its row in the outbox holds the one-time link, as does the mailbox table of demos and tests, which this installation
does not use. What has left is stripped of its body; this test waits for that, and for the end of the server, with which the write-ahead
log of what was overwritten goes.
"""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from sqlalchemy import text
from sqlmodel import select

from contracts.clock import SystemClock
from contracts.ids import SECRETS
from contracts.keys import KeyRing, KeyRow, master_key
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.harness.server import Licet, clean_environ, free_port, licet_command, start
from tests.harness.smtp import Mailserver, smtp_server
from tests.journeys.life import Life, quietly, settle_in

WEBHOOK = "whsec_a9Jf2kQm7TzX4rB8nYc5"
ENVIRON = {"LICET_BILLING__WEBHOOK_SECRET": WEBHOOK}
ROUNDS = 2


@dataclass(frozen=True)
class Left:
    """What a life left behind, and the secrets that it had: by kind, each in every form in which it could be written down."""

    files: Mapping[str, bytes]
    pages: Mapping[str, str]
    shown_once: str
    mails: str
    secrets: Mapping[str, frozenset[bytes]]

    def found(self, where: bytes, *but: str) -> list[str]:
        """The kinds of secret that stand somewhere."""
        return sorted(kind for kind, forms in self.secrets.items() if kind not in but and any(form in where for form in forms))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    folder = tmp_path_factory.mktemp("secrets")
    with smtp_server() as mail:
        port = free_port()
        settings = settle_in(folder, port, mail)
        running = start(folder, ["serve"], ENVIRON, port)
        store = Store(open_engine(settings.database_url), SystemClock(), "test")
        try:
            life = Life(running.base_url, settings, store, mail, quietly)
            _live(life, folder, store)
            kinds = _secrets(life, settings, store)
        finally:
            store.engine.dispose()
            running.stop()
        yield _left(life, folder, running, mail, kinds)


def test_nothing_on_the_disk_holds_a_secret(left: Left) -> None:
    assert {name: kinds for name, content in left.files.items() if (kinds := left.found(content))} == {}
    assert {"licet.db", "log"} <= left.files.keys()
    assert "licet.db-wal" not in left.files, "an orderly end leaves no log of what was overwritten"
    assert len(left.files["licet.db"]) > 200_000


def test_no_page_shows_a_secret_but_the_one_that_shows_it_once(left: Left) -> None:
    assert {path: kinds for path, page in left.pages.items() if (kinds := left.found(page.encode()))} == {}
    assert len(left.pages) > 60
    once = {"API key", "app secret", "authorization code", "client secret", "recovery code", "registration token", "sandbox secret"}
    assert left.found(left.shown_once.encode()) == sorted(once)


def test_no_mail_holds_a_secret_but_its_own_link(left: Left) -> None:
    assert left.found(left.mails.encode()) == ["one-time token"]


def test_every_kind_of_secret_was_looked_for(left: Left) -> None:
    people = {"password", "app secret", "recovery code", "one-time token", "licet_session", "licet_visitor"}
    programs = {"API key", "client secret", "access token", "authorization code", "code verifier", "refresh token"}
    registered = {"registration token", "registration access token", "pushed request", "sandbox secret"}
    kinds = people | programs | registered | {"webhook secret", "master key"}
    private = {f"private key of {each}" for each in ("token", "seal", "document", "ledger", "pseudonym", "cursor", "session", "index")}
    assert left.secrets.keys() == kinds | private
    assert {kind: len(forms) for kind, forms in left.secrets.items() if len(forms) < 2} == {"webhook secret": 1}
    assert all(left.found(form) == [kind] for kind, forms in left.secrets.items() for form in forms)


def test_every_kind_of_secret_that_the_house_makes_was_in_the_life(left: Left) -> None:
    looked_for = b" ".join(form for forms in left.secrets.values() for form in forms)
    assert {kind: name for kind, name in SECRETS.items() if f"licet_{kind}_".encode() not in looked_for} == {}, "add an act to the life"


def _live(life: Life, folder: Path, store: Store) -> None:
    def refresh() -> None:
        done = subprocess.run(
            licet_command("dataset", "refresh", "trees"), cwd=folder, env=clean_environ({}), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr

    life.begin()
    for number in range(ROUNDS):
        life.round(number, refresh)
    _look_around(life)
    life.close()
    deadline = time.monotonic() + 20
    while _mail_waits(store):
        assert time.monotonic() < deadline, "mail did not leave"


def _look_around(life: Life) -> None:
    """Open every list and page that could show too much, as each person sees it."""
    shared = ("/", "/account", "/datasets", "/licences", "/transparency", "/sign-in", "/mailbox")
    own = {
        "lead0": ("/partner", "/partner/applications", "/partner/contracts", "/partner/team"),
        "steward": ("/desk", "/desk/applications", "/desk/contracts", "/desk/people", "/desk/incidents"),
        "administrator": ("/desk", "/desk/people"),
        "officer": ("/compliance", "/compliance?show=all", "/compliance/export?show=all", "/compliance/erasure", "/compliance/incidents"),
        "operator": ("/operator", "/operator/stops.csv"),
    }
    for key, paths in own.items():
        for path in (*shared, *paths):
            life.people[key].get(path)
    for path in _entries_of(life.people["officer"].get("/compliance?show=all").text):
        assert life.people["officer"].get(path).status_code == 200
    life.people["lead0"].post("/sign-in", {"email": life.address("lead0"), "password": life.kept("password", "mistyped orchard of lead0")})


def _entries_of(page: str) -> list[str]:
    return sorted({word for word in page.split('"') if word.startswith("/compliance/entries/ent_")})


def _mail_waits(store: Store) -> bool:
    with store.engine.connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM outbox WHERE kind = 'mail' AND done_at IS NULL")).scalar())


def _secrets(life: Life, settings: Settings, store: Store) -> dict[str, set[bytes]]:
    """Every secret of the life and of the house, in each form that someone might have written down."""
    kinds = {kind: {each.encode() for each in found} for kind, found in life.secrets.items()}
    for client in life.clients:
        kinds["client secret"].add(base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()))
    master = master_key(settings)
    kinds |= {"webhook secret": {WEBHOOK.encode()}, "master key": _forms(master)}
    with store.read() as session:
        rows = session.exec(select(KeyRow)).all()
    for row in rows:
        kinds.setdefault(f"private key of {row.purpose}", set()).update(_private_forms(KeyRing(master).open(row)))
    return kinds


def _private_forms(private: bytes) -> set[bytes]:
    if len(private) == 32:
        return _forms(private)
    key = load_der_private_key(private, None)
    assert isinstance(key, EllipticCurvePrivateKey)
    number = key.private_numbers().private_value.to_bytes(32, "big")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).splitlines()[1]
    return _forms(private) | _forms(number) | {pem}


def _forms(secret: bytes) -> set[bytes]:
    plain, address = base64.b64encode(secret), base64.urlsafe_b64encode(secret)
    return {secret, secret.hex().encode(), secret.hex().upper().encode(), plain.rstrip(b"="), address.rstrip(b"=")}


def _left(life: Life, folder: Path, running: Licet, mail: Mailserver, kinds: Mapping[str, set[bytes]]) -> Left:
    files = {each.name: each.read_bytes() for each in (folder / ".licet").rglob("*") if each.is_file() and each.name != "master.key"}
    shown = {id(each) for each in life.once}
    answers = [each for visitor in life.people.values() for each in visitor.seen if id(each) not in shown]
    pages = {
        f"{number} {each.request.method} {each.request.url.path.partition('/ln_')[0]}": f"{each.headers.get('location', '')}\n{each.text}"
        for number, each in enumerate(answers)
    }
    return Left(
        files={**files, "log": running.log.read_bytes()},
        pages=pages,
        shown_once="\n".join(each.headers.get("location", "") + each.text for each in life.once),
        mails="\n".join(each.message.as_string() + str(each.message.get_content()) for each in mail.received),
        secrets={kind: frozenset(forms) for kind, forms in kinds.items()},
    )
