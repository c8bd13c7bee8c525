"""An application's answers beside its form: what is asked of it, what was answered, and which answers a save replaces. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from contracts.applications.form import ApplicationForm
from contracts.applications.tables import Application
from contracts.forms.asked import Answer, Facts, Prompt, documents
from contracts.forms.model import Document, Form, Question
from contracts.settings import DatasetSettings


@dataclass(frozen=True, slots=True)
class Answered:
    """One question with its answer as people read it, a line for each choice."""

    section: str
    label: str
    field: str
    lines: tuple[str, ...]


def facts_of(application: Application, dataset: DatasetSettings) -> Facts:
    """What decides on what the application is asked; a field that the dataset does not have counts for nothing."""
    classes = {name: dataset.fields[name].field_class for name in application.fields if name in dataset.fields}
    return Facts(classes, application.crawl, application.answers)


def documents_asked(application: Application, dataset: DatasetSettings, form: Form) -> list[tuple[Document, bool]]:
    """The documents that are to come with the application, each with whether one of its kind is there."""
    there = {each["kind"] for each in application.evidence}
    return [(each, each.id in there) for each in documents(form, facts_of(application, dataset))]


def missing(application: Application, dataset: DatasetSettings, form: Form) -> dict[str, str]:
    """One message for each document that has to come with the application and did not."""
    asked = documents_asked(application, dataset, form)
    return {f"document.{each.id}": f"Add this document: {each.title}." for each, there in asked if each.required and not there}


def merged(stored: dict[str, Answer], asked: Form | None, written: ApplicationForm, withheld: Collection[str]) -> dict[str, Answer]:
    """The answers after a save: those written, and the stored ones of sections that were not written or that a colleague has.

    Answers to questions that the form does not have are dropped. Without a form everything written is kept until there is one.
    """
    if asked is None:
        return dict(written.answers)
    sections = {question.id: asked.section_of(question.id) for question in asked.questions()}
    named = set(sections.values()) if written.sections is None else set(written.sections)
    taken = named - set(withheld)
    kept = {name: answer for name, answer in stored.items() if name in sections and sections[name] not in taken}
    return kept | {name: answer for name, answer in written.answers.items() if sections.get(name) in taken}


def answered(application: Application, form: Form) -> list[Answered]:
    """Every answer in the form's order, in words; for whoever reads or compares what was handed in."""
    return [each for question in form.questions() for each in _of(question, form, application) if each.lines]


def _of(question: Question, form: Form, application: Application) -> list[Answered]:
    given = application.answers.get(question.id)
    fields = list(given) if isinstance(given, dict) else [""]
    prompts = [Prompt(form.section_of(question.id), question, name) for name in fields]
    return [Answered(each.section, question.label, each.field, _lines(each, application)) for each in prompts]


def _lines(prompt: Prompt, application: Application) -> tuple[str, ...]:
    given = prompt.answer(application.answers)
    chosen = [given] if isinstance(given, str) else given
    titles = {each.code: each.title for each in prompt.question.options}
    return tuple(titles.get(each, each) for each in chosen if each)
