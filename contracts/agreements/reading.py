"""Reading the operator's file of agreements: a CSV with one line each, beside it their PDFs and their terms as JSON.

Everything is checked before anything is kept, so that a dry run says all that the real one would refuse.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import ValidationError

from contracts.addresses import address, address_problem
from contracts.applications.states import State as ApplicationState
from contracts.applications.tables import Application
from contracts.errors import Misconfigured
from contracts.people.decide import description_problems, name_problem, tidy
from contracts.settings import Settings
from contracts.signing.templates import TEMPLATE_OF
from contracts.terms.model import Condition, Terms, from_json, to_json
from contracts.terms.narrow import within

HEADER = ("organisation", "organisation_kind", "country", "contact_name", "contact_email", "title", "kind", "pdf", "terms", "ends")
MOST_BYTES = 1_000_000
MOST_LINES = 500
MOST_PDF = 10_000_000
MOST_TERMS = 64_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file as it would be kept. `problems` are sentences; where there are any nothing of the file is kept."""

    number: int
    organisation: str
    organisation_kind: str
    country: str
    contact_name: str
    contact_email: str
    title: str
    kind: str
    terms: Terms | None
    pdf: bytes
    problems: tuple[str, ...]

    @property
    def pdf_sha256(self) -> str:
        """SHA-256 of the signed document, in hex."""
        return hashlib.sha256(self.pdf).hexdigest()


def read(file: Path, settings: Settings, today: date) -> list[Line]:
    """Every line with what is wrong with it. Raises `Misconfigured` where the file is none of ours."""
    if file.stat().st_size > MOST_BYTES:
        raise Misconfigured(str(file), "is larger than 1 MB.", "Split it.")
    try:
        rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")), strict=True)
        found = list(rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Misconfigured(str(file), f"cannot be read: {error}.", "Save it as CSV in UTF-8.") from error
    if tuple(rows.fieldnames or ()) != HEADER:
        raise Misconfigured(str(file), "has other columns.", f"The first line is: {','.join(HEADER)}")
    if not found or len(found) > MOST_LINES:
        raise Misconfigured(str(file), "has no line or too many.", f"A file has 1 to {MOST_LINES} agreements.")
    lines = [_line(number, row, file.parent, settings, today) for number, row in enumerate(found, 2)]
    return list(_without_twins(lines))


def as_application(line_kind: str, terms: Terms) -> Application:
    """The application that these terms would have been approved from, to hold them to the dataset's policy like any other's."""
    part = terms.datasets[0]
    return Application(
        id="",
        organisation_id="",
        created_by="",
        state=ApplicationState.APPROVED.value,
        dataset=part.dataset,
        kind=line_kind,
        purpose=terms.purposes[0],
        fields=list(part.fields),
        rows={each.field: _values(each) for each in part.rows if each.op in ("eq", "in")},
        crawl=terms.crawl is not None,
        starts=terms.starts,
        ends=terms.ends,
        created_at=datetime.min.replace(tzinfo=UTC),
    )


def _values(condition: Condition) -> list[str]:
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def _line(number: int, row: Mapping[str | None, str | list[str] | None], folder: Path, settings: Settings, today: date) -> Line:
    text = {name: str(row.get(name) or "").strip() for name in HEADER}
    problems = [problem for problem in _words(text) if problem]
    if None in row or None in row.values():
        problems.append("The line has more or fewer columns than the first one.")
    pdf = _bytes(folder, text["pdf"], MOST_PDF, "PDF", problems)
    if pdf and not pdf.startswith(b"%PDF-"):
        problems.append(f"{text['pdf']} is no PDF.")
    terms = _terms(_bytes(folder, text["terms"], MOST_TERMS, "terms", problems), text, problems)
    if terms is not None:
        problems += _against(terms, text, settings, today)
    kept = (tidy(text["organisation"]), text["organisation_kind"], text["country"].upper())
    contact = (tidy(text["contact_name"]), address(text["contact_email"]))
    return Line(number, *kept, *contact, tidy(text["title"]), text["kind"], terms, pdf, tuple(problems))


def _words(text: Mapping[str, str]) -> Iterator[str]:
    yield name_problem(tidy(text["organisation"]), "The organisation has no name.")
    yield name_problem(tidy(text["contact_name"]), "The contact has no name.")
    yield name_problem(tidy(text["title"]), "The agreement has no title.")
    yield address_problem(address(text["contact_email"]))
    yield from description_problems(text["organisation_kind"], text["country"].upper()).values()
    yield "" if text["kind"] in TEMPLATE_OF else f"The kind is one of: {', '.join(TEMPLATE_OF)}."


def _bytes(folder: Path, name: str, most: int, what: str, problems: list[str]) -> bytes:
    """The file's content where it lies in or below the folder; empty, with the problem noted, where not."""
    file = folder / name
    if not name or not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
        problems.append(f"The {what} file {name!r} is not beside the list." if name else f"The {what} file is not named.")
        return b""
    if file.stat().st_size > most:
        problems.append(f"{name} is larger than {most:,} bytes.")
        return b""
    return file.read_bytes()


def _terms(content: bytes, text: Mapping[str, str], problems: list[str]) -> Terms | None:
    if not content:
        return None
    try:
        return from_json(content.decode())
    except UnicodeDecodeError:
        problems.append(f"{text['terms']} is not UTF-8.")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        problems.append(f"{text['terms']} holds terms that cannot be read: {place}: {first['msg']}.")
    return None


def _against(terms: Terms, text: Mapping[str, str], settings: Settings, today: date) -> Iterator[str]:
    if text["ends"] != terms.ends.isoformat():
        yield f"The last day is {text['ends']} in the list and {terms.ends.isoformat()} in the terms."
    if terms.ends < today:
        yield "It has ended already."
    if len(terms.datasets) != 1 or len(terms.purposes) != 1:
        yield "A contract here is about one dataset and one purpose; make a line for each."
    elif text["kind"] in TEMPLATE_OF and (refusal := within(terms, as_application(text["kind"], terms), settings)):
        yield from dict(refusal.facts["fields"]).values()


def _without_twins(lines: list[Line]) -> Iterator[Line]:
    seen: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.pdf_sha256, to_json(line.terms) if line.terms else "")
        first = seen.setdefault(key, line.number)
        twin = () if first == line.number or not line.pdf else (f"It is the same as line {first}.",)
        yield replace(line, problems=line.problems + twin)
