"""What the operator's proxies counted on a day of UTC: a file `counts/<day>.json` in `home`, made from their logs."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import Misconfigured

MOST_BYTES = 64 * 1024


class Counts(BaseModel):
    """`data`: requests for records, counts or estimates that were answered with 200. `gate`: requests that were put to the gate.

    Either may be left out. `source` says in words where the numbers come from.
    """

    data: int | None = Field(default=None, ge=0)
    gate: int | None = Field(default=None, ge=0)
    source: str = Field(min_length=1, max_length=200)

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def counts_of(home: Path, day: date) -> tuple[Counts, str] | None:
    """The counts of a day and the SHA-256 of their file; None where there is none. Raises `Misconfigured` for one that cannot be read."""
    file = home / "counts" / f"{day.isoformat()}.json"
    if not file.is_file():
        return None
    mend = 'It holds, for example, {"data": 1200, "gate": 90000, "source": "nginx of both proxies"}.'
    try:
        raw = file.read_bytes()
        if len(raw) > MOST_BYTES:
            raise Misconfigured(f"counts {file}", "are larger than 64 KiB.", mend)
        return Counts.model_validate_json(raw), hashlib.sha256(raw).hexdigest()
    except (OSError, ValidationError) as error:
        raise Misconfigured(f"counts {file}", "cannot be read as counts of a proxy.", mend) from error
