"""What an applicant writes: read strictly, told what is wrong field by field, and kept as a draft while it is unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
)

from contracts.errors import refuse
from contracts.forms.kinds import APPLIED_FOR
from contracts.forms.model import Id
from contracts.terms.model import Name

MOST_ROWS = 20
MOST_VALUES = 200
MOST_ANSWERS = 60


def _printable(text: str) -> str:
    if any(ord(character) < 32 and character not in "\n\r\t" for character in text):
        raise ValueError("Remove the control characters from this text.")
    return text


def _known_kind(kind: str) -> str:
    if kind not in APPLIED_FOR:
        raise ValueError("Choose one of the offered answers.")
    return kind


def _day(value: object) -> object:
    if value == "":
        return None
    if isinstance(value, (int, float)):
        raise ValueError("Write the date as 2026-12-31.")
    return value


def _shape(value: object) -> str:
    return "[by field]" if isinstance(value, Mapping) else "[codes]" if isinstance(value, list) else "[text]"


def _unticked(value: object) -> object:
    return False if value == "" else value


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def _without_empty(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: each for name, each in value.items() if each not in ("", [], ())}
    return value


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120, pattern=r"^[^\r\n]*$"), AfterValidator(_printable)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(_printable)]
RowValue = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Values = Annotated[tuple[RowValue, ...], BeforeValidator(_listed), Field(min_length=1, max_length=MOST_VALUES)]
Kind = Annotated[str, AfterValidator(_known_kind)]
Codes = Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=60)]
ByField = Annotated[dict[Name, Prose], BeforeValidator(_without_empty), Field(max_length=500)]
Answer = Annotated[
    Annotated[Prose, Tag("[text]")] | Annotated[Codes, Tag("[codes]")] | Annotated[ByField, Tag("[by field]")], Discriminator(_shape)
]
Answers = Annotated[dict[Id, Answer], BeforeValidator(_without_empty), Field(max_length=MOST_ANSWERS)]
Day = Annotated[date | None, BeforeValidator(_day)]


class ApplicationForm(BaseModel):
    """A draft's content; anything may still be empty. `rows` maps a field to the values that rows may have.

    `answers` maps a question of the form to what was answered: text, chosen codes, or text by field. `sections` names those whose
    answers these are, all where it is None: what stands in other sections stays.
    Use `read_form` for input from outside. Lists may come as one text with commas between.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Line = ""
    kind: Kind = "research"
    purpose: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=r"^[a-z-]*$")] = ""
    purpose_text: Prose = ""
    fields: Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(max_length=500)] = ()
    rows: Annotated[dict[Name, Values], BeforeValidator(_without_empty), Field(max_length=MOST_ROWS)] = Field(default_factory=dict)
    crawl: Annotated[bool, BeforeValidator(_unticked)] = False
    answers: Answers = Field(default_factory=dict)
    sections: tuple[Id, ...] | None = None
    starts: Day = None
    ends: Day = None


def read_form(values: Mapping[str, Any]) -> ApplicationForm:
    """The form from outside input; `invalid_input` with one message a field in `fields` where something cannot be read."""
    try:
        return ApplicationForm.model_validate(dict(values))
    except ValidationError as error:
        messages = {_place(each["loc"]): _message(each) for each in reversed(error.errors())}
        raise refuse("invalid_input", "Some answers cannot be read; see the fields marked.", fields=messages) from error


def _place(location: tuple[int | str, ...]) -> str:
    if location[0] == "answers":
        # The shape of an answer stands in brackets, a place in a list is a number; pages know an answer by question and field.
        return ".".join(part for part in location if isinstance(part, str) and not part.startswith("["))
    return ".".join(str(part) for part in location[: 2 if location[0] == "rows" else 1])


_MESSAGES = {
    "bool_parsing": "Answer yes or no.",
    "bool_type": "Answer yes or no.",
    "date_from_datetime_parsing": "Write the date as 2026-12-31.",
    "date_from_datetime_inexact": "Write the date as 2026-12-31.",
    "date_parsing": "Write the date as 2026-12-31.",
    "date_type": "Write the date as 2026-12-31.",
    "extra_forbidden": "The form has no such field.",
    "literal_error": "Choose one of the offered answers.",
    "string_pattern_mismatch": "This has characters that cannot stand here.",
    "string_type": "Write text here.",
}


def _message(error: Any) -> str:
    if error["type"] == "string_too_long":
        return f"Shorten this to at most {error['ctx']['max_length']} characters."
    if error["type"] == "too_long":
        return f"Choose at most {error['ctx']['max_length']}."
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return _MESSAGES.get(error["type"], "This cannot be read; change it.")
