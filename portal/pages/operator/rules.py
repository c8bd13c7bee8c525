"""The gate's budgets and routes, changed while it runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.gate import rules
from contracts.gate.policy import Numbers
from contracts.gate.routes import ROUTE_CLASSES
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import house_of, page, requires
from portal.forms import Form, submitted
from portal.sent import SentForm

routes = APIRouter(prefix="/operator/rules")
Operator = Annotated[Actor, Depends(requires(Role.OPERATOR))]
BASE = "/operator/rules"


def _sent(request: Request, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    return SentForm(request, form, BASE, lambda mended, status: _page(request, mended, status))


@routes.get("")
def show(request: Request, actor: Operator) -> Response:
    """The numbers and routes that hold, to be changed."""
    return _page(request, None)


@routes.post("")
def change(request: Request, actor: Operator, sent: Annotated[SentForm, Depends(_sent)]) -> Response:
    """Change them; every process follows within two seconds."""
    house, wanted = house_of(request), _numbers(sent.form)
    return sent.act("gate-rules", lambda unit: house.gate.set_numbers(unit, actor, wanted))


def _page(request: Request, form: Form | None, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        held = rules.current(session, house.settings)
    numbers = held.numbers
    filled = form or Form(
        {
            "anonymous_budget": [str(numbers.anonymous_budget)],
            "network_factor": [str(numbers.network_factor)],
            "classes": ["\n".join(f"{pattern} {named}" for pattern, named in numbers.classes.items())],
            "open_classes": list(numbers.open_classes),
        }
    )
    classes = [(name, "API" if name == "api" else name.capitalize(), told) for name, told in ROUTE_CLASSES.items()]
    return page(request, "operator/rules.html", status=status, held=held, form=filled, classes=classes)


def _numbers(form: Form) -> Numbers:
    """What was typed; a line of the routes is a pattern, a space and a class."""
    lines = [line.split() for line in form.text("classes").splitlines() if line.strip()]
    if wrong := next((line for line in lines if len(line) != 2), None):
        form.errors["classes"] = f"{' '.join(wrong)[:80]} is no pattern and class. Write each line as: /posts/* profile"
    classes = {line[0]: line[1] for line in lines if len(line) == 2}
    if len(classes) < len([line for line in lines if len(line) == 2]):
        form.errors["classes"] = "A pattern stands there twice. Leave one of the lines out."
    return Numbers(form.number("anonymous_budget"), form.number("network_factor"), classes, tuple(form.all("open_classes")))
