"""What a browser sent: values as people type them, kept when the form comes back with errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from starlette.datastructures import FormData
from starlette.requests import Request

from contracts.errors import Refusal, Refused, refuse


@dataclass
class Form:
    """Values by name, and the errors beside them. A template's `field` macro shows both."""

    values: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """One value without surrounding space."""
        found = self.values.get(name)
        return found[-1].strip() if found else default

    def raw(self, name: str) -> str:
        """One value exactly as typed; for passwords."""
        found = self.values.get(name)
        return found[-1] if found else ""

    def all(self, name: str) -> list[str]:
        """Every value of a name, for groups of boxes."""
        return [value for value in self.values.get(name, []) if value]

    def checked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.all(name))

    def number(self, name: str, default: int = 0) -> int:
        """A whole number, with or without thousands separators; an error is noted where it is none."""
        typed = self.text(name).replace(",", "").replace(" ", "")
        if not typed:
            return default
        if not typed.isdecimal() or len(typed) > 12:
            self.errors[name] = "Write a whole number, such as 5000."
            return default
        return int(typed)

    def day(self, name: str) -> date | None:
        """A date as 2026-11-30; an error is noted where it is none."""
        typed = self.text(name)
        if not typed:
            return None
        try:
            return date.fromisoformat(typed)
        except ValueError:
            self.errors[name] = "Write the date as year-month-day, such as 2026-11-30."
            return None

    def require(self, name: str, message: str) -> str:
        """One value that must be there."""
        value = self.text(name)
        if not value:
            self.errors.setdefault(name, message)
        return value

    def check(self) -> None:
        """Raise `invalid_input` with what was noted, if anything."""
        if self.errors:
            raise refuse("invalid_input", "Mend the fields that are named and send the form again.", fields=dict(self.errors))

    def take(self, refusal: Refusal) -> None:
        """Put a refusal's errors beside their fields; one that names no field stands alone in the summary."""
        named = refusal.facts.get("fields")
        if isinstance(named, Mapping) and named:
            self.errors.update({str(name): str(message) for name, message in named.items()})
        else:
            self.errors[""] = refusal.reason

    def take_reason(self, refusal: Refusal, name: str = "reason", code: str = "code") -> None:
        """As `take`, with what is wrong with the act's reason and its code beside the fields that ask for them.

        Of several forms on a page each has names of its own for the two.
        """
        self.take(refusal)
        message = self.errors.pop("reason", "") or (self.errors.pop("", "") if refusal.code == "reason_required" else "")
        if message:
            self.errors[name] = message
        if wrong := self.errors.pop("code", ""):
            self.errors[code] = wrong


def of(values: Mapping[str, str | list[str] | None]) -> Form:
    """A form filled from stored values."""
    return Form({name: value if isinstance(value, list) else [value] for name, value in values.items() if value is not None})


async def submitted(request: Request) -> Form:
    """Dependency of routes that take a form; the app has checked its size and its CSRF token before."""
    return from_data(await request.form())


def from_data(data: FormData) -> Form:
    """The text parts of what was sent; files are not among them. NUL is dropped, because PostgreSQL refuses it in text."""
    values: dict[str, list[str]] = {}
    for name, value in data.multi_items():
        if isinstance(value, str):
            values.setdefault(name, []).append(value.replace("\r\n", "\n").replace("\0", ""))
    return Form(values)


# Refusals that a form can mend are shown in the form; all others are a page of their own.
_MENDABLE = {
    "invalid_input",
    "wrong_password",
    "reason_required",
    "review_open",
    "wider_than_asked",
    "clause_unconfirmed",
    "not_as_requested",
    "hash_differs",
    "signed_file_refused",
    "reauthentication_required",
    "second_factor_required",
}


def mendable(error: Refused) -> Refusal:
    """The refusal, where showing the form again helps; raises the error itself otherwise."""
    if error.refusal.code not in _MENDABLE:
        raise error
    return error.refusal
