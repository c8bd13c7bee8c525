"""A form as people read it before they begin: every question and document, each with its condition; as text and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.forms.asked import Facts, count, possible
from contracts.forms.criteria import Criterion
from contracts.forms.kinds import KINDS
from contracts.forms.model import Document, Form, Question, When


@dataclass(frozen=True, slots=True)
class Listed:
    """One question of the list. `said` is its condition in words, empty for one that is always asked; `fields` those it is asked for."""

    question: Question
    said: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedSection:
    """A section of the list."""

    title: str
    hint: str
    questions: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A form for one dataset. `always` counts the questions, the kind among them, that everyone is asked; `at_most` all of them."""

    form: Form
    sections: tuple[ListedSection, ...]
    documents: tuple[Document, ...]
    always: int
    at_most: int

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """What applications by this form are decided by alone; empty where nothing narrows the reasons."""
        return KINDS[self.form.kind].criteria


def outline(form: Form, classes: Mapping[str, str]) -> Outline:
    """What the form asks of those who apply for a dataset, whose fields and their classes these are; what it cannot ask is left out."""
    asked: dict[str, list[str]] = {}
    for prompt in possible(form, classes):
        asked.setdefault(prompt.question.id, []).extend([prompt.field] if prompt.field else [])
    sections = tuple(ListedSection(each.title, each.hint, tuple(_listed(each.question, asked))) for each in form.sections)
    documents = tuple(each for each in form.documents if _can_be(each.when, classes))
    most = 1 + sum(max(1, len(each.fields)) for section in sections for each in section.questions)
    return Outline(form, tuple(each for each in sections if each.questions), documents, count(form, Facts()), most)


def as_json(found: Outline) -> dict[str, Any]:
    """The outline for machines; `sha256` names the form's version."""
    return {
        "kind": found.form.kind,
        "dataset": found.form.dataset,
        "title": found.form.title,
        "sha256": found.form.sha256,
        **({"criteria": [each.holds for each in found.criteria]} if found.criteria else {}),
        "questions": {"always": found.always, "at_most": found.at_most},
        "sections": [
            {"title": each.title, "hint": each.hint, "questions": [_question_json(asked) for asked in each.questions]}
            for each in found.sections
        ],
        "documents": [
            {"title": each.title, "hint": each.hint, "required": each.required, "asked": each.when.said if each.when else "Always"}
            for each in found.documents
        ],
    }


def as_markdown(found: Outline, dataset: str) -> str:
    """The outline as text to print, discuss and fill in; `dataset` is its title."""
    lines = [f"# {found.form.title}: {dataset}", "", KINDS[found.form.kind].meaning, ""]
    if found.criteria:
        lines += ["## How it is decided", "", *(f"- {each.holds}" for each in found.criteria), ""]
    for section in found.sections:
        lines += [f"## {section.title}", ""]
        lines += [section.hint, ""] if section.hint else []
        for each in section.questions:
            lines += _question_lines(each)
    if found.documents:
        lines += ["## Documents", ""]
        lines += [f"- {each.title}{_note(each.when.said if each.when else '')}" for each in found.documents] + [""]
    return "\n".join(lines)


def _listed(questions: tuple[Question, ...], asked: Mapping[str, list[str]]) -> Iterator[Listed]:
    for each in questions:
        if each.type == "built-in" or each.id in asked:
            yield Listed(each, each.when.said if each.when else "", tuple(asked.get(each.id, ())))


def _can_be(when: When | None, classes: Mapping[str, str]) -> bool:
    return when is None or not when.classes or bool(set(when.classes) & set(classes.values()))


def _question_json(each: Listed) -> dict[str, Any]:
    return {
        "id": each.question.id,
        "label": each.question.label,
        "hint": each.question.hint,
        "type": each.question.type,
        "required": each.question.required,
        "asked": each.said or "Always",
        "fields": list(each.fields),
        "options": [{"code": option.code, "title": option.title, "detail": option.detail} for option in each.question.options],
    }


def _question_lines(each: Listed) -> list[str]:
    lines = [f"### {each.question.label}", ""]
    lines += [f"*{each.said}.*" + (f" Fields: {', '.join(each.fields)}." if each.fields else ""), ""] if each.said else []
    lines += [each.question.hint, ""] if each.question.hint else []
    lines += [f"- [ ] {option.title}" for option in each.question.options] + ([""] if each.question.options else [])
    return lines


def _note(said: str) -> str:
    return f" ({said[0].lower()}{said[1:]})" if said else ""
