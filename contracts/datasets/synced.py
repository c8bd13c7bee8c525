"""What a version of a dataset is that is read where it lies: which records a refresh found there, kept in a small file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import orjson

from contracts.datasets.files import folder_of, settle
from contracts.deliveries.ordinals import Ordinals, pack, unpack


@dataclass(frozen=True, slots=True)
class Synced:
    """Ordinals that were served, and erased here, at the refresh; fields of few values, by which withheld rows may be counted."""

    served: Ordinals
    erased: Ordinals
    kept: frozenset[str]

    @property
    def highest(self) -> int:
        """The highest ordinal of the version: what a later refresh numbers is not of it. -1 where it is empty."""
        return int(self.served.max()) if self.served else -1


def file_of(home: Path, dataset: str, version: str) -> Path:
    """The file of one version."""
    return folder_of(home, dataset) / f"{version}.inplace.json"


def write_synced(home: Path, dataset: str, version: str, synced: Synced) -> None:
    """Write it whole or not at all."""
    final = file_of(home, dataset, version)
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = final.with_suffix(".draft")
    sets = {"served": synced.served, "erased": synced.erased}
    told = {name: base64.b64encode(pack(ordinals)).decode() for name, ordinals in sets.items()}
    draft.write_bytes(orjson.dumps({**told, "kept": sorted(synced.kept)}))
    settle(draft, final)


def read_synced(home: Path, dataset: str, version: str) -> Synced:
    """What `write_synced` wrote; OSError where it is not there."""
    found = orjson.loads(file_of(home, dataset, version).read_bytes())
    return Synced(unpack(base64.b64decode(found["served"])), unpack(base64.b64decode(found["erased"])), frozenset(found["kept"]))
