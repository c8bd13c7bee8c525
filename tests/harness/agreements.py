"""Files of agreements signed before Licet, as an operator would bring them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from contracts.agreements.reading import HEADER

PDF = b"%PDF-1.7\nsigned long ago\n%%EOF\n"
TERMS: dict[str, Any] = {
    "datasets": [{"dataset": "posts", "fields": ["id", "lang", "likes"], "pseudonymised": ["id"]}],
    "purposes": ["research"],
    "requests_per_second": 5,
    "records_per_day": 1000,
    "starts": "2026-01-01",
    "ends": "2027-06-30",
    "retention_days": 90,
}
ROW = {
    "organisation": "Harbour Institute",
    "organisation_kind": "university",
    "country": "no",
    "contact_name": "Ingrid Hav",
    "contact_email": "Ingrid@Harbour.example",
    "title": "Tides of talk",
    "kind": "research",
    "pdf": "harbour.pdf",
    "terms": "harbour.json",
    "ends": "2027-06-30",
}


def written(folder: Path, *rows: dict[str, str], pdf: bytes = PDF, terms: Any = TERMS, header: tuple[str, ...] = HEADER) -> Path:
    """The list with these lines (by default one that is fine), and the files that it names."""
    (folder / "harbour.pdf").write_bytes(pdf)
    (folder / "harbour.json").write_text(terms if isinstance(terms, str) else json.dumps(terms))
    file = folder / "agreements.csv"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, header)
        writer.writeheader()
        writer.writerows(rows or (ROW,))
    return file
