"""The form of an act as it was sent: its proof, one unit of work, and the page that follows; or the form again where it can be mended.

Refusals that no form can mend pass through and become a page of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.store.unit import Unit
from portal.again import assured
from portal.deps import go, house_of
from portal.forms import Form, mendable


@dataclass(frozen=True, slots=True)
class SentForm:
    """What was sent, `there`: the path that a done act leads to, and `again`: the form's page with a status, for what is to be mended."""

    request: Request
    form: Form
    there: str
    again: Callable[[Form, int], Response]

    def act(
        self, said: str | Callable[[Any], str], work: Callable[[Unit], object], *, reason: str = "reason", code: str = "code"
    ) -> Response:
        """Do it in one unit of work and go on with what is said then: a code of `words.DONE`, or made from what `work` returned.

        Nothing is done where a value noted an error when it was read. `reason` and `code` are this form's names for those two fields.
        """
        try:
            self.form.check()
            with house_of(self.request).store.write("form") as unit:
                done = work(unit)
        except Refused as error:
            return self._mend(error, reason, code)
        return go(self.there, said if isinstance(said, str) else said(done))

    def proved(
        self, actor: Actor, asks: Act, said: str | Callable[[Any], str], work: Callable[[Unit, Actor], object], *, reason: str = "reason"
    ) -> Response:
        """As `act`, with the second factor or password that it asks for: `work` takes the actor who gave them."""
        try:
            self.form.check()
            proved = assured(self.request, actor, asks, self.form)
        except Refused as error:
            return self._mend(error)
        return self.act(said, lambda unit: work(unit, proved), reason=reason)

    def _mend(self, error: Refused, reason: str = "reason", code: str = "code") -> Response:
        self.form.take_reason(mendable(error), reason, code)
        return self.again(self.form, 422)
