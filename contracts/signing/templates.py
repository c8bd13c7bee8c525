"""Contract templates: the bundled ones, and the operator's own files that replace them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contracts.settings import Settings

KINDS = ("research", "commercial")
_BUNDLED = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class ContractTemplate:
    """The template of one kind of contract; `own` where the operator's file replaces the bundled one."""

    kind: str
    text: str
    own: bool


def own_path(settings: Settings, kind: str) -> Path:
    """Where the operator's own template of a kind is looked for: `templates/<kind>.md` under `home`."""
    return settings.home / "templates" / f"{kind}.md"


def template_of(settings: Settings, kind: str) -> ContractTemplate:
    """The template in use; KeyError for a kind that does not exist."""
    if kind not in KINDS:
        raise KeyError(kind)
    own = own_path(settings, kind)
    if own.is_file():
        return ContractTemplate(kind, own.read_text(encoding="utf-8"), own=True)
    return ContractTemplate(kind, (_BUNDLED / f"{kind}.md").read_text(encoding="utf-8"), own=False)
