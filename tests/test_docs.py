"""Documentation and code say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_reference_pages_are_those_that_the_code_makes() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stderr[-500:]) == (0, "")


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    dead = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                dead += [f"{page.name}: {target}"]
    assert dead == []


def test_every_code_in_the_source_is_listed_and_every_listed_one_is_used() -> None:
    from contracts.codes import CODES

    source = "".join(
        each.read_text() for room in ("contracts", "api", "portal") for each in (ROOT / room).rglob("*.py") if each.name != "codes.py"
    )
    unused = [code for code in CODES if f'"{code}"' not in source]
    assert unused == []


def test_every_event_is_staged_somewhere() -> None:
    from contracts.ledger.events import EVENTS

    source = "".join(
        each.read_text() for room in ("contracts", "api", "portal") for each in (ROOT / room).rglob("*.py") if each.name != "events.py"
    )
    unused = [event for event in EVENTS if f'"{event}"' not in source and f"{event.split('.')[0]}.{{" not in source]
    assert unused == []


def test_the_addresses_hold_pages_and_machines_alike() -> None:
    # Routes behind an included router are easily missed by whoever walks an app's own list.
    documented = (ROOT / "docs" / "reference" / "routes.md").read_text()
    known = {
        "/",
        "/partner/contracts/{contract_id}",
        "/desk",
        "/compliance/erasure",
        "/operator/mode",
        "/oauth/token",
        "/v1/contract",
        "/gate/nginx",
    }
    assert known == {path for path in known if f"`{path}`" in documented}
