"""Notices: a mail is rendered where the deed is decided and leaves by the outbox if that transaction commits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template

from contracts.notices.catalogue import NOTICES
from contracts.store.outbox import put
from contracts.store.unit import Unit

MAIL = "mail"
_FOLDER = Path(__file__).parent / "templates"


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


@cache
def text_of(template: str) -> str:
    """The template file's text."""
    return (_FOLDER / f"{template}.txt").read_text(encoding="utf-8")
