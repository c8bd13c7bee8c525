"""Where commands print."""

from __future__ import annotations

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
# What is said to the person at the terminal, apart from a command's output, which may go to a file.
aside = Console(stderr=True, highlight=False, soft_wrap=True)
