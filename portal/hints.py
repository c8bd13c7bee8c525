"""Words that the demo's tour puts into a form, so that a visitor need not invent a reason. Nowhere but in the demo."""

from __future__ import annotations

from starlette.requests import Request

from portal.deps import house_of
from portal.forms import Form, of

LONGEST = 500


def hint(request: Request, name: str) -> str:
    """What the address suggests for a field; empty outside the demo, where no link may put words into anyone's mouth."""
    if house_of(request).settings.profile != "demo":
        return ""
    return request.query_params.get(name, "")[:LONGEST]


def hinted(request: Request, *names: str, **known: str) -> Form:
    """A form filled with what is known, and over that with what the tour suggests."""
    suggested = {name: text for name in names if (text := hint(request, name))}
    return of(known | suggested)
