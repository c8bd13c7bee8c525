"""Every mail that is sent, as it reads: when it goes out and to whom, and which are the operator's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.notices import own
from contracts.notices.catalogue import NOTICES
from contracts.notices.own import OwnMail
from contracts.notices.service import bundled_text, text_of
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import house_of, page, requires

routes = APIRouter(prefix="/desk/mails")
Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.ADMINISTRATOR, Role.COMPLIANCE))]


@dataclass(frozen=True, slots=True)
class Shown:
    """A mail as the page shows it; `waits` where its own file is used from the next start."""

    name: str
    meaning: str
    subject: str
    paragraphs: list[str]
    own: bool
    waits: bool


@routes.get("")
def every(request: Request, _actor: Reader) -> Response:
    """The mails by name, what is wrong with files of the operator's, and where such files go."""
    home = house_of(request).settings.home
    found = own.own_mails(home)
    return page(
        request,
        "desk/mails.html",
        mails=[_shown(name, found) for name in sorted(NOTICES)],
        wrong=[each for each in found if each.problem],
        folder=own.folder(home),
    )


def _shown(name: str, found: list[OwnMail]) -> Shown:
    text = text_of(name)
    subject, _, body = text.partition("\n\n")
    file = next((each for each in found if each.name == name and not each.problem), None)
    waits = file is not None and file.text != text
    paragraphs = [each for each in body.split("\n\n") if each.strip()]
    return Shown(name, NOTICES[name].meaning, subject.removeprefix("Subject: "), paragraphs, text != bundled_text(name), waits)
