"""The worker's loop."""

from __future__ import annotations

import threading

from contracts.store.jobs import Job, Worker


def test_a_job_that_fails_is_told_and_tried_again() -> None:
    runs, again = list[int](), threading.Event()

    def work() -> int:
        runs.append(1)
        if len(runs) == 1:
            raise ConnectionError
        again.set()
        return 0

    worker = Worker([Job("flaky", 0.01, work)])
    worker.start()
    assert again.wait(30)
    worker.stop()
    assert worker.failures == {}


def test_a_slow_job_delays_no_other() -> None:
    release, ran = threading.Event(), threading.Event()

    def slow() -> int:
        release.wait(60)
        return 0

    def quick() -> int:
        ran.set()
        return 0

    worker = Worker([Job("slow", 0.01, slow), Job("quick", 0.01, quick)])
    worker.start()
    assert ran.wait(30)
    release.set()
    worker.stop()
