"""Documents belong to an application while it is written, and stay as they are once it was handed in."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from contracts.applications import service as applications
from contracts.applications.form import read_form
from contracts.applications.service import content_hash
from contracts.applications.tables import Application
from contracts.clock import SystemClock
from contracts.errors import Refused
from contracts.ids import new_id
from contracts.people.actor import Actor
from contracts.sections import Uploads
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from contracts.uploads import files, service
from contracts.uploads.decide import MOST_DOCUMENTS
from contracts.uploads.files import Incoming, path_of
from contracts.uploads.service import Checked
from contracts.uploads.tables import Evidence
from tests.harness.cast import FORM, SETTINGS, Cast, events
from tests.harness.documents import PDF, TEXT

LIMITS = Uploads()
MIB = 1024 * 1024


def drafted(store: Store, cast: Cast) -> Application:
    with store.write() as unit:
        application = applications.begin(unit, cast.tove, "posts")
        return applications.save(unit, cast.tove, application.id, 1, read_form(FORM))


def checked(size: int = 10) -> Checked:
    return Checked(new_id("evd"), "ethics.pdf", "application/pdf", size, "ab" * 32)


def received(home: Path, content: bytes, most: int = 100) -> Incoming:
    incoming = Incoming(home, most)
    assert incoming.write(content)
    incoming.finish()
    return incoming


def added(
    store: Store, actor: Actor, application: Application, kind: str = "ethics", file: Checked | None = None, **limits: Any
) -> Evidence:
    with store.write() as unit:
        return service.add(unit, actor, application.id, kind, file or checked(), Uploads(**limits))


def refused(store: Store, *given: Any, **limits: Any) -> tuple[str, Any]:
    with pytest.raises(Refused) as caught:
        added(store, *given, **limits)
    return caught.value.refusal.code, caught.value.refusal.facts.get("fields")


def test_a_document_is_part_of_what_is_handed_in_and_stays(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    bare = content_hash(draft)
    first, second = added(store, cast.tove, draft), added(store, cast.tove, draft, "dpia")
    with store.write() as unit:
        service.remove(unit, cast.tove, first.id)
        handed_in = applications.submit(unit, cast.tove, draft.id, draft.revision, SETTINGS)
    assert handed_in.evidence == [{"id": second.id, "kind": "dpia", "sha256": "ab" * 32}]
    # The form that it is judged by is bound at the latest when it is handed in, and is part of the hash as well.
    without = Application(**{**handed_in.model_dump(), "evidence": [], "form": draft.form})
    assert (content_hash(handed_in) != bare, content_hash(without) == bare) == (True, True)
    assert refused(store, cast.tove, draft)[0] == "command_not_possible"
    with pytest.raises(Refused, match="command_not_possible"), store.write() as unit:
        service.remove(unit, cast.tove, second.id)
    with store.read() as session:
        assert [each.id for each in service.of_application(session, draft.id)] == [second.id]
    assert events(store)[1:4] == ["evidence.added", "evidence.added", "evidence.removed"]


def test_a_document_is_seen_by_its_organisation_and_by_staff_once_it_was_handed_in(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    row = added(store, cast.tove, draft)

    def seen(actor: Actor) -> bool:
        with store.read() as session:
            try:
                return service.get_for(session, actor, row.id).id == row.id
            except Refused as error:
                assert error.refusal.code == "not_found"
                return False

    assert [seen(each) for each in (cast.tove, cast.dev, cast.eve, cast.mara)] == [True, True, False, False]
    with store.write() as unit:
        applications.submit(unit, cast.tove, draft.id, draft.revision, SETTINGS)
    assert [seen(each) for each in (cast.tove, cast.dev, cast.eve, cast.mara, cast.cora)] == [True, True, False, True, True]


def test_who_may_not_add_adds_nothing(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    assert refused(store, cast.dev, draft)[0] == "role_required"
    assert refused(store, cast.eve, draft)[0] == "not_found"
    assert refused(store, cast.tove, draft, "holiday-pictures") == ("invalid_input", {"document": "Choose what the document is."})


def test_documents_have_a_number_and_a_room(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    draft, other = drafted(sqlite_store, cast), drafted(sqlite_store, cast)
    added(sqlite_store, cast.tove, draft, file=checked(MIB - 10), organisation_megabytes=1)
    assert refused(sqlite_store, cast.tove, other, "dpia", checked(11), organisation_megabytes=1)[1].keys() == {"file"}
    added(sqlite_store, cast.tove, other, "dpia", checked(10), organisation_megabytes=1)
    for _ in range(MOST_DOCUMENTS - 1):
        added(sqlite_store, cast.tove, draft)
    assert refused(sqlite_store, cast.tove, draft)[1].keys() == {"file"}


def test_of_two_that_race_for_the_last_place_one_gets_it(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    for _ in range(MOST_DOCUMENTS - 1):
        added(store, cast.tove, draft)
    outcomes, ready = [], threading.Barrier(2)

    def race() -> None:
        ready.wait()
        try:
            added(store, cast.tove, draft)
            outcomes.append("added")
        except Refused as error:
            outcomes.append(error.refusal.code)

    threads = [threading.Thread(target=race) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["added", "invalid_input"]


def test_a_file_lies_under_its_hash_and_comes_back_as_it_was(tmp_path: Path) -> None:
    incoming = received(tmp_path, PDF)
    found = service.check(tmp_path, incoming, " ethics.pdf ")
    incoming.drop()
    row = Evidence(**_row(found))
    where = path_of(tmp_path, found.sha256, found.id)
    assert (found.name, found.media_type, found.size) == ("ethics.pdf", "application/pdf", len(PDF))
    assert (files.read(tmp_path, row), where.name, where.stat().st_mode & 0o777) == (PDF, f"{found.sha256}.{found.id}", 0o600)
    where.write_bytes(PDF + b"\n")
    with pytest.raises(Refused, match="changed after it was handed in"):
        files.read(tmp_path, row)
    files.remove(tmp_path, found.sha256, found.id)
    with pytest.raises(Refused, match="missing"):
        files.read(tmp_path, row)


def test_what_is_refused_leaves_no_file(tmp_path: Path) -> None:
    for name, content in (("run.exe", b"MZ"), ("../ethics.pdf", PDF), ("ethics.pdf", b"MZ"), ("empty.txt", b"")):
        incoming = received(tmp_path, content)
        with pytest.raises(Refused, match="invalid_input"):
            service.check(tmp_path, incoming, name)
        incoming.drop()
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_an_incoming_file_stops_at_its_limit(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path, 10)
    assert [incoming.write(b"12345"), incoming.write(b"67890"), incoming.write(b"1")] == [True, True, False]
    incoming.drop()
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_the_sweep_takes_what_belongs_to_nobody_and_is_old(new_sqlite: str, tmp_path: Path) -> None:
    store = Store(open_engine(new_sqlite), SystemClock())
    cast = Cast(store)
    draft = drafted(store, cast)
    rows = {}
    for name in ("kept", "removed", "orphan", "young"):
        rows[name] = service.check(tmp_path, received(tmp_path, TEXT), "ethics.txt")
    half = received(tmp_path, b"half of it").path
    for name in ("kept", "removed"):
        added(store, cast.tove, draft, file=rows[name])
    with store.write() as unit:
        service.remove(unit, cast.tove, rows["removed"].id)
    old = (store.clock.now() - files.FORGOTTEN_AFTER - timedelta(seconds=1)).timestamp()
    paths = {name: path_of(tmp_path, found.sha256, found.id) for name, found in rows.items()}
    for each in (*(paths[name] for name in ("kept", "removed", "orphan")), half):
        os.utime(each, (old, old))
    assert files.sweep(store, tmp_path) == 3
    assert [name for name, path in paths.items() if path.exists()] == ["kept", "young"]
    assert (half.exists(), files.sweep(store, tmp_path), files.sweep(store, tmp_path / "nothing")) == (False, 0, 0)
    with store.read() as session:
        assert len(session.exec(select(Evidence)).all()) == 2
    store.engine.dispose()


def _row(found: Checked) -> dict[str, Any]:
    return {"id": found.id, "sha256": found.sha256, "name": found.name, "media_type": found.media_type, "size": found.size}
