"""What a steward looks at before deciding: the request beside the dataset's policy. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.applications.tables import Application
from contracts.forms.kinds import KINDS
from contracts.settings import DatasetSettings
from contracts.terms.purposes import PURPOSES

YEAR = 366

CLASS_WORDS: dict[str, str] = {
    "plain": "Given as it is",
    "key": "Replaced by a pseudonym of this contract",
    "subject": "Replaced by a pseudonym of this contract",
    "personal": "Personal: about a person, given as it is",
    "special": "Special category: needs a reason of its own",
}


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field of the dataset and whether it was asked for."""

    name: str
    description: str
    treatment: str
    field_class: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing worth a look; `tone` is good, wait or warn."""

    tone: str
    text: str


def field_lines(application: Application, dataset: DatasetSettings) -> list[FieldLine]:
    """Every field of the dataset in its order; what was asked for and is not in the dataset any more comes last."""
    known = [
        FieldLine(name, field.description, CLASS_WORDS[field.field_class], field.field_class, name in application.fields)
        for name, field in dataset.fields.items()
    ]
    gone = [
        FieldLine(name, "", "The dataset has no such field any more", "gone", True)
        for name in application.fields
        if name not in dataset.fields
    ]
    return known + gone


def observations(application: Application, dataset: DatasetSettings, earlier: Sequence[Application], contracts: int) -> list[Observation]:
    """What stands out in a request, most serious first."""
    found = [*_fields(application, dataset), *_purpose(application, dataset), *_reach(application), *_history(earlier, contracts)]
    return sorted(found, key=lambda each: ("warn", "wait", "good").index(each.tone))


def days(application: Application) -> int:
    """How many days the requested period has, both ends counted; 0 where it is not complete."""
    if application.starts is None or application.ends is None:
        return 0
    return (application.ends - application.starts).days + 1


def _fields(application: Application, dataset: DatasetSettings) -> list[Observation]:
    asked = [dataset.fields[name].field_class for name in application.fields if name in dataset.fields]
    found = []
    if "special" in asked:
        found.append(Observation("warn", "Asks for fields of a special category."))
    if "personal" in asked:
        found.append(Observation("wait", "Asks for personal fields that are given as they are."))
    if len(asked) == len(dataset.fields):
        found.append(Observation("wait", "Asks for every field of the dataset."))
    if not {"special", "personal"} & set(asked):
        found.append(Observation("good", "Nobody is named: ids are replaced, and no personal field is asked for."))
    return found


def _purpose(application: Application, dataset: DatasetSettings) -> list[Observation]:
    if application.purpose not in dataset.purposes or application.purpose not in PURPOSES:
        return [Observation("warn", "The dataset’s policy does not allow this purpose.")]
    if KINDS[application.kind].priced and dataset.price_per_1000 is None:
        return [Observation("wait", "Paid for, and the dataset has no price: name one in the contract.")]
    return [Observation("good", "The dataset’s policy allows this purpose.")]


def _reach(application: Application) -> list[Observation]:
    found = []
    if days(application) > YEAR:
        found.append(Observation("wait", "Lasts longer than a year."))
    if not application.rows:
        found.append(Observation("wait", "Asks for all rows; no country, language or other limit."))
    if application.crawl:
        found.append(Observation("wait", "Asks to fetch the main site as well."))
    return found


def _history(earlier: Sequence[Application], contracts: int) -> list[Observation]:
    found = []
    declined = sum(each.state == "declined" for each in earlier)
    if declined:
        text = (
            "The same dataset was declined to them once before."
            if declined == 1
            else f"The same dataset was declined to them {declined} times before."
        )
        found.append(Observation("warn", text))
    if contracts:
        text = "They hold one contract with you." if contracts == 1 else f"They hold {contracts} contracts with you."
        found.append(Observation("good", text))
    else:
        found.append(Observation("wait", "Their first request: nothing is known of them here."))
    return found
