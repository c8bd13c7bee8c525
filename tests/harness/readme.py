"""The commands of README.md, as a reader would copy them."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def commands(section: str = "") -> list[str]:
    """Every line of every fenced `sh` block, without its comment, in order; only of the section with that heading where one is given."""
    text = README.read_text(encoding="utf-8")
    if section:
        text = re.split(r"^## ", text.partition(f"## {section}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"(^|\s+)#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def inline() -> list[str]:
    """Every command within a sentence: what stands in backticks and begins as one."""
    text = re.sub(r"^```.*?^```", "", README.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`((?:[A-Z]+=\S+ )*(?:make|licet) [^`]+)`", text)
