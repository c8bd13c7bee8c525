"""What became different between two times that an application was handed in, in the words that people read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.clock import long_day
from contracts.forms.asked import Prompt
from contracts.forms.kinds import KINDS
from contracts.forms.model import Form, Question
from contracts.terms.purposes import PURPOSES
from contracts.uploads.kinds import title_of

TITLES = {
    "project": "Title",
    "kind": "Kind",
    "purpose": "Purpose",
    "purpose_text": "In the applicant’s words",
    "fields": "Fields",
    "rows": "Rows",
    "crawl": "Fetching the main site",
    "evidence": "Documents",
    "form": "Form",
    "starts": "First day",
    "ends": "Last day",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that became different: its name, its title, and both sides in words; an empty side means that nothing stood there."""

    name: str
    title: str
    before: str
    after: str


def difference(before: Mapping[str, Any], after: Mapping[str, Any], forms: Sequence[Form] = ()) -> list[Change]:
    """What became different between two contents (`content_of`), in the form's order.

    `forms` are those by which either was asked, the later one first: answers are named by their questions and told by the titles of
    their options. What no form has is named by its id.
    """
    found = []
    for name in [*before, *(each for each in after if each not in before)]:
        one, other = before.get(name), after.get(name)
        if name == "answers":
            found += _answers(one or {}, other or {}, forms)
        elif one != other:
            found.append(Change(name, TITLES.get(name, name), _told(name, one, forms), _told(name, other, forms)))
    return found


def _answers(before: Mapping[str, Any], after: Mapping[str, Any], forms: Sequence[Form]) -> list[Change]:
    asked = {question.id: Prompt("", question) for form in reversed(forms) for question in form.questions()}
    names = [*before, *(each for each in after if each not in before)]
    order = [*asked, *(name for name in names if name not in asked)]
    return [each for name in sorted(names, key=order.index) for each in _answer(name, asked.get(name), before.get(name), after.get(name))]


def _answer(name: str, asked: Prompt | None, one: Any, other: Any) -> Iterator[Change]:
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        mine, theirs = (each if isinstance(each, Mapping) else {} for each in (one, other))
        for field in [*mine, *(each for each in theirs if each not in mine)]:
            prompt = Prompt("", asked.question, field) if asked else None
            yield from _changed(f"{name}.{field}", prompt, mine.get(field), theirs.get(field))
    else:
        yield from _changed(name, asked, one, other)


def _changed(name: str, asked: Prompt | None, one: Any, other: Any) -> Iterator[Change]:
    if one != other:
        question = asked.question if asked else None
        yield Change(f"answers.{name}", asked.asked if asked else name, _chosen(question, one), _chosen(question, other))


def _chosen(question: Question | None, answer: Any) -> str:
    titles = {each.code: each.title for each in question.options} if question else {}
    chosen = [answer] if isinstance(answer, str) else answer or []
    return "; ".join(titles.get(each, each) for each in chosen)


def _told(name: str, value: Any, forms: Sequence[Form]) -> str:
    """A built-in answer in words; a code that nothing knows any more as it stands."""
    if name == "kind" and value in KINDS:
        return KINDS[value].title
    if name == "purpose" and value in PURPOSES:
        return PURPOSES[value].title
    if name in ("starts", "ends") and value:
        return long_day(date.fromisoformat(value))
    if name == "evidence":
        return "; ".join(f"{title_of(each['kind'])}, SHA-256 {each['sha256'][:12]}…" for each in value or [])
    if name == "form" and value:
        titles = {form.sha256: form.title for form in forms}
        return f"{titles.get(value, 'Form')}, version {value[:12]}…"
    return _words(value)


def _words(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_words(each)}" for name, each in value.items())
    return ", ".join(_words(each) for each in value) if isinstance(value, (list, tuple)) else str(value)
