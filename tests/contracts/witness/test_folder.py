"""What a witness keeps: it is on the disk before a cosignature leaves, for threads, processes and kills alike."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.clock import FixedClock
from contracts.errors import Misconfigured
from contracts.ledger import note
from contracts.ledger.cosignature import cosignatures
from contracts.witness.decide import Kept, Outcome
from contracts.witness.folder import KEY, STATE, Witness, found
from tests.contracts.witness.logs import ORIGIN, Log

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LOG = Log(40)


def opened(folder: Path) -> Witness:
    found(folder, "witness.example/1")
    return Witness(folder, {ORIGIN: LOG.verifier}, FixedClock(NOW))


def test_a_cosignature_is_given_and_its_tree_kept(tmp_path: Path) -> None:
    witness = opened(tmp_path / "w")
    answer = witness.add_checkpoint(LOG.request(0, 20))
    (cosigned,) = cosignatures(LOG.checkpoint(20) + answer.line, [witness.verifier])
    assert (cosigned.at, cosigned.line) == (NOW, answer.line)
    again = opened(tmp_path / "w")
    assert (again.verifier, again.cosigned()) == (witness.verifier, {ORIGIN: LOG.told(20)})
    assert again.add_checkpoint(LOG.request(0, 30)).decision.size == 20
    assert again.add_checkpoint(LOG.request(20, 20)).line == answer.line


def test_nobody_else_reads_its_key(tmp_path: Path) -> None:
    opened(tmp_path)
    assert (tmp_path / KEY).stat().st_mode & 0o077 == 0


def test_a_key_without_what_it_cosigned_is_not_used(tmp_path: Path) -> None:
    opened(tmp_path).add_checkpoint(LOG.request(0, 20))
    stored = (tmp_path / STATE).read_bytes()
    for broken in (None, b"", b"{}", stored[: len(stored) // 2], b'{"logs": {"a": {"size": 1}}}'):
        (tmp_path / STATE).unlink() if broken is None else (tmp_path / STATE).write_bytes(broken)
        with pytest.raises(Misconfigured, match="does not say what this witness cosigned"):
            opened(tmp_path)


def test_what_vanishes_under_a_running_witness_ends_its_cosigning(tmp_path: Path) -> None:
    witness = opened(tmp_path)
    (tmp_path / STATE).unlink()
    with pytest.raises(Misconfigured):
        witness.add_checkpoint(LOG.request(0, 20))


def test_a_name_is_for_ever(tmp_path: Path) -> None:
    opened(tmp_path)
    found(tmp_path, "")
    with pytest.raises(Misconfigured, match=r"and the witness in .* is witness\.example/1"):
        found(tmp_path, "witness.example/2")
    for wrong in ("", "a b", "a+b"):
        with pytest.raises(Misconfigured, match="cannot name a witness"):
            found(tmp_path / "other", wrong)


def test_of_requests_at_once_one_history_is_cosigned(tmp_path: Path) -> None:
    """Honest and forked trees race, over two witnesses on one folder: everything cosigned is of one of both."""
    witnesses = [opened(tmp_path), opened(tmp_path)]
    forked = Log(40, fork=0)
    lines: list[tuple[str, str]] = []
    start = threading.Barrier(8)

    def ask(number: int) -> None:
        log, witness = (LOG, forked)[number % 2], witnesses[number // 4]
        start.wait()
        for size in range(1, 20):
            answer = witness.add_checkpoint(log.request(0, size))
            while answer.decision.outcome is Outcome.OTHER_SIZE and answer.decision.size <= size:
                answer = witness.add_checkpoint(log.request(answer.decision.size, size))
            if answer.line:
                lines.append((log.checkpoint(size), answer.line))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    told = [note.parse_checkpoint(note.parts(each)[0]) for each, _ in lines]
    honest = [each.root == LOG.told(each.size).root for each in told]
    assert told and len(set(honest)) == 1
    assert all(cosignatures(text + line, [witnesses[0].verifier]) for text, line in lines)


KILLED = """
import sys
from pathlib import Path
from contracts.clock import SystemClock
from contracts.witness.folder import Witness, found
from tests.contracts.witness.logs import ORIGIN, Log
log = Log(400)
found(Path(sys.argv[1]), "witness.example/1")
witness = Witness(Path(sys.argv[1]), {ORIGIN: log.verifier}, SystemClock())
size = witness.cosigned()[ORIGIN].size if ORIGIN in witness.cosigned() else 0
print("ready", flush=True)
for each in range(size + 1, min(size + int(sys.argv[2]) + 60, 401)):
    answer = witness.add_checkpoint(log.request(each - 1, each))
    print(each, answer.line.strip(), flush=True)
"""


def test_killed_at_any_moment_it_is_never_behind_what_it_signed(tmp_path: Path) -> None:
    log, said = Log(400), 0
    for kill_after in (1, 7, 30):
        run = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(kill_after)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert run.stdout is not None and run.stdout.readline() == "ready\n"
        for _ in range(kill_after):
            said = int(run.stdout.readline().split(" ")[0])
        os.kill(run.pid, signal.SIGKILL)
        rest = [line for line in run.stdout.read().splitlines() if "— witness" in line]
        said = int(rest[-1].split(" ")[0]) if rest else said
        run.stdout.close()
        run.wait()
        kept = Witness(tmp_path, {ORIGIN: log.verifier}, FixedClock(NOW)).cosigned()[ORIGIN]
        assert kept.size in (said, said + 1)
        assert kept.root == log.told(kept.size).root
    assert json.loads((tmp_path / STATE).read_bytes())["logs"].keys() == {ORIGIN}
    assert Kept(kept.size, kept.root) == Kept(kept.size, log.told(kept.size).root)
