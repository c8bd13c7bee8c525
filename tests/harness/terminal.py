"""A person at a terminal: a real shell on a pseudo-terminal, in which lines are typed and questions answered."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.harness.server import clean_environ

_PROMPT = "ready-for-a-line> "
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """Bash in a folder. What the screen showed since the last line is what `type` and `wait_for` return."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        settings = {"PS1": _PROMPT, "TERM": "dumb", "HISTFILE": "", **(environ or {})}
        tty, shell = os.ttyname(theirs), "/bin/bash --norc --noprofile --noediting -i"
        # A session's leader that opens a terminal has it as its own, so that Ctrl-C reaches what runs in front.
        line = ["/bin/sh", "-c", f"exec {shell} <{tty} >{tty} 2>&1"]
        self.process = subprocess.Popen(line, cwd=folder, env=clean_environ(settings), start_new_session=True)
        self._screen = ""
        self.wait_for(_PROMPT)
        os.close(theirs)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._ours)  # the shell and what runs in front of it are hung up
        self.process.wait(30)

    def run(self, line: str, wait: float = 120) -> str:
        """Type a line and wait until the shell asks for the next one; what it printed in between."""
        self.type(line)
        return self.wait_for(_PROMPT, wait)

    def exit_code(self) -> int:
        """How the last line ended."""
        return int(self.run("echo $?").split()[0])

    def type(self, line: str) -> None:
        """Type a line, and see it echoed."""
        os.write(self._ours, line.encode() + b"\n")
        self.wait_for(line)
        self.wait_for("\n")

    def interrupt(self) -> str:
        """Ctrl-C; what was printed until the shell is back."""
        os.write(self._ours, b"\x03")
        return self.wait_for(_PROMPT)

    def shown(self) -> str:
        """What is on the screen now and was not waited for."""
        while select.select([self._ours], [], [], 0)[0]:
            self._read()
        return self._screen

    def wait_for(self, text: str, wait: float = 120) -> str:
        """Wait until the text is on the screen; what came before it. The rest stays for the next one."""
        deadline = time.monotonic() + wait
        while text not in self._screen:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._ours], [], [], max(left, 0))
            if not ready:
                raise TimeoutError(f"{text!r} did not appear in {wait} s; the screen shows:\n{self._screen}")
            self._read()
        before, _, self._screen = self._screen.partition(text)
        return before

    def _read(self) -> None:
        shown = os.read(self._ours, 65_536).decode(errors="replace")
        self._screen += _ANSI.sub("", shown).replace("\r", "")
