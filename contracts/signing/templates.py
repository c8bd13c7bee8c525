"""Contract templates: a title, a language, and the clauses in their order. The bundled ones, and the operator's own files."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from contracts.errors import Misconfigured
from contracts.ledger.stage import canonical
from contracts.settings import Settings
from contracts.signing.clauses import ClauseFile, clause_names, clause_of, own_folder, placeholders, read_toml
from contracts.terms.words import LINES

KINDS = ("research", "commercial", "ai-training", "dsa-art-40", "dsa-art-40-12")
# By kind of application. A kind that is not here has no template, so nothing is drafted from it.
TEMPLATE_OF = {
    "research": "research",
    "public-interest": "research",
    "commercial": "commercial",
    "ai-training": "ai-training",
    "dsa-40-4": "dsa-art-40",
    "dsa-40-12": "dsa-art-40-12",
}
# What a title or clause may name beside the term that it binds.
FACTS = frozenset({"contract", "version", "legal_name", "organisation", "country", "title", "application", "purpose_text", "terms_sha256"})
_BUNDLED = Path(__file__).parent / "templates"


class TemplateFile(BaseModel):
    """A template as its file says it."""

    language: str = Field(pattern=r"^[a-z]{2,3}$")
    title: str = Field(min_length=1)
    clauses: list[str] = Field(min_length=1)

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True, slots=True)
class ContractTemplate:
    """The template of one kind of contract with its clauses; `own` where the operator's file replaces the bundled list."""

    kind: str
    language: str
    title: str
    clauses: tuple[ClauseFile, ...]
    own: bool

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of all that it says: it changes with any clause."""
        said = [self.language, self.title, *(each.sha256 for each in self.clauses)]
        return hashlib.sha256(canonical(said)).hexdigest()


def own_path(settings: Settings, kind: str) -> Path:
    """Where the operator's own template of a kind is looked for: `templates/<kind>.toml` under `home`."""
    return settings.home / "templates" / f"{kind}.toml"


def template_of(settings: Settings, kind: str) -> ContractTemplate:
    """The template in use; KeyError for a kind that does not exist.

    Raises `Misconfigured` where a file cannot be used, and unless each term has exactly one clause, in the template's language.
    """
    if kind not in KINDS:
        raise KeyError(kind)
    own, where = own_path(settings, kind), f"contract template {kind}"
    if own.with_suffix(".md").is_file():
        mend = f"Put its text into clauses under {own_folder(settings)} and their names into {own}; then remove it."
        raise Misconfigured(where, f"is of an earlier release: {own.with_suffix('.md')}.", mend)
    file = read_toml(TemplateFile, own if own.is_file() else _BUNDLED / f"{kind}.toml", where)
    made = ContractTemplate(kind, file.language, file.title, tuple(clause_of(settings, name) for name in file.clauses), own.is_file())
    _check(made, where)
    return made


def has_own(settings: Settings) -> bool:
    """Whether the operator replaces anything of the bundled texts, whatever it is worth."""
    folders = (settings.home / "templates", own_folder(settings))
    return any(True for folder in folders for _ in folder.glob("*"))


def problems(settings: Settings) -> Iterator[Misconfigured]:
    """Everything in the operator's files that keeps a contract from being drafted, or that no template uses."""
    used, whole = set(), True
    for kind in KINDS:
        try:
            used |= {each.name for each in template_of(settings, kind).clauses}
        except Misconfigured as error:
            whole = False
            yield error
    for file in (settings.home / "templates").glob("*"):
        if file.name not in {f"{kind}.toml" for kind in KINDS}:
            yield Misconfigured("contract templates", f"nothing reads {file}.", f"Name it after its kind: {', '.join(KINDS)}.")
    for name in clause_names(settings) if whole else ():
        if name not in used and (file := own_folder(settings) / f"{name}.toml").is_file():
            yield Misconfigured(f"clause {name}", f"stands in no template: {file}.", "Put its name into a template, or remove it.")


def _check(template: ContractTemplate, where: str) -> None:
    """Every term exactly once, nothing unknown, one language."""
    bound = Counter(each.clause.binds for each in template.clauses if not each.clause.is_general)
    for term in LINES:
        if bound[term] != 1:
            wrong = "has no clause for" if not bound[term] else "has several clauses for"
            raise Misconfigured(where, f"{wrong} the term {term}.", "Each term has one clause; the bundled template shows how.")
    if twice := [name for name, count in Counter(each.name for each in template.clauses).items() if count > 1]:
        raise Misconfigured(where, f"names the clause {twice[0]} twice.", "Take one of them out.")
    if other := [each for each in template.clauses if each.clause.language != template.language]:
        problem = f"is in the language {template.language}, but its clause {other[0].name} is in {other[0].clause.language}."
        raise Misconfigured(where, problem, "Write all of it in one language.")
    for text in (template.title, *(part for each in template.clauses for part in _texts(each))):
        if unknown := placeholders(text) - FACTS - LINES.keys():
            raise Misconfigured(where, f"asks for ${min(unknown)}, which is no fact.", f"Known are: {', '.join(sorted(FACTS))}.")


def _texts(found: ClauseFile) -> tuple[str, ...]:
    return (found.clause.title, found.clause.text, found.clause.monitored, found.clause.breach)
