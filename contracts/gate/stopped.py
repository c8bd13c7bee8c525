"""What a stopped visitor reads: a page for browsers, two plain lines for programs. The operator may replace the page.

The page stands on the site's own address, whoever serves it, so it needs nothing beside itself: its style is inside, allowed by its
hash, and it runs no script. `pages/stopped.html` under `home` replaces the bundled one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import ceil
from pathlib import Path
from string import Template

from contracts.errors import Misconfigured
from contracts.gate.decide import Decision
from contracts.gate.reasons import REASONS
from contracts.settings import Settings

MOST_BYTES = 64 * 1024
NAMES = frozenset({"platform", "what", "again", "decision", "decision_link", "apply_link", "contact"})
"""What a page may name as `$name`."""
NEEDED = frozenset({"decision_link", "apply_link", "contact"})
_BUNDLED = (Path(__file__).parent / "pages" / "stopped.html").read_text(encoding="utf-8")
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class OwnPage:
    """The operator's file; `problem` says why it cannot be used, in words that stand after its name."""

    path: Path
    text: str
    problem: str


def own_path(home: Path) -> Path:
    """Where the operator's page is looked for."""
    return home / "pages" / "stopped.html"


def own_page(home: Path) -> OwnPage | None:
    """The operator's page with what is wrong with it; None where there is none."""
    path = own_path(home)
    if not path.exists():
        return None
    try:
        raw = path.read_bytes()
        text = raw.decode()
    except (OSError, UnicodeDecodeError):
        return OwnPage(path, "", "cannot be read as text in UTF-8.")
    return OwnPage(path, text, "is larger than 64 KiB." if len(raw) > MOST_BYTES else next(_problems(text), ""))


class StoppedPage:
    """The page of one installation, read at start. Raises `Misconfigured` for a file of the operator's that cannot be used."""

    def __init__(self, settings: Settings) -> None:
        own = own_page(settings.home)
        if own is not None and own.problem:
            raise Misconfigured(f"page {own.path}", own.problem, "Mend or remove it; `licet doctor` looks at it again.")
        text = _BUNDLED if own is None else own.text
        self._settings, self._template = settings, Template(text)
        self.policy = _policy(text)

    def html(self, decision: Decision) -> bytes:
        """The page about one decision; every value in it is escaped."""
        return self._template.substitute({name: escape(value) for name, value in self._words(decision).items()}).encode()

    def lines(self, decision: Decision) -> bytes:
        """Two lines for who reads no pages."""
        words, reason = self._words(decision), REASONS[decision.reason]
        return f"Stopped: {reason.meaning} Apply: {words['apply_link']}\nDecision: {words['decision_link']}\n".encode()

    def _words(self, decision: Decision) -> dict[str, str]:
        reason, base = REASONS[decision.reason], self._settings.base_url
        return {
            "platform": self._settings.platform.name,
            "what": reason.told or reason.meaning,
            "again": _again(decision.retry_after) or reason.mend,
            "decision": decision.id,
            "decision_link": f"{base}/decision/{decision.id}",
            "apply_link": f"{base}/apply",
            "contact": self._settings.platform.contact,
        }


def _again(seconds: int) -> str:
    if not seconds:
        return ""
    if seconds < 90:
        return f"The page opens again in {seconds} seconds."
    return f"The page opens again in about {ceil(seconds / 60)} minutes. Pages that you have opened before stay open to you."


def _policy(text: str) -> str:
    """A Content-Security-Policy that lets the page's own style in and nothing else but images of the site."""
    hashes = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in _STYLE.findall(text)]
    styles = " ".join(f"'sha256-{each}'" for each in hashes) or "'none'"
    return f"default-src 'none'; style-src {styles}; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _problems(text: str) -> Iterator[str]:
    template = Template(text)
    if not template.is_valid():
        yield "has a dollar sign that begins no name; write two for one."
        return
    named = set(template.get_identifiers())
    if unknown := named - NAMES:
        yield f"names ${min(unknown)}, which this page does not have; it has {', '.join(f'${each}' for each in sorted(NAMES))}."
    if missing := NEEDED - named:
        yield f"leaves out ${min(missing)}, without which nobody can go on."
    if any("$" in style for style in _STYLE.findall(text)):
        yield "has a value inside its style, which browsers would then refuse."
