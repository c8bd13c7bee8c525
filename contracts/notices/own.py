"""The operator's own mails: files `mails/<name>.txt` under `home` that replace bundled ones of the same name. Pure but for reading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from contracts.errors import Misconfigured
from contracts.notices.catalogue import FRAMES, NOTICES

MOST_BYTES = 64 * 1024
_SUBJECT = re.compile(r"Subject: \S[^\n]*\n\n")


@dataclass(frozen=True, slots=True)
class OwnMail:
    """One file; `problem` says why it cannot be used, in words that stand after its name."""

    name: str
    path: Path
    text: str
    problem: str


def folder(home: Path) -> Path:
    """Where own mails are looked for."""
    return home / "mails"


def own_mails(home: Path) -> list[OwnMail]:
    """Every file there, by name, each with what is wrong with it."""
    return [_read(path) for path in sorted(folder(home).glob("*")) if not path.name.startswith(".")] if folder(home).is_dir() else []


def usable(home: Path) -> Mapping[str, str]:
    """The own texts by name. Raises `Misconfigured` for the first file that cannot be used: nobody gets half a mail."""
    found = own_mails(home)
    for each in found:
        if each.problem:
            raise Misconfigured(f"mail {each.path}", each.problem, "Mend or remove it; the page /desk/mails shows the bundled text.")
    return {each.name: each.text for each in found}


def _read(path: Path) -> OwnMail:
    name = path.stem
    if path.suffix != ".txt" or (name not in NOTICES and name not in FRAMES):
        return OwnMail(name, path, "", "is no mail that is sent here.")
    try:
        raw = path.read_bytes()
        text = raw.decode()
    except (OSError, UnicodeDecodeError):
        return OwnMail(name, path, "", "cannot be read as text in UTF-8.")
    if len(raw) > MOST_BYTES:
        return OwnMail(name, path, "", "is larger than 64 KiB.")
    return OwnMail(name, path, text, next(_problems(name, text), ""))


def _problems(name: str, text: str) -> Iterator[str]:
    facts = FRAMES[name] if name in FRAMES else NOTICES[name].facts
    if name in NOTICES and not _SUBJECT.match(text):
        yield "does not begin with a line “Subject: …” and an empty line."
    template = Template(text)
    if not template.is_valid():
        yield "has a dollar sign that begins no name; write two for one."
        return
    named = set(template.get_identifiers())
    if unknown := named - facts:
        yield f"names ${min(unknown)}, which this mail does not have; it has {', '.join(f'${each}' for each in sorted(facts))}."
    if name in FRAMES and "body" not in named:
        yield "leaves out $body, which is what the mail says."
    if "link" in facts and "link" not in named:
        yield "leaves out $link, without which nobody can go on."
