"""Questions that are answered by one reply, and not by records: the run around each, its refusals, and what both record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from contracts.access.decide import record_cap
from contracts.access.grants import Held
from contracts.access.request import RUNS, UNSETTLED, Answer, Caller, Quotas, entry_by
from contracts.credentials.decide import READ
from contracts.datasets.catalogue import Dataset
from contracts.errors import Refusal, Refused, StaleEpoch
from contracts.house import House
from contracts.quotas.standing import all_standings
from contracts.terms.grant import Grant


class Asked(Protocol):
    """What every question says. `asked` is its text as it came (personal)."""

    @property
    def caller(self) -> Caller: ...

    @property
    def dataset_id(self) -> str: ...

    @property
    def asked(self) -> str: ...


Q = TypeVar("Q", bound=Asked)


class Questions(ABC, Generic[Q]):
    """Answers questions of one kind, which the ledger names by `event`."""

    event: str

    def __init__(self, house: House) -> None:
        self._house = house

    async def answer(self, request: Q) -> Answer:
        """Answer whole: nothing leaves before its entry is durable, nothing after a suspension or an erasure committed."""
        for _ in range(RUNS):
            held = await self._house.data.authorise(request.caller, READ)
            if isinstance(held, Refusal):
                return await self.refuse(held, request, None)
            try:
                return await self._answered(request, held)
            except StaleEpoch:
                continue
            except Refused as refused:
                return await self.refuse(refused.refusal, request, held)
        return await self.refuse(UNSETTLED, request, None)

    async def refuse(self, refusal: Refusal, request: Q, held: Held | None) -> Answer:
        """Record a refusal and return it as an answer. A dataset that the request invented stays out of the leaf."""
        grant = held.grant if held is not None and isinstance(held.grant, Grant) else None
        known = self._house.catalogue.get(request.dataset_id) is not None
        entry = entry_by(request.caller, grant, self.event, refusal, request.asked)._replace(dataset=request.dataset_id if known else "")
        committed = await self._house.access.record_once(entry, request.caller.proof)
        return Answer(committed.entry_id, refusal=committed.refusal or refusal, grant=grant, receipt=committed.receipt)

    def _quotas(self, grant: Grant, dataset: Dataset) -> Quotas:
        """Where the contract stands in its quotas, which an answer without records takes nothing from; blocking."""
        reader = self._house.data
        now = self._house.clock.now()
        with self._house.store.read() as session:
            cap, today = record_cap(grant, dataset), reader.today(now)
            found = all_standings(session, grant.contract_id, grant.version, grant.terms, today, cap)
        return Quotas(tuple(found), reader.seconds_left(now))

    @abstractmethod
    async def _answered(self, request: Q, held: Held) -> Answer:
        """The answer, its entry durable.

        Raises `StaleEpoch` where contracts or erasures moved meanwhile, `Refused` where there is none.
        """
