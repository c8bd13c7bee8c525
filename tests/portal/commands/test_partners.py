"""`licet partners import`: a dry run says all, `--write` keeps what is fine for staff to confirm, and nothing is kept twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.harness.agreements import ROW, TERMS, written
from tests.portal.commands.conftest import Licet


def test_agreements_are_tried_kept_and_not_kept_twice(folder: Path, licet: Licet) -> None:
    ends = (datetime.now(UTC).date() + timedelta(days=400)).isoformat()
    trees = {"dataset": "trees", "fields": ["id", "species"], "pseudonymised": ["id"]}
    terms = TERMS | {"datasets": [trees], "ends": ends}
    written(folder, ROW | {"ends": ends}, ROW | {"ends": "2000-01-01", "contact_email": "nobody"}, terms=terms)
    tried = licet(folder, "partners", "import", "agreements.csv")
    assert tried.returncode == 1
    fine, mend, *problems, count = tried.stdout.splitlines()
    assert (fine.startswith("fine  line 2: Harbour Institute"), mend.startswith("mend  line 3: Harbour Institute")) == (True, True)
    assert (len(problems), count) == (3, "1 of 2 to mend; nothing was kept.")
    written(folder, ROW | {"ends": ends}, terms=terms)
    assert licet(folder, "partners", "import", "agreements.csv").stdout.endswith("1 fine; nothing was kept. Run it again with --write.\n")
    kept = licet(folder, "partners", "import", "agreements.csv", "--write")
    assert (kept.returncode, kept.stdout.splitlines()[-1]) == (
        0,
        "1 kept. Two people of staff confirm each on the desk, under Partners signed before.",
    )
    again = licet(folder, "partners", "import", "agreements.csv", "--write")
    assert (again.returncode, "The same document with the same terms is here already." in again.stdout) == (1, True)
