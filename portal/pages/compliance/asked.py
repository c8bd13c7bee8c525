"""A search of the ledger as an address: what was asked, read from the query and written back to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

from contracts.ledger.queries import Search
from contracts.search.find import Question
from portal.forms import Form, of

NAMES = ("q", "organisation", "contract", "dataset", "event", "decision", "purpose", "rule", "since", "until")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it was sent. `search` is None while a field is wrong; the form then says which."""

    form: Form
    search: Search | None
    parts: Mapping[str, str] = field(default_factory=dict)

    def question(self) -> Question:
        """The same as days and kinds of entries, where `q` is words."""
        parts = self.parts
        event, (since, until) = parts.get("event", ""), (self.form.day("since"), self.form.day("until"))
        named = {name: parts.get(name, "") for name in ("organisation", "contract", "dataset", "decision", "purpose", "rule")}
        return Question(events=(event,) if event else (), words=parts.get("q", ""), since=since, until=until, **named)

    @property
    def contract(self) -> str:
        """The id of the one contract that is asked for, by the field or by the words; empty where none is."""
        words = self.parts.get("q", "")
        return self.parts.get("contract", "") or (words if words.startswith("ctr_") else "")

    def path(self, base: str, **change: str) -> str:
        """The address of this search with some parts changed; it starts at the newest entry unless `before` is given."""
        query = urlencode({name: value for name, value in (dict(self.parts) | change).items() if value})
        return f"{base}?{query or 'show=all'}"


def read(query: Mapping[str, str]) -> Asked | None:
    """What the address asks; None where it asks nothing, so that the first page is shown."""
    if not query.keys() & {*NAMES, "show", "before"}:
        return None
    parts = {name: query[name].strip()[:_LONGEST] for name in NAMES if query.get(name, "").strip()}
    form = of({**parts})
    since, until = form.day("since"), form.day("until")
    if since and until and until < since:
        form.errors["until"] = "The last day lies before the first."
    if form.errors:
        return Asked(form, None, parts)
    search = Search(
        q=parts.get("q", ""),
        organisation=parts.get("organisation", ""),
        contract=parts.get("contract", ""),
        dataset=parts.get("dataset", ""),
        event=parts.get("event", ""),
        decision=parts.get("decision", ""),
        purpose=parts.get("purpose", ""),
        rule=parts.get("rule", ""),
        since=datetime.combine(since, time(), UTC) if since else None,
        until=datetime.combine(until, time(), UTC) + timedelta(days=1) if until else None,
        cursor=_cursor(query.get("before", "")),
    )
    return Asked(form, search, parts)


def _cursor(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
