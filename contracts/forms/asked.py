"""What a form asks of one application: pure. Only what its kind, its fields' classes and its answers require."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from contracts.forms.model import Document, Form, Question, Section, When

Answer = str | list[str] | dict[str, str]
Answers = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides on what is asked: the asked-for fields with their classes, whether the site is asked for, the answers so far."""

    fields: Mapping[str, str] = field(default_factory=dict)
    crawl: bool = False
    answers: Answers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing to answer: a question, or a question about one field."""

    section: str
    question: Question
    field: str = ""

    @property
    def name(self) -> str:
        """Its name in forms, complaints and addresses of pages."""
        base = f"answers.{self.question.id}"
        return f"{base}.{self.field}" if self.field else base

    @property
    def asked(self) -> str:
        """The question as people read it, with the field that it is about."""
        return f"{self.field}: {self.question.label}" if self.field else self.question.label

    def answer(self, answers: Answers) -> str | list[str]:
        """What was answered; empty where nothing was."""
        given = answers.get(self.question.id, "")
        if isinstance(given, dict):
            return given.get(self.field, "")
        return "" if self.field else given


def prompts(form: Form, facts: Facts) -> list[Prompt]:
    """What is asked beside the built-in questions, in order."""
    return [prompt for section in form.sections for prompt in section_prompts(section, facts)]


def section_prompts(section: Section, facts: Facts) -> Iterator[Prompt]:
    """What a section asks beside built-in questions."""
    for question in section.question:
        if question.type == "built-in" or not holds(question.when, facts):
            continue
        if question.each and question.when is not None:
            named = [name for name, of in facts.fields.items() if of in question.when.classes]
            yield from (Prompt(section.id, question, name) for name in named)
        else:
            yield Prompt(section.id, question)


def documents(form: Form, facts: Facts) -> list[Document]:
    """The documents that are to come with it."""
    return [each for each in form.documents if holds(each.when, facts)]


def holds(when: When | None, facts: Facts) -> bool:
    """Whether a condition holds; none always does."""
    if when is None:
        return True
    if when.classes and not set(when.classes) & set(facts.fields.values()):
        return False
    if when.crawl and not facts.crawl:
        return False
    return all(facts.answers.get(name) in codes for name, codes in when.answered.items())


def count(form: Form, facts: Facts) -> int:
    """How many questions an applicant meets: the kind, the built-in ones, and what `prompts` gives."""
    built_in = sum(each.type == "built-in" for each in form.questions())
    return 1 + built_in + len(prompts(form, facts))


def only_asked(form: Form, facts: Facts) -> dict[str, Answer]:
    """The answers without those to what is not asked: they are not kept with what was handed in."""
    kept: dict[str, Answer] = {}
    for prompt in prompts(form, facts):
        given = prompt.answer(facts.answers)
        if not given:
            continue
        if prompt.field and isinstance(given, str):
            within = kept.setdefault(prompt.question.id, {})
            if isinstance(within, dict):
                within[prompt.field] = given
        else:
            kept[prompt.question.id] = given
    return kept


def possible(form: Form, classes: Mapping[str, str]) -> list[Prompt]:
    """Everything that the form could ask of whoever asks for fields of a dataset (all of it: name to class), whatever is answered."""
    found = []
    for section in form.sections:
        for question in section.question:
            when = question.when
            if question.type == "built-in" or (when and when.classes and not set(when.classes) & set(classes.values())):
                continue
            if question.each and when is not None:
                found += [Prompt(section.id, question, name) for name, of in classes.items() if of in when.classes]
            else:
                found.append(Prompt(section.id, question))
    return found
