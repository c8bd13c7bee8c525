"""What a command that looks at things says of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import typer
from rich.markup import escape

from portal.terminal import console


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: fine, with what was found; or where it hurts, what is wrong and how to mend it."""

    where: str
    fine: bool
    found: str = ""
    mend: str = ""


def tell(findings: Sequence[Finding]) -> None:
    """Print findings; the command ends with 1 where one of them is not fine."""
    for finding in findings:
        where, found, mend = escape(finding.where), escape(finding.found), escape(finding.mend)
        if finding.fine:
            console.print(f"[green]fine[/]   {where}: {found}")
        else:
            console.print(f"[red]mend[/]   {where}: {found}\n       {mend}")
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)
