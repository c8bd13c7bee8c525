"""Every form that could be asked by now, read once: for whoever checks an installation and for the desk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.errors import Misconfigured
from contracts.forms import files, kinds
from contracts.forms.model import Form
from contracts.settings import Settings


@dataclass(frozen=True, slots=True)
class Surveyed:
    """The form of a dataset and kind; without it, what is wrong with its files. `own` where a file of the operator's has a part in it."""

    dataset: str
    kind: str
    form: Form | None
    own: bool
    wrong: Misconfigured | None = None


def survey(settings: Settings) -> Iterator[Surveyed]:
    """The forms of every dataset, in the settings' order, and of every kind that it can be applied for."""
    for dataset, described in settings.datasets.items():
        for kind in kinds.offered(described.purposes):
            yield _surveyed(settings, dataset, kind)


def problems(settings: Settings) -> list[Misconfigured]:
    """What is wrong with the operator's form files, each once: those that cannot be used, and those that nothing reads."""
    found = {str(each.wrong): each.wrong for each in survey(settings) if each.wrong is not None}
    mend = "Name it after a kind, in the folder of a dataset of licet.toml or beside it, or take it away."
    stray = [Misconfigured(f"form {path}", "belongs to no kind or dataset, so nothing reads it.", mend) for path in files.stray(settings)]
    return [*found.values(), *stray]


def _surveyed(settings: Settings, dataset: str, kind: str) -> Surveyed:
    own = files.source(settings, kind, dataset).own
    try:
        return Surveyed(dataset, kind, files.load(settings, kind, dataset), own)
    except Misconfigured as error:
        return Surveyed(dataset, kind, None, own, error)
