"""Licensed fetches as entries of the ledger, and as what the contract received. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contracts.credentials.tokens import CRAWLER_KIND
from contracts.deliveries.ordinals import fingerprint, pack
from contracts.gate.places import Place
from contracts.gate.tally import Fetch
from contracts.ledger.stage import Entry

PATHS_AN_ENTRY = 100


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a dataset's version, by its ordinal."""

    dataset: str
    version: str
    ordinal: int


class Batch(NamedTuple):
    """Fetches of one client, outcome, network and dataset, at most 100: one entry. `fetch` is the first of them.

    `dataset` is empty where the pages show no record; else `ordinals` are those of the records, one for each path. `records` are those
    that the contract pays for: each page that was fetched within the contract is one. `packed` is what left, as deliveries keep it;
    nothing where the gate stopped the fetches.
    """

    fetch: Fetch
    dataset: str
    version: str
    paths: tuple[str, ...]
    ordinals: tuple[int, ...]
    records: int
    packed: bytes


def batches(fetches: Sequence[tuple[Fetch, Place | None]], found: Mapping[Place, Record]) -> list[Batch]:
    """Fetches in groups, in the order in which each group began, each with the place that it shows; `found` are the records that are known."""
    groups: dict[tuple[object, ...], list[tuple[Fetch, Record | None]]] = {}
    for fetch, place in fetches:
        record = None if place is None else found.get(place)
        shown = ("", "") if record is None else (record.dataset, record.version)
        same = (fetch.contract_id, fetch.contract_version, fetch.client_id, fetch.allowed, fetch.reason, fetch.network, *shown)
        groups.setdefault(same, []).append((fetch, record))
    return [_batch(group[start : start + PATHS_AN_ENTRY]) for group in groups.values() for start in range(0, len(group), PATHS_AN_ENTRY)]


def entry_of(batch: Batch, used: int) -> Entry:
    """The entry of a batch; `used` are the records of the contract's day before it.

    Paths of the site may name people, so they stand beside the leaf as an erasable value, in the order of the fetches.
    """
    fetch, counted = batch.fetch, bool(batch.records)
    return Entry(
        event="gate.fetched",
        decision="allow" if fetch.allowed else "refuse",
        rule=fetch.reason,
        organisation=fetch.organisation_id,
        contract=fetch.contract_id,
        contract_version=fetch.contract_version,
        contract_hash=fetch.terms_sha256,
        credential=fetch.client_id,
        credential_kind=CRAWLER_KIND if fetch.client_id.startswith("bot_") else "client",
        dataset=batch.dataset,
        dataset_version=batch.version,
        rows=batch.records if counted else None,
        records_hash=fingerprint(batch.packed) if batch.packed else "",
        quota_before=used if counted else None,
        quota_after=used + batch.records if counted else None,
        facts={"fetches": len(batch.paths), "different": len(set(batch.paths))},
        personal={"paths": "\n".join(batch.paths), "network": fetch.network},
    )


def _batch(group: Sequence[tuple[Fetch, Record | None]]) -> Batch:
    fetch, record = group[0]
    dataset, version = ("", "") if record is None else (record.dataset, record.version)
    ordinals = tuple([each.ordinal for _, each in group if each is not None])
    packed = pack(ordinals) if ordinals and fetch.allowed else b""
    records = len(group) if fetch.reason == "licensed" else 0
    return Batch(fetch, dataset, version, tuple([each.path for each, _ in group]), ordinals, records, packed)
