"""Asks for what the options of `licet init` left out. An answer that does not fit is asked for again, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from portal.commands.init import Answers, mail_address, named, site_address

Check = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Given:
    """The options of `licet init`; None for what was not given."""

    name: str | None
    legal_name: str | None
    contact: str | None
    site: str | None
    administrator: str | None
    trial: bool | None
    base_url: str | None
    port: int


def answers(given: Given, console: Console) -> Answers:
    """Every answer, from the options or from the terminal. Where only the address of the portal is left, a trial has its own."""
    if None in (given.name, given.legal_name, given.contact, given.site, given.administrator, given.trial):
        console.print(f"This makes licet.toml and the folder .licet in {Path.cwd()}. Every answer can be changed in licet.toml later.\n")
    name = _ask(given.name, "--name", "Short name of the platform, as people know it", named)
    legal_name = _ask(given.legal_name, "--legal-name", "Legal name that signs contracts", named)
    contact = _ask(given.contact, "--contact", "Mail address for questions about data access", mail_address)
    site = _ask(given.site, "--site", "Address of the main site (https://…)", site_address)
    question = "Your own mail address, to sign in with as first administrator"
    administrator = _ask(given.administrator, "--administrator", question, mail_address, contact)
    trial = given.trial
    if trial is None:
        trial = typer.confirm("Try it on this machine only, with mail shown on a page?", default=True)
    here = f"http://127.0.0.1:{given.port}"
    if trial and given.base_url is None:
        base_url = here
    else:
        base_url = _ask(given.base_url, "--base-url", "Address under which people will reach the portal (https://…)", site_address)
    return Answers(name, legal_name, contact, site, administrator, trial, base_url, given.port)


def _ask(given: str | None, option: str, question: str, check: Check, default: str | None = None) -> str:
    if given is None:
        asked: str = typer.prompt(question, default=default, value_proc=lambda typed: checked(typed, check))
        return asked
    return checked(given, check, option)


def checked(typed: str, check: Check, option: str | None = None) -> str:
    """The answer in its kept form; `BadParameter`, which names the option, where it does not fit."""
    try:
        return check(typed)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
