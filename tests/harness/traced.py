"""What processes really ask of the kernel, as strace sees it: which bytes they write, when those are on the disk, and what leaves by a socket.

Calls are told in the order in which the kernel saw them, over all processes and threads, so that "synced before sent" can be asserted.
"""

from __future__ import annotations

import ast
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_SYNCS = ("fsync", "fdatasync")
_WRITES = ("write", "writev", "pwrite64", "pwritev", "sendto", "sendmsg")
# Longer than any write of a write-ahead log: what is cut off could not be looked for.
_LETTERS = 1 << 20
_PATIENCE = 60.0
_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\(\d+<(?P<target>.*?)>(?=[,)]| <unf))(?P<rest>.*)")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_RESULT = re.compile(r"= (-?\d+)[^=]*$")


@dataclass
class Call:
    """One call: between which lines of the trace it ran, on what, with which bytes, and what it returned."""

    name: str
    target: str
    data: bytes
    began: int
    ended: int
    result: int


@dataclass
class Trace:
    """The calls of a block, once it has ended."""

    calls: list[Call] = field(default_factory=list)

    def sending(self, answer: bytes, part: bytes) -> Call:
        """The call by which the first byte of a part left, on the connection (of its own) by which the answer left. Both stand in it once."""
        (target,) = {each.target for each in self.calls if each.target.startswith("TCP") and answer in each.data}
        sent = [each for each in self.calls if each.target == target and each.name in _WRITES]
        left = b"".join(each.data for each in sent).index(part)
        for each in sent:
            if left < len(each.data):
                return each
            left -= len(each.data)
        raise AssertionError("a part that was sent was sent by no call")

    def is_synced(self, mark: bytes, before: Call) -> bool:
        """Whether bytes stood in the store's write-ahead log, and that log was synced after them, when this call began."""
        logged = [each for each in self.calls if _is_log(each.target) and each.name in _WRITES and mark in each.data]
        synced = [each for each in self.calls if each.name in _SYNCS and not each.result and each.ended < before.began]
        return any(sync.target == write.target and write.ended < sync.began for write in logged for sync in synced)


def _is_log(target: str) -> bool:
    return target.endswith("-wal") or "/pg_wal/" in target


@contextmanager
def traced(processes: Sequence[int], file: Path) -> Iterator[Trace]:
    """Watch these processes, their threads and whatever they start while the block runs."""
    named = [word for each in processes for word in ("-p", str(each))]
    only = f"trace={','.join((*_SYNCS, *_WRITES))}"
    command = ["strace", "-f", "-yy", "-s", str(_LETTERS), "-e", only, "-e", "signal=none", "-o", str(file), *named]
    watching, trace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True), Trace()
    try:
        _wait_for_all(watching, len(processes))
        yield trace
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=_PATIENCE)
    trace.calls += _calls(file.read_text("ascii"))


def family(process: int) -> list[int]:
    """A process and all that it started which still runs."""
    found = [process]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def _wait_for_all(watching: subprocess.Popen[str], count: int) -> None:
    assert watching.stderr is not None
    said = ""
    while said.count(" attached") < count:
        line = watching.stderr.readline()
        assert line, f"strace ended: {said}"
        said += line


def _calls(text: str) -> list[Call]:
    """Calls in the order in which they began. One that was interrupted by another thread's has its end on a line of its own."""
    calls, open_calls = list[Call](), dict[str, Call]()
    for number, line in enumerate(text.splitlines()):
        found = _LINE.match(line)
        if found is None:
            continue
        rest = found["rest"]
        if found["resumed"]:
            call = open_calls.pop(found["thread"], None)
        else:
            data = b"".join(ast.literal_eval(f'b"{each}"') for each in _TEXT.findall(rest))
            call = Call(found["name"], found["target"], data, number, len(text), -1)
            calls.append(call)
        if call is None:
            continue  # it began before anybody watched
        if rest.endswith("<unfinished ...>"):
            open_calls[found["thread"]] = call
        else:
            result = _RESULT.search(rest)
            call.ended, call.result = number, int(result[1]) if result else -1
            call.data = call.data[: max(0, call.result)]  # the rest was not taken
    return calls
