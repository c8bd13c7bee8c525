"""The contract's text: a template with one clause a term, filled with facts, and read back as blocks for pages and PDF.

The text is plain Markdown of a narrow kind: `#` and `##` headings, paragraphs of one line, `<!-- term: x -->` before a clause,
and `**…**` around what the service enforces. Facts are data: they are put on one line and their asterisks escaped, so that no
project title adds a clause or a mark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

from contracts.errors import Misconfigured
from contracts.terms.words import TermLine

_TERM = re.compile(r"<!-- term: ([a-z]+) -->\n")
_MARK = re.compile(r"(?<!\\)\*\*")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text; `marked` where the service enforces it."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (level 1 or 2) or a paragraph (level 0). `anchor` names the term of the clause that it stands in, or is empty."""

    level: int
    spans: tuple[Span, ...]
    anchor: str = ""

    @property
    def plain(self) -> str:
        """The block's text without marks."""
        return "".join(span.text for span in self.spans)


def fill(template: str, facts: Mapping[str, str], lines: Sequence[TermLine]) -> str:
    """The contract's Markdown. `lines` are the agreed terms; a clause whose term is not agreed is left out.

    Sections are numbered here, so that a left-out clause leaves no gap. Raises `Misconfigured` for a template that asks for an
    unknown fact, or that has no clause for a term that is agreed: such a term would be enforced but not signed.
    """
    values = {name: _safe(value) for name, value in facts.items()}
    terms = {line.anchor: f"**{_safe(line.sentence)}**" if line.enforced else _safe(line.sentence) for line in lines}
    clauses = _clauses(template)
    missing = terms.keys() - {anchor for anchor, _ in clauses}
    if missing:
        raise Misconfigured("contract template", f"has no clause for the term {min(missing)}.", "Add one; the bundled template shows how.")
    kept = [_marker(anchor) + body for anchor, body in clauses if not anchor or anchor in terms]
    try:
        return _numbered(Template("".join(kept)).substitute({**values, **terms}))
    except (KeyError, ValueError) as error:
        raise Misconfigured(
            "contract template", f"cannot be filled: {error}.", "See the bundled template for the facts it may name."
        ) from error


def blocks(text: str) -> list[Block]:
    """The text as blocks, in order. A marker names the term of the heading that follows it and of that heading's paragraphs."""
    found, waiting, anchor = [], "", ""
    for line in text.splitlines():
        marker = _TERM.fullmatch(line + "\n")
        if marker:
            waiting = marker[1]
        elif line.startswith("## "):
            waiting, anchor = "", waiting
            found.append(Block(2, _spans(line[3:]), anchor))
        elif line.startswith("# "):
            found.append(Block(1, _spans(line[2:])))
        elif line.strip():
            found.append(Block(0, _spans(line), anchor))
    return found


def _clauses(template: str) -> list[tuple[str, str]]:
    """Anchor and body of each part: a clause runs from its marker to the next `## ` heading after its own."""
    parts: list[tuple[str, str]] = []
    anchor = ""
    for piece in re.split(r"(?m)^(?=<!-- term: |## )", template):
        marker = _TERM.match(piece)
        if marker:
            anchor = marker[1]
            continue
        parts.append((anchor, piece))
        anchor = ""
    return parts


def _marker(anchor: str) -> str:
    return f"<!-- term: {anchor} -->\n" if anchor else ""


def _safe(value: str) -> str:
    return " ".join(value.split()).replace("\\", "\\\\").replace("*", "\\*")


def _numbered(text: str) -> str:
    number = iter(range(1, 1000))
    return re.sub(r"(?m)^## ", lambda _: f"## {next(number)}. ", text)


def _spans(line: str) -> tuple[Span, ...]:
    parts = _MARK.split(line)
    return tuple(Span(re.sub(r"\\([\\*])", r"\1", part), bool(index % 2)) for index, part in enumerate(parts) if part)
