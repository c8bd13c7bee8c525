"""The clause library: each clause a file, bundled or the operator's own, read strictly.

A clause binds one term (its text states the term, and it says how the term is monitored and what follows a breach) or is general.
The operator's own file of the same name under `home/clauses` replaces a bundled one.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.errors import Misconfigured
from contracts.ledger.stage import canonical
from contracts.settings import Settings
from contracts.terms.words import LINES

GENERAL = "general"
NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
LONGEST_FILE = 200_000
_BUNDLED = Path(__file__).parent / "clauses"
Read = TypeVar("Read", bound=BaseModel)


class Clause(BaseModel):
    """One clause. `binds` names a term (an anchor of `terms.words.LINES`) or is "general"; paragraphs are parted by an empty line."""

    language: str = Field(default="en", pattern=r"^[a-z]{2,3}$")
    title: str = Field(min_length=1, max_length=120)
    binds: str
    text: str = Field(min_length=1)
    monitored: str = ""
    breach: str = ""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="after")
    def _term_and_text_fit(self) -> Clause:
        if self.binds == GENERAL:
            self._check_general()
        elif self.binds not in LINES:
            raise ValueError(f"binds the term {self.binds!r}, which does not exist")
        else:
            self._check_binding()
        return self

    def _check_general(self) -> None:
        if named := _placeholders(self) & LINES.keys():
            raise ValueError(f"is general, but states the term ${min(named)}")
        if self.monitored or self.breach:
            raise ValueError("is general, so nothing of it is monitored by term; write what it says into its text")

    def _check_binding(self) -> None:
        if f"${self.binds}" not in self.text and f"${{{self.binds}}}" not in self.text:
            raise ValueError(f"binds the term {self.binds}, but its text does not state it: write ${self.binds} where it stands")
        if other := (_placeholders(self) & LINES.keys()) - {self.binds}:
            raise ValueError(f"binds the term {self.binds}, but states ${min(other)} as well")
        if not (self.monitored.strip() and self.breach.strip()):
            raise ValueError("binds a term, so it says how that is monitored and what follows a breach")

    @property
    def is_general(self) -> bool:
        """Whether counsel may replace it freely."""
        return self.binds == GENERAL


@dataclass(frozen=True, slots=True)
class ClauseFile:
    """A clause as it was found: `own` where the operator's file gave it, with the SHA-256 (hex) of what it says."""

    name: str
    clause: Clause
    own: bool
    sha256: str

    @property
    def needs_confirmation(self) -> bool:
        """Whether a member of staff has to say that the term still stands in it: own text that binds and is not the bundled one."""
        return self.own and not self.clause.is_general and self.sha256 not in _bundled_hashes()

    @property
    def negotiable(self) -> bool:
        """Whether a contract may word it otherwise for itself: general, and without facts, which always stand as they are."""
        return self.clause.is_general and not placeholders(self.clause.text)


def own_folder(settings: Settings) -> Path:
    """Where the operator's own clauses are looked for."""
    return settings.home / "clauses"


def clause_of(settings: Settings, name: str) -> ClauseFile:
    """The clause in use. Raises `Misconfigured` for one that does not exist or whose file cannot be used."""
    if NAME.fullmatch(name) is None:
        raise Misconfigured(f"clause {name!r}", "has no name of small letters, digits and hyphens.", "Rename it.")
    own = own_folder(settings) / f"{name}.toml"
    if own.is_file():
        clause = read_toml(Clause, own, f"clause {name}")
        return ClauseFile(name, clause, True, _hash(clause))
    bundled = _bundled().get(name)
    if bundled is None:
        raise Misconfigured(f"clause {name}", "does not exist.", f"Put it into {own}, or take its name out of the template.")
    return bundled


def bundled_for(found: ClauseFile) -> ClauseFile:
    """The bundled clause for the same term, to read an own one beside: the one of its name, else the first for its term."""
    same = _bundled().get(found.name)
    if same is not None and same.clause.binds == found.clause.binds:
        return same
    return next(each for each in _bundled().values() if each.clause.binds == found.clause.binds)


def clause_names(settings: Settings) -> list[str]:
    """Every name that a file gives a clause, bundled or own."""
    return sorted({*_bundled(), *(each.stem for each in own_folder(settings).glob("*.toml"))})


def read_toml(model: type[Read], file: Path, where: str) -> Read:
    """A file of ours or the operator's, strictly; raises `Misconfigured` that says what is wrong in it."""
    try:
        if file.stat().st_size > LONGEST_FILE:
            raise Misconfigured(where, f"is longer than {LONGEST_FILE:,} bytes: {file}.", "Shorten it.")
        return model.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(where, f"cannot be read: {file}: {str(error).splitlines()[0]}.", "Write it as TOML in UTF-8.") from error
    except ValidationError as error:
        raise Misconfigured(where, f"{_complaint(error)} ({file}).", "The bundled file of the same kind shows how.") from error


def placeholders(text: str) -> frozenset[str]:
    """The names behind dollar signs in a text."""
    return frozenset(Template(text).get_identifiers())


def _placeholders(clause: Clause) -> frozenset[str]:
    return frozenset().union(*map(placeholders, (clause.title, clause.text, clause.monitored, clause.breach)))


def _complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(each) for each in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _hash(clause: Clause) -> str:
    return hashlib.sha256(canonical(clause.model_dump(mode="json"))).hexdigest()


@cache
def _bundled() -> dict[str, ClauseFile]:
    return {each.name: each for each in _read_bundled()}


def _read_bundled() -> Iterator[ClauseFile]:
    for file in sorted(_BUNDLED.glob("*.toml")):
        clause = read_toml(Clause, file, f"clause {file.stem}")
        yield ClauseFile(file.stem, clause, False, _hash(clause))


@cache
def _bundled_hashes() -> frozenset[str]:
    return frozenset(each.sha256 for each in _bundled().values())
