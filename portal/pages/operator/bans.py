"""Bans of the gate: the list, banning a network or a visitor, and lifting a ban."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.gate import banning
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import house_of, page, requires
from portal.forms import Form, submitted
from portal.pages.desk import reads
from portal.sent import SentForm

routes = APIRouter(prefix="/operator/bans")
Operator = Annotated[Actor, Depends(requires(Role.OPERATOR))]
BASE = "/operator/bans"
SHOWN = 100


def _sent(request: Request, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    return SentForm(request, form, BASE, lambda mended, status: _page(request, mended, status))


Sent = Annotated[SentForm, Depends(_sent)]


@routes.get("")
def show(request: Request, actor: Operator, target: str = "") -> Response:
    """Bans that hold, and the form for another one; `target` fills it in."""
    return _page(request, Form({"target": [target], "length": ["a day"]}))


@routes.post("")
def ban(actor: Operator, sent: Sent) -> Response:
    """Ban a network or a visitor from now."""
    form = sent.form
    length = banning.LENGTHS.get(form.text("length"), timedelta())
    return sent.act("gate-banned", lambda unit: banning.ban(unit, actor, form.text("target"), length, form.text("reason")))


@routes.post("/lift")
def lift(actor: Operator, sent: Sent) -> Response:
    """End a ban before its time."""
    return sent.act("gate-ban-lifted", lambda unit: banning.lift(unit, actor, sent.form.text("target")))


def _page(request: Request, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    now = house.clock.now()
    with house.store.read() as session:
        rows = banning.listed(session, now, SHOWN)
        names = reads.people(session, [each.set_by for each in rows if each.set_by])
        held = banning.count(session, now)
    lengths = [(name, name.capitalize()) for name in banning.LENGTHS]
    return page(request, "operator/bans.html", status=status, rows=rows, names=names, held=held, form=form, lengths=lengths)
