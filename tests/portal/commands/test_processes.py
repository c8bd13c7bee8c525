"""What may be started: one process on SQLite, several only where database and counters are shared."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.sections import Shared
from contracts.settings import Settings
from portal.commands.processes import Plan, plan
from portal.parts import WHOLE, Part
from tests.harness import valkey
from tests.harness.server import free_port

POSTGRES = "postgresql+psycopg://licet@127.0.0.1/licet"
FACES = frozenset({Part.API, Part.PORTAL})


def settings(tmp_path: Path, database: str = "", url: str | None = None, node: str = "main") -> Settings:
    return Settings(profile="test", home=tmp_path, database=database, shared=Shared.model_validate({"url": url}), node=node)


def test_one_process_needs_nothing(tmp_path: Path) -> None:
    assert plan(settings(tmp_path), 1, None) == Plan((WHOLE,))


@pytest.mark.parametrize(
    ("workers", "only", "asked"), [(2, None, "--workers 2"), (1, Part.API, "--only api"), (1, Part.WORKER, "--only worker")]
)
def test_sqlite_is_one_process(tmp_path: Path, workers: int, only: Part | None, asked: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        plan(settings(tmp_path, url="redis://127.0.0.1:1"), workers, only)
    assert (refused.value.where, refused.value.problem) == (asked, "SQLite means one process with its worker inside.")


def test_several_processes_share_their_counters(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        plan(settings(tmp_path, POSTGRES), 2, None)
    assert refused.value.problem == "each process would count the pace of partners by itself."
    with pytest.raises(Misconfigured) as silent:
        plan(settings(tmp_path, POSTGRES, f"redis://127.0.0.1:{free_port()}"), 2, None)
    assert (silent.value.where, silent.value.problem) == ("setting shared.url", "nothing answers there.")


def test_the_worker_is_in_one_process_and_each_has_its_name(tmp_path: Path) -> None:
    with valkey.running() as server:
        chosen = settings(tmp_path, POSTGRES, valkey.address(server))
        three, apis, worker = plan(chosen, 3, None), plan(chosen, 2, Part.API), plan(chosen, 1, Part.WORKER)
        with pytest.raises(Misconfigured):
            plan(chosen, 2, Part.GATE)
        with pytest.raises(Misconfigured):
            plan(chosen.model_copy(update={"node": "n" * 31}), 2, None)
    assert (three.parts, three.names) == ((FACES | {Part.WORKER}, FACES, FACES), ("main-1", "main-2", "main-3"))
    assert (apis.parts, apis.names) == ((frozenset({Part.API}),) * 2, ("main-api-1", "main-api-2"))
    assert (worker.parts, worker.names) == ((frozenset({Part.WORKER}),), ("main-worker",))
    assert "--only gate" in three.note
