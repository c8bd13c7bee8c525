"""PDFs by typst. The same document gives the same bytes: fonts are the built-in ones and the time stands still."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typst

_TEMPLATE = Path(__file__).parent / "contract.typ"
# Each pass writes out what the one before it could not show; what is left after these is a fault of the template.
_PASSES = 4
_NOT_SHOWN = re.compile(r'the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]{1,6})\}")


def compile_pdf(document: Mapping[str, Any], template: Path = _TEMPLATE) -> bytes:
    """A PDF/A-3b of the document. For the template of contracts: `title`, `author`, `contract`, `version`, `short_hash` and `printed_hash` (the same in groups),
    `blocks`, `lines` (parties that sign by hand) with `how`, `signatures`, `hashes`, and `attachments`, which the file carries along.

    A character that no built-in font has is shown as its code, such as [U+6F22]: the PDF stays whole, and the text that was
    hashed has the character itself. Takes about 0.1 s, as much again where there are such; never call it inside a unit of work.
    """
    data = json.dumps(document, ensure_ascii=False)
    for _ in range(_PASSES):
        try:
            return _compiled(data, template)
        except typst.TypstError as error:
            absent = _absent(error)
            if not absent:
                raise
            data = data.translate({ord(each): f"[U+{ord(each):04X}]" for each in absent})
    return _compiled(data, template)


def _compiled(data: str, template: Path) -> bytes:
    made = typst.compile(
        _source(template),
        format="pdf",
        sys_inputs={"document": data},
        ignore_system_fonts=True,
        pdf_standards="a-3b",
        timestamp=0,
    )
    if not isinstance(made, bytes):
        raise TypeError("typst gave no single PDF")
    return made


def _absent(error: typst.TypstError) -> set[str]:
    """The characters that the fonts lack, as PDF/A's complaints name them; empty where something else is wrong."""
    named = "".join(_NOT_SHOWN.findall(str(error.diagnostic)))
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), named)
    return {each for each in plain if not each.isascii()}


@cache
def _source(template: Path) -> bytes:
    return template.read_bytes()
