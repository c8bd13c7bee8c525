"""The text that goes to a partner is the one that the steward read: the form carries the hash of the template that stood beside it."""

from __future__ import annotations

from contracts.errors import Misconfigured
from contracts.settings import Settings
from contracts.signing.templates import TEMPLATE_OF, template_of
from portal.forms import Form

FIELD = "text_read"


def text_hash(settings: Settings, kind: str) -> str:
    """SHA-256 (hex) of the template in use for a kind of contract; empty where it cannot be used."""
    try:
        return template_of(settings, TEMPLATE_OF[kind]).sha256
    except Misconfigured:
        return ""


def insist_read(form: Form, settings: Settings, kind: str) -> None:
    """Raise `invalid_input` unless the form was shown beside the text as it is now; shown again, it is."""
    if form.text(FIELD) != text_hash(settings, kind):
        form.errors[""] = "The template of the text was changed since you opened this page. Read the text again; nothing was sent yet."
        form.check()
