"""What a process stands on before anything is built: its clock, and the address that it listens at."""

from __future__ import annotations

import errno
import socket

from contracts.clock import Clock, FileClock, SystemClock
from contracts.errors import Misconfigured
from contracts.settings import Settings


def clock_of(settings: Settings) -> Clock:
    """The system's clock, or the one that tests move."""
    return FileClock(settings.clock_file) if settings.clock_file else SystemClock()


def door(host: str, port: int) -> socket.socket:
    """The address, taken before anything is opened behind it; `Misconfigured` where another program has it."""
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(2048)
    except OSError as error:
        taken.close()
        problem = "is in use by another program." if error.errno == errno.EADDRINUSE else f"cannot be listened on: {error.strerror}."
        raise Misconfigured(f"{host}:{port}", problem, "End that program, or choose another port.") from error
    return taken
