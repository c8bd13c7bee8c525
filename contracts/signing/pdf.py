"""PDFs by typst. The same document gives the same bytes: fonts are the built-in ones and the time stands still."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typst

_TEMPLATE = Path(__file__).parent / "contract.typ"


def compile_pdf(document: Mapping[str, Any]) -> bytes:
    """A PDF/A-2b of the document: `title`, `author`, `contract`, `version`, `short_hash`, `blocks`, `signatures`, `hashes`.

    Takes about 0.1 s; never call it inside a unit of work.
    """
    compiled = typst.compile(
        _source(),
        format="pdf",
        sys_inputs={"document": json.dumps(document)},
        ignore_system_fonts=True,
        pdf_standards="a-2b",
        timestamp=0,
    )
    if not isinstance(compiled, bytes):
        raise TypeError("typst gave no single PDF")
    return compiled


@cache
def _source() -> bytes:
    return _TEMPLATE.read_bytes()
