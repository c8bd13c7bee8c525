"""Files from browsers: read as they stream in, stopped at the limit, refused with a sentence, and given back as attachments alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from contracts.applications import service as applications
from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.house import House
from contracts.ledger.tables import LedgerEntry
from contracts.people.roles import Role
from contracts.store.unit import Store
from contracts.uploads import files
from contracts.uploads.tables import Evidence
from portal import cookies
from portal.uploads import DRAINED_BYTES
from tests.harness.cast import events
from tests.harness.documents import PDF, word
from tests.portal.house import add_person, portal, settings, sign_in, small_house
from tests.portal.scene import actor

LEAD, STEWARD, RIVAL = "nora@lab.example", "samir@agora.example", "quinn@rival.example"
MIB = 1024 * 1024
HOSTILE = "<img src=x onerror=alert(1)>.pdf"


@pytest.fixture
def place(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> House:
    """A house that keeps documents below the test's own folder, at most 1 MiB each."""
    house = small_house(sqlite_store, clock, settings(home=tmp_path / "home", uploads={"megabytes": 1}))
    add_person(house, LEAD, "Nora", Role.LEAD, organisation="org_lab")
    add_person(house, RIVAL, "Quinn", Role.LEAD, organisation="org_rival")
    add_person(house, STEWARD, "Samir", Role.STEWARD, organisation="org_agora", side="platform")
    return house


@pytest.fixture
def path(place: House) -> str:
    """The documents of a draft."""
    with place.store.write() as unit:
        return f"/partner/applications/{applications.begin(unit, actor(place, LEAD), 'posts').id}/evidence"


def token(client: TestClient, path: str) -> str:
    return client.get(path).text.partition('name="csrf" value="')[2][:64]


def send(client: TestClient, path: str, name: str, content: bytes, kind: str = "ethics") -> httpx.Response:
    fields = {"csrf": token(client, path), "document": kind}
    return client.post(path, data=fields, files={"file": (name, content, "application/pdf")})


def kept(house: House) -> list[Path]:
    return [each for each in house.settings.home.rglob("*") if each.is_file()]


def test_a_document_is_added_shown_given_back_and_removed(place: House, path: str) -> None:
    client = sign_in(place, LEAD)
    assert send(client, path, HOSTILE, PDF).headers["location"] == f"{path}?done=document-added"
    page = client.get(path).text
    assert (HOSTILE in page, "&lt;img src=x onerror=alert(1)&gt;.pdf" in page) == (False, True)
    file = page.partition('href="/partner/evidence/')[2].partition('"')[0]
    answer = client.get(f"/partner/evidence/{file}")
    told = {name: answer.headers[name] for name in ("content-disposition", "content-type", "x-content-type-options", "cache-control")}
    assert (answer.content, told) == (
        PDF,
        {
            "content-disposition": f"attachment; filename=\"_img src_x onerror_alert_1__.pdf\"; filename*=UTF-8''{quote(HOSTILE, safe='')}",
            "content-type": "application/pdf",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert sign_in(place, RIVAL).get(f"/partner/evidence/{file}").status_code == 404
    assert sign_in(place, STEWARD).get(f"/desk/evidence/{file}").status_code == 404
    removed = client.post(f"/partner/evidence/{file}/remove", data={"csrf": token(client, path)})
    assert (removed.status_code, client.get(f"/partner/evidence/{file}").status_code, kept(place)) == (303, 404, [])


def test_who_of_staff_takes_a_copy_is_in_the_ledger_before_it_leaves(place: House, path: str) -> None:
    client, steward = sign_in(place, LEAD), sign_in(place, STEWARD)
    send(client, path, "ethics.pdf", PDF)
    with place.store.write() as unit:
        row = unit.session.exec(select(Evidence)).one()
        unit.session.get_one(Application, row.application_id).submitted_at = unit.now
    before = events(place.store)
    assert (client.get(f"/partner/evidence/{row.id}").content, events(place.store)) == (PDF, before), "one's own is no entry"
    assert (steward.get(f"/desk/evidence/{row.id}").content, events(place.store)) == (PDF, [*before, "evidence.downloaded"])
    with place.store.read() as session:
        leaf = json.loads(session.exec(select(LedgerEntry.leaf).order_by(col(LedgerEntry.index).desc())).first() or b"")
    told = {"evidence": row.id, "kind": "ethics", "sha256": row.sha256, "bytes": len(PDF)}
    assert (leaf["subject"], leaf["organisation"], leaf["facts"]) == (row.application_id, "org_lab", told)
    files.remove(place.settings.home, row.sha256, row.id)
    assert (steward.get(f"/desk/evidence/{row.id}").status_code, events(place.store)) == (404, [*before, "evidence.downloaded"])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("ethics.pdf", b"MZ\x90", "The file is a program, whatever its name says."),
        ("ethics.docx", word()[:-30], "The file is damaged and cannot be opened."),
        ("ethics.docx", word(**{"word/a": b"\0" * 70 * MIB}), "The file unpacks to far more than it weighs, so it is not opened."),
        ("../../ethics.pdf", PDF, "The file’s name holds a path."),
        ("page.html", b"<script>alert(1)</script>", "Files with such a name are not taken."),
        ("page.txt", b"<script>alert(1)</script>", "The file is a web page or other markup, which a browser could run."),
        ("ethics.pdf", PDF + b"\0" * (MIB - len(PDF) + 1), "The file is larger than 1 MB."),
        ("", b"", "Choose a file."),
    ],
)
def test_what_is_not_taken_is_said_beside_the_field_and_leaves_nothing(
    place: House, path: str, name: str, content: bytes, told: str
) -> None:
    answer = send(sign_in(place, LEAD), path, name, content)
    assert (answer.status_code, answer.text.count(told), kept(place)) == (422, 2, []), answer.text


