"""Says what was done to entries whose bytes are not those that were signed: changed, swapped, removed, inserted, moved. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

MOST = 50
"""Problems that are told apart; one more line says how many others there are."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong thing. `index` is its place in the tree and `entry_id` the entry there; empty where it concerns no entry."""

    index: int | None
    entry_id: str
    what: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds at an index where it should hold something else: hash of its leaf and its id, None where no row is."""

    index: int
    leaf_hash: bytes | None
    entry_id: str


def name_all(wrong: list[Stored], signed: Callable[[], Iterable[bytes]], signed_at: Callable[[int], bytes]) -> list[Problem]:
    """A problem for each wrong place, first place first; places that only follow from an earlier one are left out.

    `signed` gives the signed leaf hashes in order and is read only when something is wrong; `signed_at` gives one of them.
    """
    if not wrong:
        return []
    of_interest = {each.leaf_hash for each in wrong if each.leaf_hash is not None}
    home = {leaf_hash: index for index, leaf_hash in enumerate(signed()) if leaf_hash in of_interest}
    stands = {each.leaf_hash: each for each in wrong if each.leaf_hash is not None}
    return list(_named(wrong, home, stands, signed_at))[:MOST]


def _named(
    wrong: list[Stored], home: dict[bytes, int], stands: dict[bytes, Stored], signed_at: Callable[[int], bytes]
) -> Iterator[Problem]:
    explained: set[int] = set()
    for each in wrong:
        if each.index in explained:
            continue
        if each.leaf_hash is None:
            yield Problem(each.index, each.entry_id, f"entry {each.index} was removed")
            continue
        belongs, holder = home.get(each.leaf_hash), stands.get(signed_at(each.index))
        if belongs is not None and holder is not None and holder.index == belongs:
            explained.add(belongs)
            yield Problem(
                each.index, each.entry_id, f"entries {each.index} and {belongs} were swapped ({each.entry_id} and {holder.entry_id})"
            )
        elif belongs is None and holder is None:
            yield Problem(each.index, each.entry_id, f"entry {each.index} was changed: its bytes are not those that were signed")
        elif belongs is None:
            yield Problem(
                each.index, each.entry_id, f"an entry was inserted at {each.index}: it was never signed, and later ones moved down"
            )
            return
        elif holder is None and belongs == each.index + 1:
            yield Problem(each.index, "", f"entry {each.index} was removed and later ones moved up")
            return
        else:
            yield Problem(each.index, each.entry_id, f"the entry at {each.index} was moved there from {belongs}")
