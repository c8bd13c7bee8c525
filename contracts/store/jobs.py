"""The worker: a thread that runs the house's recurring work, each at its own pace, and survives its failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Recurring work: a name, the pause between runs in seconds, and what to do.

    `run` returns how many things it did; a run that did something is followed by the next at once.
    """

    name: str
    every: float
    run: Callable[[], int]


class Worker:
    """One thread a job, so that a slow one delays no other."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: dict[str, str] = {}

    @property
    def failures(self) -> dict[str, str]:
        """The last error of each job whose latest run failed; `/readyz` and `licet doctor` show it."""
        return dict(self._failures)

    def start(self) -> None:
        """Start every job."""
        for job in self._jobs:
            thread = threading.Thread(target=self._loop, args=(job,), name=f"job-{job.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Let every job finish its run and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _loop(self, job: Job) -> None:
        while not self._stop.is_set():
            started = time.monotonic()
            done = self._once(job)
            pause = 0.0 if done else max(0.0, job.every - (time.monotonic() - started))
            self._stop.wait(pause)

    def _once(self, job: Job) -> int:
        try:
            done = job.run()
        except Exception as error:  # the loop must outlive any single failure
            log.error("job.failed", job=job.name, error=f"{type(error).__name__}: {error}")
            self._failures[job.name] = type(error).__name__
            return 0
        self._failures.pop(job.name, None)
        return done
