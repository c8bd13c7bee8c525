"""Answering questions for counts and sums: decide, count, hide, blur, commit, and only then answer. A refusal is recorded too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from contracts.access.grants import Held
from contracts.access.questions import Questions
from contracts.access.request import Answer, Caller, entry_by
from contracts.access.withheld import grains_of
from contracts.aggregates.answer import rows_of
from contracts.aggregates.blur import key_from
from contracts.aggregates.decide import Countable, decide
from contracts.aggregates.engines import ChosenCells
from contracts.aggregates.plan import MOST_CELLS, CellPlan
from contracts.aggregates.query import Question
from contracts.aggregates.settle import Ask, Settled, settle
from contracts.datasets.catalogue import Version
from contracts.datasets.pseudonyms import key_of
from contracts.deliveries.overlay import Erased, ErasureOverlay
from contracts.errors import Refusal, Refused, refuse
from contracts.house import House
from contracts.ledger.stage import Entry
from contracts.store.epochs import Epochs
from contracts.terms.grant import Grant

KIND = "aggregate"


@dataclass(frozen=True, slots=True)
class AggregateRequest:
    """One question. `asked` is the query string as it came (personal)."""

    caller: Caller
    dataset_id: str
    question: Question
    asked: str = ""


class Aggregator(Questions[AggregateRequest]):
    """Answers questions. One a process; one table is counted at a time, so that counting leaves the other cores to pages."""

    event = "access.aggregate"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._engine = ChosenCells(house.settings, house.catalogue)
        self._overlay = ErasureOverlay(house.store, house.watch)
        self._turn = asyncio.Semaphore(1)
        self._keys: dict[str, bytes] = {}

    async def _answered(self, request: AggregateRequest, held: Held) -> Answer:
        """Raises `StaleEpoch` where contracts or erasures moved while it was counted."""
        grant, reader = held.grant, self._house.data
        if isinstance(grant, Refusal):
            raise Refused(grant)
        dataset = self._house.catalogue.get(request.dataset_id)
        verdict = decide(grant, request.caller.claims, dataset, request.question, request.caller.address, reader.today())
        if isinstance(verdict, Refusal):
            raise Refused(verdict)
        version = held.versions.get(verdict.dataset.id)
        if version is None:
            raise refuse("dataset_unavailable", "The dataset was not loaded yet. Ask the platform.")
        erased = await self._overlay.of(verdict.dataset.id)
        async with self._turn:
            rows = await asyncio.to_thread(self._counted, verdict, request.question, grant, version, erased)
        entry = _entry(request, grant, verdict, version.version, len(rows))
        # A sandbox has no first day; its questions are a day's.
        since = reader.today() if grant.sandbox else grant.terms.starts
        ask = Ask(grant.contract_id, KIND, since, verdict.cap, _exhausted(verdict.cap))
        seen = Epochs(grants=held.epoch, erasures=erased.epoch)
        settled = await asyncio.to_thread(settle, self._house.store, ask, entry, seen, request.caller.proof)
        if settled.refusal is not None:
            return Answer(settled.entry_id, refusal=settled.refusal, grant=grant, receipt=settled.receipt)
        quotas = await asyncio.to_thread(self._quotas, grant, verdict.dataset)
        return Answer(
            settled.entry_id, _body(verdict, request.question, rows, settled), grant=grant, quotas=quotas, receipt=settled.receipt
        )

    def _counted(self, verdict: Countable, question: Question, grant: Grant, version: Version, erased: Erased) -> list[dict[str, Any]]:
        cells = self._engine.cells(_plan(verdict, version, erased), erased.epoch, sandbox=grant.sandbox)
        if len(cells) > MOST_CELLS:
            raise refuse("table_too_large", "The table has too many cells. Go by fewer fields, or by coarser ones.")
        return rows_of(verdict, question, cells, self._key(grant))

    def _key(self, grant: Grant) -> bytes:
        """The key of the noise; a sandbox's is no secret, as nothing real stands behind its numbers."""
        known = self._keys.get(grant.contract_id)
        if known is None:
            contract_id, house = grant.contract_id, self._house
            known = key_from(contract_id.encode() if grant.sandbox else key_of(house.store, house.keys, contract_id))
            self._keys[contract_id] = known
        return known


def _plan(verdict: Countable, version: Version, erased: Erased) -> CellPlan:
    """The table."""
    return CellPlan(
        dataset=verdict.dataset.id,
        version=version.version,
        subject=verdict.dataset.settings.subject or verdict.dataset.settings.key,
        by=verdict.by,
        sums=verdict.sums,
        tests=verdict.tests,
        excluded=erased.ordinals,
    )


def _body(verdict: Countable, question: Question, rows: list[dict[str, Any]], settled: Settled) -> bytes:
    grains = {name: grain for name, grain in grains_of(verdict.dataset, verdict.terms).items() if name in question.fields}
    told = {
        "data": rows,
        "by": list(question.by),
        "withheld": {
            "people": verdict.people,
            "dominance_percent": verdict.dominance,
            "noise": verdict.noise,
            "rule": "Cells of too few people, of one person mostly, or that would give such a cell away are not told, like empty ones.",
            **({"generalised": grains} if grains else {}),
        },
        "questions": {"limit": verdict.cap, "used": settled.used},
        "entry": settled.entry_id,
    }
    return orjson.dumps(told)


def _entry(request: AggregateRequest, grant: Grant, verdict: Countable, version: str, cells: int) -> Entry:
    """The entry of an answer; a refusal's has only what every entry has."""
    question = request.question
    base = entry_by(request.caller, grant, Aggregator.event, None, request.asked)
    return base._replace(
        purpose=verdict.purpose,
        dataset=verdict.dataset.id,
        dataset_version=version,
        fields=(*question.fields, *question.summed),
        filter_shape=tuple(f"{name}.eq" for name, _ in question.filters),
        facts={**base.facts, "measures": [each.name for each in question.measures], "by": list(question.by), "cells": cells},
    )


def _exhausted(cap: int) -> Refusal:
    reason = "The contract's questions for counts and sums are used up. Ask the platform for an amendment."
    return Refusal("queries_exhausted", reason, {"limit": cap, "used": cap})
