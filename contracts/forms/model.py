"""A form as data. Strict: an unknown key, type or condition is refused when the file is read, never skipped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.ledger.stage import canonical

BUILT_IN = ("project", "purpose", "purpose_text", "fields", "rows", "starts", "ends", "crawl")
"""Questions whose answers are columns of the application: every form asks each once, in words of its own."""
RETENTION = "retention_days"
"""The question whose answer bounds how long the desk proposes that records are kept."""
CRAWL_PATHS = "crawl_paths"
"""The question, of the type `paths`, whose answer bounds which paths of the site a contract may name."""
MOST_QUESTIONS = 60

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=160, pattern=r"^[^\x00-\x1f]*$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=800, pattern=r"^[^\x00-\x1f]*$")]
FieldClass = Literal["plain", "key", "subject", "personal", "special"]
Type = Literal["built-in", "line", "text", "days", "paths", "choice", "choices"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class When(_Strict):
    """Under which conditions something is asked; all that are given must hold. `said` is the condition as people read it."""

    said: Title
    classes: tuple[FieldClass, ...] = ()
    crawl: Literal[True] | None = None
    answered: dict[Id, tuple[Code, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> When:
        if not (self.classes or self.crawl or self.answered):
            raise ValueError("`when` names no condition")
        return self


class Option(_Strict):
    """One answer to choose."""

    code: Code
    title: Title
    detail: Words = ""


class Question(_Strict):
    """One question. With `each` it is asked once for every asked field of the classes in `when`."""

    id: Id
    label: Title
    hint: Words = ""
    type: Type
    options: tuple[Option, ...] = ()
    required: bool = True
    each: bool = False
    when: When | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> Question:
        if (self.type in ("choice", "choices")) != (len(self.options) > 1):
            raise ValueError("a choice has at least two options, and nothing else has any")
        if len({each.code for each in self.options}) != len(self.options):
            raise ValueError("an option's code stands twice")
        if self.each and (self.type not in ("line", "text") or self.when is None or not self.when.classes):
            raise ValueError("`each` is for lines and texts, with the classes of fields in `when`")
        if (self.type == "built-in") != (self.id in BUILT_IN):
            raise ValueError(f"the built-in questions are {', '.join(BUILT_IN)}, and no others")
        if self.type == "built-in" and self.when is not None:
            raise ValueError("a built-in question is always asked")
        return self


class Section(_Strict):
    """Questions that belong together. One without built-in questions can be sent to a colleague."""

    id: Id
    title: Title
    hint: Words = ""
    question: tuple[Question, ...] = Field(min_length=1)

    @property
    def sendable(self) -> bool:
        """Whether somebody else than the applicant may fill it in."""
        return all(each.type != "built-in" for each in self.question)


class Document(_Strict):
    """A document that is to come with the application."""

    id: Id
    title: Title
    hint: Words = ""
    required: bool = True
    when: When | None = None


class Form(_Strict):
    """A whole form, as it is frozen: of one kind, for one dataset."""

    kind: Code
    dataset: str
    title: Title
    sections: tuple[Section, ...] = Field(min_length=1)
    documents: tuple[Document, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Form:
        _refuse_twice("section", [each.id for each in self.sections])
        _refuse_twice("document", [each.id for each in self.documents])
        _refuse_twice("question", [each.id for each in self.questions()])
        if missing := [name for name in BUILT_IN if name not in {each.id for each in self.questions()}]:
            raise ValueError(f"the built-in question {missing[0]!r} is missing")
        if len(list(self.questions())) > MOST_QUESTIONS:
            raise ValueError(f"a form has at most {MOST_QUESTIONS} questions")
        self._refuse_conditions_on_nothing()
        return self

    def _refuse_conditions_on_nothing(self) -> None:
        before: dict[str, set[str]] = {}
        everything: list[Question | Document] = [*self.questions(), *self.documents]
        for asked in everything:
            for name, codes in (asked.when.answered if asked.when else {}).items():
                if not set(codes) <= before.get(name, set()) or not codes:
                    raise ValueError(f"{asked.id!r} depends on an answer that no question before it has")
            if isinstance(asked, Question) and asked.type == "choice" and not asked.each:
                before[asked.id] = {each.code for each in asked.options}

    def questions(self) -> Iterator[Question]:
        """Every question, in order."""
        return (question for section in self.sections for question in section.question)

    def section(self, section_id: str) -> Section | None:
        """The section of this id, or None."""
        return next((each for each in self.sections if each.id == section_id), None)

    def section_of(self, question_id: str) -> str:
        """The id of the section that holds a question; empty where none does."""
        return next((each.id for each in self.sections if any(asked.id == question_id for asked in each.question)), "")

    @property
    def text(self) -> str:
        """The canonical JSON that is stored."""
        return canonical(self.model_dump(mode="json")).decode()

    @property
    def sha256(self) -> str:
        """SHA-256 of the canonical JSON, in hex: names the version for good."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def from_json(text: str) -> Form:
    """A form from its stored JSON; raises pydantic's ValidationError for anything unknown."""
    return Form.model_validate_json(text)


def _refuse_twice(what: str, ids: list[str]) -> None:
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise ValueError(f"the {what} {twice[0]!r} stands twice")
