"""Places for requests at the same time: never more than there are, in memory and in a real Valkey, and free again after a death."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.errors import StoreUnavailable
from contracts.sections import Shared
from contracts.store.places import MemoryPlaces, Places, SharedPlaces, places
from tests.harness import valkey
from tests.harness.server import free_port


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with valkey.running() as server:
        yield Shared.model_validate({"url": valkey.address(server)})


@pytest.fixture(params=["memory", "shared"])
def kept(request: pytest.FixtureRequest) -> Iterator[Places]:
    found = places(Shared() if request.param == "memory" else request.getfixturevalue("shared"), "test")
    yield found
    found.close()


def test_as_many_as_there_are_and_no_more(kept: Places) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: kept.take("ctr_1", 3), range(24)))
    assert (len(taken), sum(map(bool, taken)), len(set(taken))) == (24, 3, 4)
    assert bool(kept.take("ctr_2", 1))
    first = next(filter(None, taken))
    kept.give("ctr_1", first)
    kept.give("ctr_1", first)
    assert [bool(kept.take("ctr_1", 3)) for _ in range(2)] == [True, False]


def test_processes_share_what_is_shared(shared: Shared) -> None:
    one, other = places(shared, "both"), places(shared, "both")
    assert [bool(each.take("ctr_1", 1)) for each in (one, other)] == [True, False]
    assert bool(MemoryPlaces().take("ctr_1", 1))
    one.close()
    other.close()


def test_a_dead_process_gives_its_places_back(shared: Shared) -> None:
    dead = SharedPlaces(shared, "dead", lease=0)
    assert [bool(dead.take("ctr_1", 1)) for _ in range(2)] == [True, True]
    dead.close()


def test_a_store_that_does_not_answer_gives_nobody_a_place() -> None:
    gone = places(Shared.model_validate({"url": f"redis://127.0.0.1:{free_port()}/0"}), "gone")
    with pytest.raises(StoreUnavailable):
        gone.take("ctr_1", 1)
    gone.give("ctr_1", "x")
    gone.close()
