"""The text of a letter: bundled, or the operator's own under `letters/<kind>.txt` in `home`. Pure but for reading.

A file begins with a line "Subject: …". Paragraphs are parted by empty lines; one that begins with "## " is a heading, and one that is
`$recipients` alone is the list. Facts are filled in as they are and never read as a template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from contracts.errors import Misconfigured

KINDS = ("recipients", "no-recipients", "record-recipients", "no-record-recipients")
LISTING = frozenset({"recipients", "record-recipients"})
"""The letters in which the list of recipients stands."""
LIST = "$recipients"
FACTS = frozenset({"platform", "legal_name", "contact", "asked_on", "today", "records", "contracts", "reference"})
OF_A_RECORD = frozenset({"record", "dataset"})
"""Further facts of the letters about one record."""
MOST_BYTES = 64 * 1024
_SUBJECT = re.compile(r"Subject: (\S[^\n]*)\n\n")
_BUNDLED = Path(__file__).parent / "texts"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a letter: "heading" or "text" with its words, or "list", where the recipients stand."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class LetterText:
    """A letter's subject and parts with the facts filled in."""

    subject: str
    parts: tuple[Part, ...]


def folder(home: Path) -> Path:
    """Where the operator's own letters are looked for."""
    return home / "letters"


def text_of(home: Path, kind: str) -> str:
    """The text in use. Raises `Misconfigured` where the operator's own cannot be used: nobody gets half a letter."""
    own = folder(home) / f"{kind}.txt"
    if not own.is_file():
        return (_BUNDLED / f"{kind}.txt").read_text(encoding="utf-8")
    try:
        raw = own.read_bytes()
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"letter {own}", "cannot be read as text in UTF-8.", "Mend or remove it.") from error
    if len(raw) > MOST_BYTES:
        raise Misconfigured(f"letter {own}", "is larger than 64 KiB.", "Shorten it.")
    if wrong := next(_problems(kind, text), ""):
        raise Misconfigured(f"letter {own}", wrong, "Mend it, or remove it to use the bundled text.")
    return text


def problems(home: Path) -> Iterator[Misconfigured]:
    """Everything that is wrong with the operator's own letters."""
    for file in sorted(folder(home).glob("*")):
        if file.stem not in KINDS or file.suffix != ".txt":
            yield Misconfigured(f"letter {file}", "is no letter that is written here.", f"Name it after one: {', '.join(KINDS)}.")
            continue
        try:
            text_of(home, file.stem)
        except Misconfigured as error:
            yield error


def facts_in(kind: str) -> frozenset[str]:
    """The facts that a letter has."""
    return FACTS | OF_A_RECORD if kind.endswith("record-recipients") else FACTS


def fill(text: str, facts: Mapping[str, str]) -> LetterText:
    """The letter with its facts. KeyError for a fact that is not given."""
    head = _SUBJECT.match(text)
    if head is None:
        raise ValueError("a letter begins with its subject")
    said = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text[head.end() :]) if part.strip()]
    return LetterText(Template(head[1]).substitute(facts), tuple(_part(each, facts) for each in said))


def _part(said: str, facts: Mapping[str, str]) -> Part:
    if said == LIST:
        return Part("list")
    filled = Template(said).substitute(facts)
    return Part("heading", filled[3:]) if said.startswith("## ") else Part("text", filled)


def _problems(kind: str, text: str) -> Iterator[str]:
    if not _SUBJECT.match(text):
        yield "does not begin with a line “Subject: …” and an empty line."
    template = Template(text)
    if not template.is_valid():
        yield "has a dollar sign that begins no name; write two for one."
        return
    allowed = facts_in(kind) | ({"recipients"} if kind in LISTING else frozenset())
    if unknown := set(template.get_identifiers()) - allowed:
        yield f"names ${min(unknown)}, which it does not have; it has {', '.join(f'${each}' for each in sorted(allowed))}."
    if kind in LISTING and not re.search(r"(?m)\n\s*\n\$recipients\s*(\n\s*\n|\Z)", text):
        yield "has no paragraph that is $recipients alone, where the list stands."
