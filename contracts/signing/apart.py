"""Looking at a stranger's PDF in a process of its own: a file that eats memory or time takes that process along, and nothing else."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime

SECONDS = 30
_MOST_MEMORY = 1024 * 1024 * 1024
_TOO_MUCH = "Looking at the file takes too long or too much memory. Sign the PDF from here anew, and add nothing else."


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found: a problem as a sentence, or none and who signed, as their certificates say, with the certificates' hashes."""

    problem: str
    signers: tuple[str, ...] = ()


def look(ours: bytes, theirs: bytes, now: datetime) -> Looked:
    """Whether `theirs` is `ours` with signatures after it (`foreign.problem_of`). Takes about a second; never in a unit of work."""
    asked = json.dumps({"ours": len(ours), "now": now.isoformat()}).encode() + b"\n" + ours + theirs
    # What it inherits must not open anything: no setting, and so no key.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LICET_")}
    command = [sys.executable, "-m", "contracts.signing.apart"]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=SECONDS, check=True, env=environment)  # noqa: S603 - our own module
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return Looked(_TOO_MUCH)
    found = json.loads(done.stdout)
    return Looked(found["problem"], tuple(found["signers"]))


def main() -> None:
    """Read both files from standard input and write what was found to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    from contracts.signing.foreign import problem_of  # noqa: PLC0415 - pyHanko is imported in this process alone, within its bounds

    asked = json.loads(sys.stdin.buffer.readline())
    rest = sys.stdin.buffer.read()
    problem, signed = problem_of(rest[: asked["ours"]], rest[asked["ours"] :], datetime.fromisoformat(asked["now"]))
    signers = [f"{each.name}, certificate SHA-256 {each.sha256}" for each in signed]
    sys.stdout.write(json.dumps({"problem": problem, "signers": signers}))


if __name__ == "__main__":
    main()