def test_a_file_of_just_the_limit_is_taken(place: House, path: str) -> None:
    content = b"a" * MIB
    assert send(sign_in(place, LEAD), path, "long.txt", content, "other").status_code == 303
    assert [each.stat().st_size for each in kept(place)] == [MIB]


class Sending:
    """A request whose body never ends, and how much of it was asked for."""

    def __init__(self, place: House, path: str, head: bytes, **headers: str) -> None:
        self.taken, self._head = 0, head
        self._scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "server": ("127.0.0.1", 8400),
            "client": ("127.0.0.1", 50_000),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        self._app, self.status, self.headers, self.body = portal(place), 0, dict[str, str](), b""

    def run(self) -> None:
        asyncio.run(self._app(self._scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        chunk = self._head or b"x" * 65_536
        self._head = b""
        self.taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], {key.decode(): value.decode() for key, value in message["headers"]}
        self.body += message.get("body", b"")


def endless(place: House, path: str, email: str | None, csrf: str = "", declared: int = 0) -> Sending:
    """A form whose file goes on for ever, from a person's browser; its token is the right one where none is given."""
    client = sign_in(place, email) if email else None
    given = csrf or (token(client, path) if client is not None else "")
    head = (
        b'--limit\r\ncontent-disposition: form-data; name="csrf"\r\n\r\n' + given.encode() + b"\r\n"
        b'--limit\r\ncontent-disposition: form-data; name="document"\r\n\r\nethics\r\n'
        b'--limit\r\ncontent-disposition: form-data; name="file"; filename="ethics.txt"\r\n\r\n'
    )
    cookie = {"cookie": f"{cookies.SESSION}={client.cookies[cookies.SESSION]}"} if client is not None else {}
    length = {"content_length": str(declared)} if declared else {"transfer_encoding": "chunked"}
    kind = {"content_type": "multipart/form-data; boundary=limit", "host": "127.0.0.1:8400", "sec_fetch_site": "same-origin"}
    sending = Sending(place, path, head, **kind, **length, **cookie)
    sending.run()
    return sending


@pytest.mark.parametrize("declared", [0, 10_000_000_000])
def test_a_stream_of_ten_gigabytes_is_refused_early_and_the_connection_ends(place: House, path: str, declared: int) -> None:
    sent = endless(place, path, LEAD, declared=declared)
    assert (sent.status, sent.headers["connection"], b"The file is larger than 1 MB." in sent.body) == (422, "close", True)
    assert sent.taken < (MIB + 200_000 if not declared else 10_000)
    assert kept(place) == []


@pytest.mark.parametrize(
    ("email", "csrf", "status"), [(None, "", 401), (LEAD, "0" * 64, 403), (STEWARD, "0" * 64, 403), (RIVAL, "0" * 64, 403)]
)
def test_nothing_of_a_file_is_read_before_it_is_known_whose_it_is(
    place: House, path: str, email: str | None, csrf: str, status: int
) -> None:
    sent = endless(place, path, email, csrf)
    assert (sent.status, sent.taken < 2_000, kept(place)) == (status, True, [])


def test_a_file_a_little_too_large_is_read_to_its_end_so_that_browsers_show_the_answer(place: House, path: str) -> None:
    client, asked = sign_in(place, LEAD), []
    start = f'--limit\r\ncontent-disposition: form-data; name="csrf"\r\n\r\n{token(client, path)}\r\n'.encode()
    start += b'--limit\r\ncontent-disposition: form-data; name="file"; filename="ethics.txt"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield start
        for _ in range(64):
            asked.append(1)
            yield b"x" * 65_536
        yield b"\r\n--limit--\r\n"

    length = len(start) + 64 * 65_536 + len(b"\r\n--limit--\r\n")
    headers = {"content-type": "multipart/form-data; boundary=limit", "content-length": str(length)}
    answer = client.post(path, content=body(), headers=headers)
    assert (length < DRAINED_BYTES, answer.status_code, len(asked), "connection" in answer.headers) == (True, 422, 64, False)


@pytest.mark.parametrize(
    "body",
    [
        b"no form at all",
        b'--limit\r\ncontent-disposition: form-data; name="csrf"\r\n\r\n',
        b"--limit\r\n\r\n\r\n" * 30,
        b'--limit\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nfirst, before any token\r\n--limit--\r\n',
    ],
)
def test_a_form_that_cannot_be_read_is_refused(place: House, path: str, body: bytes) -> None:
    answer = sign_in(place, LEAD).post(path, content=body, headers={"content-type": "multipart/form-data; boundary=limit"})
    assert (answer.status_code in (400, 403), kept(place)) == (True, [])


def test_other_forms_stay_small_though_they_look_like_a_file(place: House, path: str) -> None:
    kind = {"content-type": "multipart/form-data; boundary=limit"}
    answer = sign_in(place, LEAD).post("/partner/organisation", content=b"x" * 300_000, headers=kind)
    assert (answer.status_code, kept(place)) == (400, [])
