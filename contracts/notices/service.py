"""Notices: a mail is rendered where the deed is decided and leaves by the outbox if that transaction commits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from contracts.notices.catalogue import NOTICES
from contracts.store.outbox import put
from contracts.store.unit import Unit

MAIL = "mail"
FOLDER = Path(__file__).parent / "templates"
# Read here and not when they are needed: notices are rendered inside a unit of work, where nobody waits for a disk.
_BUNDLED = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.txt")}
_OWN: dict[str, str] = {}


def replace_with(own: Mapping[str, str]) -> None:
    """Use the operator's own texts (`contracts.notices.own.usable`) from now on, and the bundled ones for all others."""
    _OWN.clear()
    _OWN.update(own)


def send(unit: Unit, *, to: str, template: str, facts: Mapping[str, str], path: str = "") -> None:
    """Ask for one mail in this unit of work: outbox kind "mail" with `to`, `subject`, `body`, `path`.

    `facts` must hold what `NOTICES` lists for the template (KeyError otherwise); more is ignored, and values are never read
    as templates. `path`, a path on this portal, becomes a link when the mail leaves, where the portal's address is known.
    """
    subject, body = render(template, facts)
    put(unit, MAIL, {"to": to, "subject": subject, "body": body, "path": path})


def render(template: str, facts: Mapping[str, str]) -> tuple[str, str]:
    """Subject and body of a notice. A subject is one line whatever the facts hold, so that no fact adds a header."""
    wanted = {name: facts[name] for name in NOTICES[template].facts}
    head, _, body = text_of(template).partition("\n\n")
    subject = Template(head.removeprefix("Subject: ")).substitute({name: " ".join(value.split()) for name, value in wanted.items()})
    return subject, Template(body).substitute(wanted).strip()


def text_of(template: str) -> str:
    """The text in use; KeyError where there is none."""
    return _OWN.get(template) or _BUNDLED[template]


def bundled_text(template: str) -> str:
    """The text that comes with the house; KeyError where there is none."""
    return _BUNDLED[template]
