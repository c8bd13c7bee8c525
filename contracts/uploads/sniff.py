"""What a file is, by its bytes and never by its name; the name has to agree."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

from contracts.uploads import zips
from contracts.uploads.kinds import FILES, TAKEN

PROGRAM = "The file is a program, whatever its name says. Programs are not taken."
MARKUP = "The file is a web page or other markup, which a browser could run. Save it as PDF."
CUT_OFF = "The file is cut off or damaged. Save it anew and send it again."
NOT_TAKEN = f"The file is of a kind that is not taken. Send {TAKEN}."
NOT_UTF8 = "The text is not in UTF-8. Save it as UTF-8, or send it as PDF."
EMPTY = "The file is empty."

# Windows (MZ), ELF, Mach-O in both orders and as a bundle, Java, WebAssembly, and scripts that name what runs them.
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\x00asm", b"#!")
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_TAIL = 1024
_CHUNK = 64 * 1024
_TEXT_CONTROLS = frozenset("\t\n\r\f")


def sniff(file: Path, name: str) -> tuple[str, str]:
    """The key of `kinds.FILES` that the file is and an empty text; or an empty key and what is wrong with it, as a sentence."""
    found, problem = _by_bytes(file)
    if problem:
        return "", problem
    if not name.lower().endswith(FILES[found].endings):
        ending = name[name.rfind(".") :] if "." in name else name
        return "", f"The name ends in {ending}, but the file is a {FILES[found].title}. Give it its right name, or send another file."
    return found, ""


def _by_bytes(file: Path) -> tuple[str, str]:
    with file.open("rb") as handle:
        head = handle.read(_CHUNK)
        handle.seek(max(0, file.stat().st_size - _TAIL), os.SEEK_SET)
        tail = handle.read(_TAIL)
    if not head:
        return "", EMPTY
    if head.startswith(_PROGRAMS):
        return "", PROGRAM
    if head.startswith(b"%PDF-"):
        return ("pdf", "") if b"%%EOF" in tail else ("", CUT_OFF)
    if head.startswith(_PNG):
        return ("png", "") if head[12:16] == b"IHDR" and _PNG_END in tail else ("", CUT_OFF)
    if head.startswith(b"\xff\xd8\xff"):
        return ("jpeg", "") if b"\xff\xd9" in tail else ("", CUT_OFF)
    if head.startswith(b"PK"):
        return zips.look_inside(file)
    return _text(file, head)


def _text(file: Path, head: bytes) -> tuple[str, str]:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "", NOT_UTF8
    if head.lstrip(codecs.BOM_UTF8 + b" \t\r\n").startswith(b"<"):
        return "", MARKUP
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as handle:
        try:
            while chunk := handle.read(_CHUNK):
                if _has_controls(decoder.decode(chunk)):
                    return "", NOT_TAKEN
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "", NOT_TAKEN if b"\0" in head else NOT_UTF8
    return "text", ""


def _has_controls(text: str) -> bool:
    return any((each < " " and each not in _TEXT_CONTROLS) or each == "\x7f" for each in text)
