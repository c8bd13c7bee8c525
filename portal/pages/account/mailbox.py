"""The local mailbox of demos and tests: mail that would have left, with its links."""

from __future__ import annotations

import re

from fastapi import APIRouter
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import refuse
from contracts.notices.mail import mailbox
from portal.deps import house_of, page
from portal.limits import asked_here

router = APIRouter()

SHOWN = 100
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")


@router.get("/mailbox")
def show(request: Request) -> Response:
    """Every mail, newest first, or those to one address; `not_found` where mail really leaves, and for any other machine.

    Mails hold one-time links: whoever reads them can take the roles that they give.
    """
    house = house_of(request)
    if not house.settings.shows_mailbox or not asked_here(request):
        raise refuse("not_found", "Mail of this installation leaves by post; there is no mailbox page.")
    to = request.query_params.get("to", "").strip().lower()
    with house.store.read() as session:
        everything = mailbox(session)
    mails = [each for each in everything if not to or each.to == to]
    people = sorted({each.to for each in everything})
    bodies = {each.id: with_links(each.body) for each in mails[:SHOWN]}
    return page(request, "account/mailbox.html", mails=mails[:SHOWN], count=len(mails), bodies=bodies, people=people, to=to)


def with_links(text: str) -> Markup:
    """The text, escaped, with its addresses as links."""
    parts, at = [], 0
    for match in _LINK.finditer(text):
        parts += [escape(text[at : match.start()]), Markup('<a href="{0}">{0}</a>').format(match.group())]
        at = match.end()
    return Markup("").join([*parts, escape(text[at:])])
