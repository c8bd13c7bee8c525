"""Values of row conditions: from the text that people write to the JSON form of the field's type."""

from __future__ import annotations

import re
from datetime import date, datetime

from contracts.terms.model import Value

_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


def read_value(field_type: str, text: str) -> Value | None:
    """The value in the JSON form of the field's type, or None where the text is none of it.

    Numbers with a fraction are refused, because leaves and terms hold no floats; days and moments stay ISO 8601 text.
    """
    if field_type == "string":
        return text
    if field_type == "boolean":
        return _BOOLEANS.get(text.lower())
    if field_type in ("timestamp", "date"):
        return text if _is_moment(field_type, text) else None
    return int(text) if _INTEGER.match(text) else None


def _is_moment(field_type: str, text: str) -> bool:
    try:
        date.fromisoformat(text) if field_type == "date" else datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
