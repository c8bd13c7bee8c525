"""What a file is told by its bytes; everything that is not plainly one of six kinds is refused with a sentence that helps."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from contracts.uploads import zips
from contracts.uploads.kinds import FILES
from contracts.uploads.names import LONGEST, name_problem, tidy
from contracts.uploads.sniff import CUT_OFF, EMPTY, MARKUP, NOT_TAKEN, NOT_UTF8, PROGRAM, sniff
from tests.harness.documents import JPEG, PDF, PNG, TEXT, TYPES, open_text, word, zipped

GOOD = {"pdf": PDF, "png": PNG, "jpeg": JPEG, "docx": word(), "odt": open_text(), "text": TEXT}
BOMB = word(**{"word/media.bin": b"\0" * (zips.MOST_UNPACKED + 1)})


def sniffed(folder: Path, name: str, content: bytes) -> tuple[str, str]:
    file = folder / "incoming"
    file.write_bytes(content)
    return sniff(file, name)


def lying(content: bytes, size: int) -> bytes:
    """The same archive, whose every entry says that it unpacks to so many bytes."""
    changed = bytearray(content)
    at = changed.find(b"PK\x01\x02")
    while at >= 0:
        changed[at + 24 : at + 28] = struct.pack("<I", size)
        at = changed.find(b"PK\x01\x02", at + 4)
    return bytes(changed)


def locked(content: bytes) -> bytes:
    """The same archive, whose first entry says that it is encrypted."""
    changed = bytearray(content)
    changed[changed.find(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def crowded(entries: int, directory: int) -> bytes:
    """An archive whose end record promises so many entries in a directory of so many bytes."""
    return b"PK\x03\x04" + b"\0" * 64 + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, entries, entries, directory, 0, 0)


@pytest.mark.parametrize(("kind", "ending"), [(kind, ending) for kind, facts in FILES.items() for ending in facts.endings])
def test_each_kind_is_known_by_its_bytes_under_each_of_its_endings(tmp_path: Path, kind: str, ending: str) -> None:
    assert sniffed(tmp_path, f"Letter{ending.upper()}", GOOD[kind]) == (kind, "")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", EMPTY),
        (b"MZ\x90\x00\x03", PROGRAM),
        (b"\x7fELF\x02\x01", PROGRAM),
        (b"\xcf\xfa\xed\xfe\x07", PROGRAM),
        (b"#!/bin/sh\nrm -rf /\n", PROGRAM),
        (b"<html><script>alert(1)</script>", MARKUP),
        (b"\xef\xbb\xbf \n<?xml version='1.0'?><svg/>", MARKUP),
        (PDF[:30], CUT_OFF),
        (PNG[:40], CUT_OFF),
        (JPEG[:20], CUT_OFF),
        (b"GIF89a\x01\x00\x01\x00", NOT_TAKEN),
        (b"text with a bell \x07", NOT_TAKEN),
        ("Grüße".encode("latin-1"), NOT_UTF8),
        ("Grüße".encode("utf-16"), NOT_UTF8),
        (b"PK\x03\x04 and nothing else", zips.BROKEN),
        (word()[:-30], zips.BROKEN),
        (zipped({"a.txt": "one"}), zips.NO_DOCUMENT),
        (zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"}), zips.NO_DOCUMENT),
        (word(**{"word/vbaProject.bin": b"1"}), zips.MACROS),
        (open_text(**{"Basic/Standard/script-lb.xml": b"1"}), zips.MACROS),
        (word(**{"../../etc/passwd": b"1"}), zips.PATHS),
        (word(**{"/etc/passwd": b"1"}), zips.PATHS),
        (locked(word()), zips.LOCKED),
        (BOMB, zips.BOMB),
        (lying(BOMB, 10), zips.BROKEN),
        (crowded(zips.MOST_ENTRIES + 1, 100), zips.BOMB),
        (crowded(1, zips.MOST_DIRECTORY + 1), zips.BOMB),
        (zipped({f"{number}": b"" for number in range(zips.MOST_ENTRIES + 1)}), zips.BOMB),
    ],
)
def test_what_is_no_document_is_refused_whatever_it_is_called(tmp_path: Path, content: bytes, problem: str) -> None:
    for ending in (".pdf", ".docx", ".txt"):
        assert sniffed(tmp_path, f"letter{ending}", content) == ("", problem)


def test_an_archive_may_unpack_to_the_limit_and_not_a_byte_more(tmp_path: Path) -> None:
    rest = len(TYPES) + len("<w/>")
    for over, kind in ((0, "docx"), (1, "")):
        content = word(**{"word/media.bin": b"\0" * (zips.MOST_UNPACKED - rest + over)})
        assert sniffed(tmp_path, "letter.docx", content)[0] == kind


def test_the_name_has_to_agree_with_the_bytes(tmp_path: Path) -> None:
    expected = "The name ends in .pdf, but the file is a PNG picture. Give it its right name, or send another file."
    assert sniffed(tmp_path, "letter.pdf", PNG) == ("", expected)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("ethics.pdf", True),
        ("  Grüße an die Kommission (2).PDF ", True),
        ("<img src=x onerror=alert(1)>.pdf", True),
        ("x" * (LONGEST - 4) + ".pdf", True),
        ("x" * (LONGEST - 3) + ".pdf", False),
        ("", False),
        ("../../etc/cron.d/job.txt", False),
        ("C:\\Users\\nora\\ethics.pdf", False),
        ("folder/ethics.pdf", False),
        (".pdf", False),
        ("ethics.pdf\0.exe", False),
        ("ethics\r\nset-cookie: a=b.pdf", False),
        ("ethics\u202efdp.exe.pdf", False),
        ("run.exe", False),
        ("page.html", False),
        ("picture.svg", False),
        ("ethics", False),
    ],
)
def test_names_are_plain_and_of_one_line(name: str, fits: bool) -> None:
    assert (name_problem(tidy(name)) == "") is fits
