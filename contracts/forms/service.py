"""Forms in the store: a version is kept when the first application begins with it, and never changes."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.forms.model import Form, from_json
from contracts.forms.tables import FormVersion
from contracts.store.unit import Unit


def keep(unit: Unit, form: Form) -> str:
    """Freeze the form, unless it is frozen already; its SHA-256, by which the application names it."""
    maker = sqlite.insert if unit.connection.dialect.name == "sqlite" else postgresql.insert
    row = {"sha256": form.sha256, "kind": form.kind, "dataset": form.dataset, "content": form.text, "created_at": unit.now}
    # Two applications may begin with a new form at once: one of them freezes it.
    unit.connection.execute(maker(FormVersion).values(row).on_conflict_do_nothing())
    return form.sha256


def frozen(session: Session, sha256: str | None) -> Form | None:
    """The form of this hash as it was frozen; None for an application from before forms were data.

    Raises `form_unusable` where the stored form is not the one that was frozen: nothing is asked or judged by it then.
    """
    row = session.get(FormVersion, sha256) if sha256 else None
    if row is None:
        return None
    form = from_json(row.content)
    if form.sha256 != row.sha256:
        raise refuse("form_unusable", "The stored form was changed after it was frozen. The platform has to mend it.")
    return form


def number_of(session: Session, sha256: str | None) -> int:
    """Which version of its kind and dataset a form is, counted by use; 0 where it was never used."""
    row = session.get(FormVersion, sha256) if sha256 else None
    if row is None:
        return 0
    query = select(FormVersion.sha256).where(FormVersion.kind == row.kind, FormVersion.dataset == row.dataset)
    return list(session.exec(query.order_by(col(FormVersion.created_at), col(FormVersion.sha256))).all()).index(row.sha256) + 1
