"""A stranger with an archive of a visit: nothing but its own reading guide, the ledger's key, and a bare Python."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Followed:
    """What the guide's commands said, and what lies in the archive."""

    checked: str
    entries: list[dict[str, Any]]
    contracts: dict[str, dict[str, Any]]
    decided: str


def commands_of(guide: str) -> list[str]:
    """The commands as they stand in a guide, each on a line of its own."""
    return [line.strip() for line in guide.splitlines() if line.startswith("    python3 ")]


def followed(archive: Path, key: str, folder: Path) -> Followed:
    """Unpack the archive and run each command of its guide as it stands there; fails where one does not say what the guide promises."""
    shutil.unpack_archive(archive, folder)
    check, compute = commands_of((folder / "GUIDE.txt").read_text(encoding="utf-8"))
    checked = _run(check.replace("ARCHIVE.zip", str(archive)).replace("'KEY'", shlex.quote(key)), folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    listed = {each["id"]: each for each in json.loads((folder / "contracts.json").read_text(encoding="utf-8"))}
    for contract, each in listed.items():
        for version in each["versions"]:
            there = folder / "contracts" / contract
            computed = _run(compute.replace("version-1", f"version-{version['number']}"), there)
            assert computed.stdout.strip() == version["terms_sha256"], computed.stderr
            assert (there / f"version-{version['number']}.pdf").read_bytes().startswith(b"%PDF-")
    lines = (folder / "entries.jsonl").read_text(encoding="utf-8").splitlines()
    decided = (folder / "decisions.csv").read_text(encoding="utf-8")
    return Followed(checked.stdout, [json.loads(line)["entry"] for line in lines], listed, decided)


def held_against_what_was_agreed(found: Followed) -> int:
    """Every read's terms are those of the version under which it was answered, as the guide has one compare; how many there are."""
    reads = [each for each in found.entries if each["event"] == "access.records" and each["decision"] == "allow"]
    for each in reads:
        versions = {version["number"]: version["terms_sha256"] for version in found.contracts[each["contract"]]["versions"]}
        assert each["contract_hash"] == versions[each["contract_version"]]
    return len(reads)


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command in a bare Python: no environment, no packages."""
    words = shlex.split(command)
    return subprocess.run([sys.executable, "-I", "-S", *words[1:]], cwd=folder, capture_output=True, text=True, check=False)
