"""A bounded look into a zip archive: whether it is a Word or OpenDocument text, and what it would unpack to.

The directory's own size is read before the directory, every entry is unpacked once without being kept, and all of it stays within
one limit, so that an archive that unpacks to more than it says harms nobody here.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path

MOST_ENTRIES = 1_000
MOST_DIRECTORY = 256 * 1024
MOST_UNPACKED = 64 * 1024 * 1024
_MOST_READ = 64 * 1024
_CHUNK = 64 * 1024

_END, _END_SIZE = b"PK\x05\x06", 22
_LONGEST_COMMENT = 65_535
_WORD = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_OPEN_TEXT = b"application/vnd.oasis.opendocument.text"

BOMB = "The file unpacks to far more than it weighs, so it is not opened. Save the document anew, or send it as PDF."
BROKEN = "The file is damaged and cannot be opened. Save it anew, or send it as PDF."
NO_DOCUMENT = "The file is an archive and no Word or OpenDocument text. Send the documents in it one by one."
MACROS = "The document holds macros, which are programs. Save it without them, or send it as PDF."
LOCKED = "The document is locked with a password. Send it unlocked, or as PDF."
PATHS = "The file holds names with paths that lead out of it, so it is not opened. Save the document anew, or send it as PDF."


def look_inside(file: Path) -> tuple[str, str]:
    """The key of `kinds.FILES` that the archive is, and an empty text; or an empty key and what is wrong with it."""
    if problem := _directory_problem(file):
        return "", problem
    try:
        with zipfile.ZipFile(file) as archive:
            problem = _entries_problem(archive.infolist()) or _unpacked_problem(archive)
            return ("", problem) if problem else _document(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError, UnicodeDecodeError):
        return "", BROKEN


def _directory_problem(file: Path) -> str:
    """The end record (APPNOTE 4.3.16) says how long the directory is; a lie in it is found when the directory is read."""
    size = file.stat().st_size
    with file.open("rb") as handle:
        handle.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT), os.SEEK_SET)
        tail = handle.read(_END_SIZE + _LONGEST_COMMENT)
    start = tail.rfind(_END)
    if start < 0 or len(tail) - start < _END_SIZE:
        return BROKEN
    entries, directory = struct.unpack("<HI", tail[start + 10 : start + 16])
    return BOMB if entries > MOST_ENTRIES or directory > MOST_DIRECTORY else ""


def _entries_problem(entries: list[zipfile.ZipInfo]) -> str:
    names = [each.filename for each in entries]
    if len(entries) > MOST_ENTRIES or sum(each.file_size for each in entries) > MOST_UNPACKED:
        return BOMB
    if any(each.flag_bits & 1 for each in entries):
        return LOCKED
    if any(name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") for name in names):
        return PATHS
    if any(name.lower().endswith("vbaproject.bin") or name.startswith(("Basic/", "Scripts/")) for name in names):
        return MACROS
    return "" if all(each.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for each in entries) else BROKEN


def _unpacked_problem(archive: zipfile.ZipFile) -> str:
    """Unpack everything once, counted: entries that share their bytes, or say too little of themselves, stop here."""
    left = MOST_UNPACKED
    for entry in archive.infolist():
        with archive.open(entry) as handle:
            while chunk := handle.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    return BOMB
    return ""


def _document(archive: zipfile.ZipFile) -> tuple[str, str]:
    names = set(archive.namelist())
    if {"[Content_Types].xml", "word/document.xml"} <= names and _WORD in _read(archive, "[Content_Types].xml"):
        return "docx", ""
    if {"mimetype", "content.xml"} <= names and _read(archive, "mimetype").strip() == _OPEN_TEXT:
        return "odt", ""
    return "", NO_DOCUMENT


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as handle:
        return handle.read(_MOST_READ)
