"""Decisions on reasoned requests: pure. They take the request, the command and what was written, and return what follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from contracts.coordinator.states import Command, Ground, State, next_state
from contracts.coordinator.tables import ReasonedRequest
from contracts.errors import Refusal
from contracts.settings import DatasetSettings

AMENDMENT_DAYS = 15
PURPOSE = "research"
LEAST_WORDS = 20
MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it was received. `rows` maps a field to the values that rows may have; None is what it does not say."""

    coordinator: str
    reference: str
    received_on: date | None
    project: str
    text: str
    fields: tuple[str, ...]
    rows: dict[str, list[str]]
    starts: date | None
    ends: date | None
    modalities: str = ""
    retention_days: int | None = None
    erasure_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command as it was given. `ground` and `words` belong to an amendment, `words` to its answer."""

    command: Command
    revision: int
    ground: str = ""
    words: str = ""


def amend_by(received_on: date) -> date:
    """The last day on which an amendment may be asked for: "within 15 days following receipt" (Art. 40(5)), calendar days."""
    return received_on + timedelta(days=AMENDMENT_DAYS)


def complaints(received: Received, dataset: DatasetSettings | None, today: date) -> dict[str, str]:
    """What keeps a request from being entered: one message a form field. What it asks for is not judged."""
    if dataset is None:
        return {"dataset": "Choose the dataset that the request names."}
    found = {
        "coordinator": "" if len(received.coordinator) >= 3 else "Name the Coordinator that sent it.",
        "reference": "" if received.reference else "Give the reference that the request bears.",
        "received_on": _received(received.received_on, today),
        "project": "" if len(received.project) >= 3 else "Name the research project, in at least 3 characters.",
        "text": _text(received.text, "Copy the request’s own words here."),
        "fields": _fields(received.fields, dataset),
        "ends": _dates(received.starts, received.ends),
        "dataset": "" if PURPOSE in dataset.purposes else "The dataset’s policy allows no research yet. Two of you have to widen it first.",
    }
    return {name: message for name, message in found.items() if message}


def decide(request: ReasonedRequest, wanted: Wanted, today: date) -> State | Refusal:
    """The state that follows, or why not: state, revision, the 15 days, ground and words; in this order."""
    after = next_state(State(request.state), wanted.command)
    if isinstance(after, Refusal):
        return after
    if request.revision != wanted.revision:
        return Refusal("changed_meanwhile", "The request changed since you opened it. Look at it again.")
    if wanted.command is Command.ASK_AMENDMENT:
        return _amendment(request, wanted, today) or after
    if wanted.command is Command.ANSWER and (problem := _text(wanted.words, "Copy the Coordinator’s answer here.")):
        return _invalid({"answer": problem})
    return after


def _amendment(request: ReasonedRequest, wanted: Wanted, today: date) -> Refusal | None:
    if today > request.amend_by:
        reason = f"An amendment could be asked for until {request.amend_by.isoformat()}. The request is taken over as it stands."
        return Refusal("command_not_possible", reason, {"amend_by": request.amend_by.isoformat()})
    ground = "" if wanted.ground in {each.value for each in Ground} else "Choose one of the two grounds; there is no third."
    problem = _text(wanted.words, "Say why, and which other data or means would do for the research (Art. 40(6)).")
    fields = {name: message for name, message in {"ground": ground, "amendment": problem}.items() if message}
    return _invalid(fields) if fields else None


def _received(day: date | None, today: date) -> str:
    if day is None:
        return "Give the day on which it was received; the 15 days run from it."
    return "" if day <= today else "The day of receipt lies ahead."


def _text(text: str, missing: str) -> str:
    if len(text.strip()) < LEAST_WORDS:
        return missing
    return "" if len(text) <= MOST_TEXT and "\0" not in text else f"Shorten this to at most {MOST_TEXT:,} characters."


def _fields(names: tuple[str, ...], dataset: DatasetSettings) -> str:
    unknown = [name for name in names if name not in dataset.fields]
    return f"The dataset has no field {unknown[0]}." if unknown else "" if names else "Choose the fields that the request names."


def _dates(starts: date | None, ends: date | None) -> str:
    if starts is None or ends is None:
        return "Give the first and the last day of access; every request names both."
    return "" if starts <= ends else "The last day lies before the first."


def _invalid(fields: dict[str, str]) -> Refusal:
    return Refusal("invalid_input", "Some fields need your attention.", {"fields": fields})
