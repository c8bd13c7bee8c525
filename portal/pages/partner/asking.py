"""The application form between browser and domain: what is offered to choose from, what was typed, what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from contracts.applications.answers import facts_of
from contracts.applications.tables import Application
from contracts.datasets.catalogue import Dataset
from contracts.forms import kinds
from contracts.forms.asked import Answer, Facts, Prompt, holds, possible
from contracts.forms.model import Form as Asked
from contracts.forms.model import Question, Section
from contracts.terms.purposes import PURPOSES
from portal.forms import Form, of

_YEAR = timedelta(days=364)
_CLASSES = {
    "key": "Given as a pseudonym that differs under each contract.",
    "subject": "Given as a pseudonym that differs under each contract.",
    "personal": "Personal: ask for it only if the project needs it.",
    "special": "Special category: ask for it only if the project cannot do without, and say why.",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One question as a page shows it, hidden while it is not asked. `fields` are those that make it asked, any of them."""

    name: str
    question: Question
    field: str
    label: str
    asked: bool
    fields: tuple[str, ...] = ()

    @property
    def answers(self) -> str:
        """The answer that it depends on, as "name=code code" for the page's script; empty where it depends on none."""
        found = self.question.when.answered.items() if self.question.when else ()
        return next((f"answers.{name}={' '.join(codes)}" for name, codes in found), "")

    @property
    def choices(self) -> list[tuple[str, str, str]]:
        """Its options as pages list them."""
        return [(each.code, each.title, each.detail) for each in self.question.options]


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section of the form as a page shows it."""

    section: Section
    items: tuple[Item, ...]

    @property
    def asked(self) -> bool:
        """Whether anything of it is asked now."""
        return any(each.asked for each in self.items)


def shown(asked: Asked, dataset: Dataset, application: Application) -> list[ShownSection]:
    """Every section with all that the dataset's fields could make it ask; what is not asked now is marked."""
    facts, classes = facts_of(application, dataset.settings), classes_of(dataset)
    found = possible(asked, classes)
    return [
        ShownSection(section, tuple(each for question in section.question for each in _items(question, found, facts, classes)))
        for section in asked.sections
    ]


def filled(application: Application, dataset: Dataset, today: date, asked: Asked) -> Form:
    """The form as the draft stands. What it does not say yet begins with the likely answer: the one purpose, a year from today."""
    starts = application.starts or today
    ends = application.ends or starts + _YEAR
    offered = purpose_choices(dataset, application.kind)
    only = offered[0][0] if len(offered) == 1 else ""
    rows = {f"rows.{name}": ", ".join(str(value) for value in values) for name, values in application.rows.items()}
    return of(
        {
            "project": application.project,
            "kind": application.kind,
            "purpose": application.purpose or only,
            "purpose_text": application.purpose_text,
            "fields": list(application.fields),
            "crawl": "yes" if application.crawl else None,
            "starts": starts.isoformat(),
            "ends": ends.isoformat(),
            **rows,
            **answers_filled(application, possible(asked, classes_of(dataset))),
        }
    )


def answers_filled(application: Application, prompts: Iterable[Prompt]) -> dict[str, str | list[str]]:
    """The stored answers by their names in the form."""
    return {each.name: each.answer(application.answers) for each in prompts}


def completed(form: Form, application: Application, asked: Asked, dataset: Dataset) -> Form:
    """A form that comes back, with the stored answers of sections that were not in it: a colleague may have them, or gave them back."""
    written = set(form.all("section"))
    absent = [each for each in possible(asked, classes_of(dataset)) if each.section not in written]
    form.values.update(of(answers_filled(application, absent)).values)
    return form


def typed(form: Form, dataset: Dataset, asked: Asked) -> dict[str, Any]:
    """What was typed, in the shape that `applications.form.read_form` takes. Names that the form does not offer are not looked at."""
    return {
        "project": form.text("project"),
        "kind": form.text("kind", "research"),
        "purpose": form.text("purpose"),
        "purpose_text": form.text("purpose_text"),
        "fields": form.all("fields"),
        "rows": {name: form.text(f"rows.{name}") for name, _, _ in row_choices(dataset)},
        "crawl": form.checked("crawl"),
        "starts": form.text("starts"),
        "ends": form.text("ends"),
        "answers": typed_answers(form, possible(asked, classes_of(dataset))),
        "sections": [each for each in form.all("section") if asked.section(each)],
    }


def typed_answers(form: Form, prompts: Iterable[Prompt]) -> dict[str, Answer]:
    """What was answered to these questions."""
    found: dict[str, Answer] = {}
    for each in prompts:
        given: str | list[str] = form.all(each.name) if each.question.type == "choices" else form.text(each.name)
        if each.field and isinstance(given, str):
            within = found.setdefault(each.question.id, {})
            if isinstance(within, dict):
                within[each.field] = given
        else:
            found[each.question.id] = given
    return found


def classes_of(dataset: Dataset) -> dict[str, str]:
    """Every field of the dataset with its class."""
    return {name: told.field_class for name, told in dataset.fields.items()}


def field_choices(dataset: Dataset) -> list[tuple[str, str, str]]:
    """Every field: name, name, and what it is with what its class means."""
    return [(name, name, f"{told.description} {_CLASSES.get(told.field_class, '')}".strip()) for name, told in dataset.fields.items()]


def row_choices(dataset: Dataset) -> list[tuple[str, str, str]]:
    """Fields by whose values rows can be chosen: name, description, examples."""
    chosen = {name: dataset.fields[name] for name in dataset.row_fields()}
    return [(name, told.description, ", ".join(dict.fromkeys(told.examples))) for name, told in chosen.items()]


def kind_choices(dataset: Dataset) -> list[tuple[str, str, str]]:
    """The kinds that the dataset can be applied for."""
    return [(each, kinds.KINDS[each].title, kinds.KINDS[each].meaning) for each in kinds.offered(dataset.settings.purposes)]


def purpose_choices(dataset: Dataset, kind: str) -> list[tuple[str, str, str]]:
    """The purposes that the dataset allows to applications of the kind."""
    offered = [each for each in dataset.settings.purposes if each in PURPOSES and kinds.fits(kind, each)]
    return [(code, PURPOSES[code].title, PURPOSES[code].meaning) for code in offered]


def _items(question: Question, found: list[Prompt], facts: Facts, classes: Mapping[str, str]) -> Iterable[Item]:
    if question.type == "built-in":
        return [Item(question.id, question, "", question.label, asked=True)]
    prompts = [each for each in found if each.question.id == question.id]
    wanted = question.when.classes if question.when else ()
    fields = tuple(name for name, of in classes.items() if of in wanted)
    return [
        Item(each.name, question, each.field, each.asked, _is_asked(each, facts), (each.field,) if each.field else fields)
        for each in prompts
    ]


def _is_asked(prompt: Prompt, facts: Facts) -> bool:
    return holds(prompt.question.when, facts) and (not prompt.field or prompt.field in facts.fields)
