"""Form files: the bundled ones and the operator's own, read strictly and put together into the form of a kind and dataset.

`forms/<kind>.toml` under `home` replaces the bundled file of that name, `forms/sections.toml` the sections that all kinds share.
`forms/<dataset>/<kind>.toml` replaces the form for one dataset or, with `extends = true`, adds to it. A file that cannot be read
closes the form: the bundled one never stands in for what the operator meant.
"""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import Misconfigured, refuse
from contracts.forms.kinds import APPLIED_FOR, KINDS
from contracts.forms.model import Form, Id, Title, Words
from contracts.settings import Settings

Model = TypeVar("Model", bound=BaseModel)

SHARED = "sections"
MOST_BYTES = 128 * 1024
_BUNDLED = Path(__file__).parent / "bundled"


class _SectionText(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title
    hint: Words = ""
    question: list[dict[str, Any]] = Field(min_length=1)


class _FormText(BaseModel):
    """A file as written. Sections and documents that it names and does not define are those of the shared file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: Title = ""
    extends: bool = False
    sections: list[Id] = Field(default_factory=list)
    documents: list[Id] = Field(default_factory=list)
    section: dict[Id, _SectionText] = Field(default_factory=dict)
    document: dict[Id, dict[str, Any]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a form comes from: its files, the operator's own among them, and whether any is."""

    files: tuple[Path, ...]
    own: bool


def folder(settings: Settings) -> Path:
    """Where the operator's own forms are looked for."""
    return settings.home / "forms"


def current(settings: Settings, kind: str, dataset: str) -> Form:
    """The form that an application begun now is asked by. Raises `form_unusable` where a file cannot be used."""
    try:
        return load(settings, kind, dataset)
    except Misconfigured as error:
        reason = "This form cannot be used now; the people who run the platform have to mend it. Try again later, or write to them."
        raise refuse("form_unusable", reason) from error


def load(settings: Settings, kind: str, dataset: str) -> Form:
    """As `current`; raises `Misconfigured` that names the file and what to mend. KeyError for a kind that has no form."""
    if kind not in APPLIED_FOR:
        raise KeyError(kind)
    paths = source(settings, kind, dataset).files
    return _made(kind, dataset, tuple((path, *_stamp(path)) for path in paths))


def source(settings: Settings, kind: str, dataset: str) -> Source:
    """The files of a form: the shared sections, the kind's own, and the dataset's where there is one."""
    own = [folder(settings) / f"{SHARED}.toml", folder(settings) / f"{kind}.toml"]
    extra = folder(settings) / dataset / f"{kind}.toml"
    chosen = [each if each.is_file() else _BUNDLED / each.name for each in own] + [extra] * extra.is_file()
    return Source(tuple(chosen), any(each.parent != _BUNDLED for each in chosen))


def stray(settings: Settings) -> Iterator[Path]:
    """Files in the operator's folder that belong to no kind or dataset, so that nothing reads them."""
    for path in sorted(folder(settings).rglob("*")) if folder(settings).is_dir() else ():
        place = path.relative_to(folder(settings)).parts
        fits = path.suffix == ".toml" and (path.stem in APPLIED_FOR or (path.stem == SHARED and len(place) == 1))
        if path.is_file() and not (fits and (len(place) == 1 or (len(place) == 2 and place[0] in settings.datasets))):
            yield path


@functools.lru_cache(maxsize=256)
def _made(kind: str, dataset: str, stamped: tuple[tuple[Path, int, int], ...]) -> Form:
    shared, base, *extra = (_read(path) for path, _, _ in stamped)
    of = stamped[-1][0]
    parts = base
    if extra:
        parts = _added(base, extra[0]) if extra[0].extends else extra[0]
    return _form(kind, dataset, parts, shared, of)


def _added(base: _FormText, extra: _FormText) -> _FormText:
    changes = {
        "title": extra.title or base.title,
        "sections": [*base.sections, *extra.sections],
        "documents": [*base.documents, *extra.documents],
        "section": {**base.section, **extra.section},
        "document": {**base.document, **extra.document},
    }
    return base.model_copy(update=changes)


def _form(kind: str, dataset: str, parts: _FormText, shared: _FormText, of: Path) -> Form:
    sections = [_section(name, parts, shared, of) for name in parts.sections]
    documents = [{"id": name, **_found(name, parts.document, shared.document, of)} for name in parts.documents]
    title = parts.title or KINDS[kind].title
    return _checked(Form, {"kind": kind, "dataset": dataset, "title": title, "sections": sections, "documents": documents}, of)


def _section(name: str, parts: _FormText, shared: _FormText, of: Path) -> dict[str, Any]:
    found = _found(name, parts.section, shared.section, of)
    return {"id": name, **found.model_dump()}


def _found(name: str, own: dict[str, Any], shared: dict[str, Any], of: Path) -> Any:
    found = own.get(name, shared.get(name))
    if found is None:
        raise Misconfigured(f"form {of.name}", f"names {name!r}, which is defined nowhere.", f"Define it in {of}, or in {SHARED}.toml.")
    return found


def _read(path: Path) -> _FormText:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"form {path.name}", f"cannot be read: {error}.", f"Mend {path}.") from error
    if len(text) > MOST_BYTES:
        raise Misconfigured(f"form {path.name}", "is larger than any form needs.", f"Shorten {path} to {MOST_BYTES:,} characters.")
    return _checked(_FormText, values, path)


def _checked(model: type[Model], values: dict[str, Any], path: Path) -> Model:
    try:
        # As JSON, because a strict model takes its lists as tuples there and nowhere else.
        return model.model_validate_json(json.dumps(values))
    except (ValidationError, TypeError) as error:
        raise Misconfigured(f"form {path.name}", f"{_first(error)}.", f"Mend {path}.") from error


def _first(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return "holds a value that no form has, such as a date"
    found = error.errors()[0]
    said = str(found["ctx"]["error"]) if found["type"] == "value_error" else found["msg"]
    where = ".".join(str(part) for part in found["loc"])
    return f"at {where}: {said}" if where else f"does not fit: {said}"


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
