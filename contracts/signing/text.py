"""The contract's text: a template's clauses filled with facts, and read back as blocks for pages, comparison and PDF.

The text is plain Markdown of a narrow kind: its language in the first line, `#` and `##` headings, paragraphs of one line,
`<!-- term: x -->` before a clause that binds one and `<!-- general: x -->` before one that may be worded otherwise, and `**…**` around what the service enforces. Facts and passages are
data: each stands in a paragraph of its own or within one, and its signs are escaped, so that no project title adds a clause or a mark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

from contracts.errors import Misconfigured
from contracts.signing.clauses import ClauseFile
from contracts.signing.templates import ContractTemplate
from contracts.terms.words import TermLine

_MARKER = re.compile(r"<!-- (term|general): ([a-z0-9-]+) -->")
_LANGUAGE = re.compile(r"<!-- language: ([a-z]{2,3}) -->")
_MARK = re.compile(r"(?<!\\)\*\*")
_ESCAPED = re.compile(r"\\([\\*#<])")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text; `marked` where the service enforces it."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (level 1 or 2) or a paragraph (level 0).

    `anchor` names the term of the clause that it stands in, `clause` the general clause that may be worded otherwise; else empty.
    """

    level: int
    spans: tuple[Span, ...]
    anchor: str = ""
    clause: str = ""

    @property
    def plain(self) -> str:
        """The block's text without marks."""
        return "".join(span.text for span in self.spans)


def fill(template: ContractTemplate, facts: Mapping[str, str], lines: Sequence[TermLine], passages: Mapping[str, str] | None = None) -> str:
    """The contract's Markdown. `lines` are the agreed terms; a clause whose term is not agreed is left out.

    `passages` words general clauses for this contract alone, by name; what they say is never read as a template. Clauses are
    numbered here, so that one that is left out leaves no gap. Raises `Misconfigured` where a term is agreed that has no clause (it
    would be enforced but not signed), or where a file names an unknown fact.
    """
    terms = {line.anchor: f"**{_safe(line.sentence)}**" if line.enforced else _safe(line.sentence) for line in lines}
    bound = {each.clause.binds for each in template.clauses}
    if missing := terms.keys() - bound:
        raise Misconfigured("contract template", f"has no clause for the term {min(missing)}.", "Add one; the bundled template shows how.")
    values = {**{name: _safe(value) for name, value in facts.items()}, **terms}
    kept = [each for each in template.clauses if each.clause.is_general or each.clause.binds in terms]
    try:
        parts = [_part(number, each, values, passages or {}) for number, each in enumerate(kept, 1)]
        title = Template(_safe(template.title)).substitute(values)
    except (KeyError, ValueError) as error:
        raise Misconfigured(
            "contract template", f"cannot be filled: {error}.", "See the bundled template for the facts it may name."
        ) from error
    return "\n\n".join([f"<!-- language: {template.language} -->\n# {title}", *parts]) + "\n"


def blocks(text: str) -> list[Block]:
    """The text as blocks, in order. A marker names the clause of the heading that follows it and of that heading's paragraphs."""
    found, waiting, inside = [], ("", ""), ("", "")
    for line in text.splitlines():
        marker = _MARKER.fullmatch(line)
        if marker:
            waiting = (marker[2], "") if marker[1] == "term" else ("", marker[2])
        elif line.startswith("## "):
            waiting, inside = ("", ""), waiting
            found.append(Block(2, _spans(line[3:]), *inside))
        elif line.startswith("# "):
            found.append(Block(1, _spans(line[2:])))
        elif line.strip() and _LANGUAGE.fullmatch(line) is None:
            found.append(Block(0, _spans(line), *inside))
    return found


def language_of(text: str) -> str:
    """The language that the text names in its first line; texts of before name none and are in English."""
    found = _LANGUAGE.match(text)
    return found[1] if found else "en"


def passages_in(found: Sequence[Block]) -> dict[str, tuple[str, str]]:
    """The general clauses that may be worded otherwise, by name: heading without its number, and paragraphs parted by empty lines."""
    headings = {each.clause: each.plain.partition(". ")[2] for each in found if each.clause and each.level == 2}
    texts: dict[str, list[str]] = {name: [] for name in headings}
    for each in found:
        if each.clause and each.level == 0:
            texts[each.clause].append(each.plain)
    return {name: (headings[name], "\n\n".join(texts[name])) for name in headings}


def paragraphs(text: str) -> list[str]:
    """Paragraphs, each on one line; an empty line parts them."""
    return [" ".join(part.split()) for part in re.split(r"\n[^\S\n]*\n", text) if part.strip()]


def _part(number: int, found: ClauseFile, values: Mapping[str, str], passages: Mapping[str, str]) -> str:
    clause = found.clause
    marker = f"<!-- general: {found.name} -->\n" if found.negotiable else "" if clause.is_general else f"<!-- term: {clause.binds} -->\n"
    heading = f"## {number}. {Template(_safe(clause.title)).substitute(values)}"
    if found.negotiable and found.name in passages:
        said = [_safe(each) for each in paragraphs(passages[found.name])]
    else:
        written = [*paragraphs(clause.text), " ".join(f"{clause.monitored} {clause.breach}".split())]
        said = [Template(_safe(each)).substitute(values) for each in written if each]
    return "\n\n".join([f"{marker}{heading}", *said])


def _safe(value: str) -> str:
    """On one line, with nothing in it that could be read as a mark, a heading or a marker."""
    line = " ".join(value.split()).replace("\\", "\\\\").replace("*", "\\*")
    return f"\\{line}" if line.startswith(("#", "<")) else line


def _spans(line: str) -> tuple[Span, ...]:
    parts = _MARK.split(line)
    return tuple(Span(_ESCAPED.sub(r"\1", part), bool(index % 2)) for index, part in enumerate(parts) if part)
