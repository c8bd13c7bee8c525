"""Names of files that others chose, pure: one line, no path, and nothing that a file system or a mail reads otherwise."""

from __future__ import annotations

import unicodedata

from contracts.uploads.kinds import FILES, TAKEN

LONGEST = 120


def tidy(name: str) -> str:
    """The name in one Unicode form (NFC), without blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


def name_problem(name: str) -> str:
    """What is wrong with a tidied name, as a sentence; empty where nothing is. Markup is only text, and stays."""
    if not name:
        return "Choose a file."
    if any(each in name for each in "/\\") or name.startswith("."):
        return "The file’s name holds a path. Send the file under a plain name, such as ethics.pdf."
    # Besides control characters also those that turn the direction of writing: they show an ending that is none.
    if any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for each in name):
        return "The file’s name holds characters that cannot be seen. Send the file under a plain name, such as ethics.pdf."
    if len(name) > LONGEST or len(name.encode()) > 2 * LONGEST:
        return f"The file’s name is too long. Shorten it to at most {LONGEST} characters."
    if not name.lower().endswith(tuple(ending for each in FILES.values() for ending in each.endings)):
        return f"Files with such a name are not taken. Send {TAKEN}."
    return ""
