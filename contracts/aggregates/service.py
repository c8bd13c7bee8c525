"""Answering questions for counts and sums: decide, count, hide, blur, commit, and only then answer. A refusal is recorded too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from contracts.access.grants import Held
from contracts.access.request import Answer, Caller
from contracts.aggregates.answer import rows_of
from contracts.aggregates.blur import key_from
from contracts.aggregates.decide import Countable, decide
from contracts.aggregates.engines import ChosenCells
from contracts.aggregates.plan import MOST_CELLS, CellPlan
from contracts.aggregates.query import Question
from contracts.aggregates.settle import Ask, Settled, settle
from contracts.credentials.decide import READ
from contracts.datasets.catalogue import Version
from contracts.datasets.pseudonyms import key_of
from contracts.deliveries.overlay import Erased, ErasureOverlay
from contracts.errors import Refusal, Refused, StaleEpoch, refuse
from contracts.house import House
from contracts.ledger.stage import Entry
from contracts.networks import prefix
from contracts.sandbox import marks
from contracts.store.epochs import Epochs
from contracts.terms.grant import Grant

KIND = "aggregate"
_RUNS = 5


@dataclass(frozen=True, slots=True)
class AggregateRequest:
    """One question. `asked` is the query string as it came (personal)."""

    caller: Caller
    dataset_id: str
    question: Question
    asked: str = ""


class Aggregator:
    """Answers questions. One a process; one table is counted at a time, so that counting leaves the other cores to pages."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._engine = ChosenCells(house.settings, house.catalogue)
        self._overlay = ErasureOverlay(house.store, house.watch)
        self._turn = asyncio.Semaphore(1)
        self._keys: dict[str, bytes] = {}

    async def answer(self, request: AggregateRequest) -> Answer:
        """Answer a question whole: nothing leaves before its entry is durable, nothing after a suspension or erasure committed."""
        for _ in range(_RUNS):
            held = await self._house.data.authorise(request.caller, READ)
            if isinstance(held, Refusal):
                return await self.refuse(held, request, None)
            try:
                return await self._answered(request, held)
            except StaleEpoch:
                continue
            except Refused as refused:
                return await self.refuse(refused.refusal, request, held)
        return await self.refuse(_UNSETTLED, request, None)

    async def refuse(self, refusal: Refusal, request: AggregateRequest, held: Held | None) -> Answer:
        """Record a refusal and return it as an answer."""
        grant = held.grant if held is not None and isinstance(held.grant, Grant) else None
        known = self._house.catalogue.get(request.dataset_id) is not None
        entry = _entry(request, grant, refusal=refusal, dataset=request.dataset_id if known else "")
        committed = await self._house.access.record_once(entry, request.caller.proof)
        return Answer(committed.entry_id, refusal=committed.refusal or refusal, grant=grant)

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
        entry = _entry(request, grant, verdict, version=version.version, cells=len(rows))
        # A sandbox has no first day; its questions are a day's.
        since = reader.today() if grant.sandbox else grant.terms.starts
        ask = Ask(grant.contract_id, KIND, since, verdict.cap, _exhausted(verdict.cap))
        seen = Epochs(grants=held.epoch, erasures=erased.epoch)
        settled = await asyncio.to_thread(settle, self._house.store, ask, entry, seen, request.caller.proof)
        if settled.refusal is not None:
            return Answer(settled.entry_id, refusal=settled.refusal, grant=grant)
        return Answer(settled.entry_id, _body(verdict, request.question, rows, settled), grant=grant)

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
    told = {
        "data": rows,
        "by": list(question.by),
        "withheld": {
            "people": verdict.people,
            "dominance_percent": verdict.dominance,
            "noise": verdict.noise,
            "rule": "Cells of too few people, of one person mostly, or that would give such a cell away are not told, like empty ones.",
        },
        "questions": {"limit": verdict.cap, "used": settled.used},
        "entry": settled.entry_id,
    }
    return orjson.dumps(told)


def _entry(
    request: AggregateRequest,
    grant: Grant | None,
    verdict: Countable | None = None,
    refusal: Refusal | None = None,
    dataset: str = "",
    version: str = "",
    cells: int | None = None,
) -> Entry:
    """The entry of a question. Names that the request invented stay out of the leaf; the whole query is a personal value."""
    claims, question = request.caller.claims, request.question
    personal = {"network": prefix(request.caller.address), "query": request.asked[:4_000], "account": claims.account}
    facts: dict[str, Any] = {**marks.facts_of(claims.contract_id)}
    if verdict is not None:
        facts |= {"measures": [each.name for each in question.measures], "by": list(question.by), "cells": cells}
    return Entry(
        event="access.aggregate",
        decision="allow" if refusal is None else "refuse",
        rule="" if refusal is None else refusal.code,
        organisation="" if grant is None else grant.organisation_id,
        contract=claims.contract_id,
        contract_version=claims.contract_version or (0 if grant is None else grant.version),
        contract_hash="" if grant is None else grant.terms_sha256,
        credential=claims.client_id,
        credential_kind=claims.kind,
        purpose="" if verdict is None else verdict.purpose,
        dataset=dataset if verdict is None else verdict.dataset.id,
        dataset_version=version,
        fields=() if verdict is None else (*question.fields, *question.summed),
        filter_shape=() if verdict is None else tuple(f"{name}.eq" for name, _ in question.filters),
        facts=facts,
        personal={name: value for name, value in personal.items() if value},
    )


def _exhausted(cap: int) -> Refusal:
    reason = "The contract's questions for counts and sums are used up. Ask the platform for an amendment."
    return Refusal("queries_exhausted", reason, {"limit": cap, "used": cap})


_UNSETTLED = Refusal("grant_unverified", "Contracts or erasures changed while the request ran. Send it again.")
