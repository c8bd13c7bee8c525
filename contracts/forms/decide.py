"""Judging answers: pure. One message for everything that is missing or does not fit, by its name in the form."""

from __future__ import annotations

from contracts.forms.asked import Facts, Prompt, prompts
from contracts.forms.model import Form
from contracts.gate.facts import read_target

LEAST_TEXT = 10
MOST_LINE = 200
MOST_TEXT = 4000
MOST_DAYS = 3660
MOST_PATHS = 20


def complaints(form: Form, facts: Facts, section: str = "") -> dict[str, str]:
    """What keeps the answers from being handed in; those of one section where it is named. Empty where all is answered."""
    found = {each.name: problem(each, facts) for each in prompts(form, facts) if section in ("", each.section)}
    return {name: message for name, message in found.items() if message}


def problem(prompt: Prompt, facts: Facts) -> str:
    """What is wrong with one answer; empty where nothing is."""
    given, question = prompt.answer(facts.answers), prompt.question
    if not given:
        return _MISSING[question.type].format(asked=prompt.asked) if question.required else ""
    if question.type in ("choice", "choices"):
        codes = {each.code for each in question.options}
        chosen = [given] if isinstance(given, str) else given
        return "" if set(chosen) <= codes and (question.type == "choices" or len(chosen) == 1) else "Choose one of the offered answers."
    if not isinstance(given, str):
        return "Write text here."
    return _text(question.type, given)


_MISSING = {
    "line": "Answer in a few words: {asked}.",
    "text": "Answer in a sentence or more: {asked}.",
    "days": "Write a number of days, such as 90: {asked}.",
    "paths": "Name at least one path, such as /posts/: {asked}.",
    "choice": "Choose one of the answers: {asked}.",
    "choices": "Choose at least one of the answers: {asked}.",
}


def _text(kind: str, given: str) -> str:
    if kind == "days":
        fits = given.isascii() and given.isdecimal() and len(given) <= 5 and 1 <= int(given) <= MOST_DAYS
        return "" if fits else f"Write a number of days from 1 to {MOST_DAYS:,}."
    if kind == "paths":
        return _paths(given.split())
    if kind == "line":
        return "" if len(given) <= MOST_LINE and "\n" not in given else f"Shorten this to one line of at most {MOST_LINE} characters."
    if len(given) > MOST_TEXT:
        return f"Shorten this to at most {MOST_TEXT} characters."
    return "" if len(given) >= LEAST_TEXT else f"Say it in at least {LEAST_TEXT} characters."


def _paths(given: list[str]) -> str:
    if len(given) > MOST_PATHS:
        return f"Name at most {MOST_PATHS} paths; everything below a path is included."
    wrong = next((path for path in given if not _is_path(path)), None)
    return "" if wrong is None else f"{wrong} is no path of the site. Begin each with a slash, such as /posts/, and leave out ?, # and *."


def _is_path(path: str) -> bool:
    """A path that the gate can hold a contract to: from the root, spelt in one way, of at most 200 characters."""
    page = read_target(path)
    return page is not None and page.plain and page.path == path and "*" not in path and len(path) <= MOST_LINE
