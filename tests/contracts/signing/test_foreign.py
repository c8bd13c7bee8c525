"""A PDF that was signed elsewhere: ours byte for byte, signatures after it, and nothing else."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic

from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.lifecycle import queries, service
from contracts.lifecycle.ways import Method, Way
from contracts.settings import Settings
from contracts.signing import foreign, render
from contracts.signing.apart import look
from contracts.signing.certificates import known_certificates
from contracts.signing.check import check
from contracts.signing.files import keep, read
from contracts.signing.foreign import problem_of
from contracts.signing.handler import DOCUMENT, document_handler, document_of
from contracts.store.outbox import Effect
from contracts.store.unit import Store
from tests.contracts.signing.test_document import FACTS
from tests.contracts.signing.test_pades import pdfsig, rendered
from tests.contracts.terms.test_grant import TERMS
from tests.harness.cast import SETTINGS, Cast, drafted
from tests.harness.signing import NOW, extra_page, signed_elsewhere, with_extra_page


def test_signatures_alone_are_taken() -> None:
    ours = rendered()
    once = signed_elsewhere(ours)
    twice = signed_elsewhere(once, field="Second", page=-1, box=(60, 80, 200, 130))
    for file, count in ((once, 1), (twice, 2)):
        problem, signed = problem_of(ours, file, NOW)
        assert (problem, [each.name for each in signed]) == ("", ["CN=Bea Bound"] * count)


def test_anything_else_is_refused_with_what_to_do() -> None:
    ours = rendered()
    once = signed_elsewhere(ours)
    named = lambda writer: writer.root.__setitem__("/OpenAction", generic.ArrayObject())  # noqa: E731 - one line
    many = ours
    for number in range(5):
        many = signed_elsewhere(many, field=f"Partner{number}")
    found = {
        "an extra page in the signed revision": signed_elsewhere(ours, before=extra_page),
        "an extra page after the signature": with_extra_page(once),
        "another action in the catalog": signed_elsewhere(ours, before=_touching_root(named)),
        "a signature over the text": signed_elsewhere(ours, page=0, box=(50, 50, 500, 700)),
        "a lock": signed_elsewhere(ours, locked=True),
        "the platform's own field": signed_elsewhere(ours, field="PlatformSeal"),
        "a changed first revision": once.replace(b"%PDF-1.7", b"%PDF-1.6", 1),
        "another version": signed_elsewhere(render(SETTINGS, replace(FACTS, title="Another"), TERMS, "ctr_1").pdf),
        "no signature": ours,
        "only noise": ours + b"\n% nothing\n" * 50,
        "five signatures": many,
        "a damaged signature": _damaged(once),
        "too much": once + b" " * foreign.MOST_ADDED,
    }
    assert {name: problem_of(ours, file, NOW)[0] for name, file in found.items()} == {
        "an extra page in the signed revision": foreign.MORE,
        "an extra page after the signature": foreign.MORE,
        "another action in the catalog": foreign.MORE,
        "a signature over the text": foreign.PLACE,
        "a lock": foreign.LOCKED,
        "the platform's own field": foreign.LOCKED,
        "a changed first revision": foreign.NOT_OURS,
        "another version": foreign.NOT_OURS,
        "no signature": foreign.UNSIGNED,
        "only noise": foreign.MORE,
        "five signatures": foreign.TOO_MANY,
        "a damaged signature": foreign.BROKEN,
        "too much": foreign.TOO_LARGE,
    }


def test_a_file_that_eats_memory_takes_only_the_process_that_looks() -> None:
    ours = rendered()
    bomb = _bomb(ours)
    assert (len(bomb) < 200_000, look(ours, ours + bomb, NOW).problem) == (True, foreign.UNREADABLE)


def test_the_file_as_it_came_is_sealed_and_its_signature_goes_on_holding(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    cast, settings = Cast(sqlite_store), Settings.model_validate({**SETTINGS.model_dump(by_alias=True), "home": tmp_path})
    contract = drafted(sqlite_store, cast)
    with sqlite_store.write() as unit:
        service.offer(unit, cast.mara, contract.id, 1)
        version = queries.version_of(unit.session, contract)
    theirs = signed_elsewhere(version.pdf)
    way = Way(Method.PDF, keep(tmp_path, theirs), "application/pdf", ("CN=Bea Bound",))
    with sqlite_store.write() as unit:
        service.sign(unit, cast.tove, contract.id, 2, name="Bea Bound", capacity="Chancellor", way=way)
        contract = service.countersign(unit, cast.jon, keys, contract.id, 3, name="Jon", capacity="Head")
    document_handler(settings, sqlite_store, keys)(Effect("out_1", DOCUMENT, {"contract_id": contract.id}, 1, 1))
    with sqlite_store.read() as session:
        sealed, trusted = document_of(session, queries.version_of(session, contract)), known_certificates(session, settings)
    found = check(sealed, trusted, NOW)
    assert (sealed.startswith(theirs), found.problems, [each.name for each in found.in_file]) == (True, (), ["CN=Bea Bound"])
    (tmp_path / "sealed.pdf").write_bytes(sealed)
    assert pdfsig(tmp_path / "sealed.pdf").count("Signature Validation: Signature is Valid.") == 2
    with pytest.raises(Refused):
        read(tmp_path, "0" * 64)


def _bomb(ours: bytes) -> bytes:
    """A further revision whose table of objects unpacks, twice packed, to more than a gigabyte."""
    packer = zlib.compressobj(9)
    head, block = packer.compress(b""), b"\0" * 16_000_000
    first = head + packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    twice = zlib.compress(first + again * 80, 1)
    table = b"<</Type/XRef/Size 2000000000/W[1 2 1]/Root 1 0 R/Filter[/FlateDecode/FlateDecode]/Length %d>>" % len(twice)
    start = len(ours) + 1
    return b"\n900 0 obj\n" + table + b"\nstream\n" + twice + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start


def _touching_root(change: object) -> object:
    def touch(writer: object) -> None:
        change(writer)  # type: ignore[operator]  # a function of the writer
        writer.update_root()  # type: ignore[attr-defined]  # as above

    return touch


def _damaged(file: bytes) -> bytes:
    """One digit changed near the end of what is signed with the key."""
    written = re.search(rb"/Contents <([0-9A-F]+?)0{20,}", file)
    assert written is not None
    at = written.end(1) - 6
    return file[:at] + (b"1" if file[at : at + 1] == b"0" else b"0") + file[at + 1 :]
