"""The house, put together: every long-lived part, made once by the composition root and handed to both faces."""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.access.grants import GrantCache
from contracts.access.reader import Reader
from contracts.access.writer import AccessWriter
from contracts.billing.port import Payments
from contracts.clock import Clock
from contracts.credentials.tokens import Tokens
from contracts.datasets.catalogue import Catalogue
from contracts.gate.service import Gate
from contracts.health.tally import Tally
from contracts.keys import KeyRing
from contracts.ledger.sequencer import Sequencer
from contracts.settings import Settings
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store


@dataclass(frozen=True)
class House:
    """The parts that requests use. Nothing in it changes after the start."""

    settings: Settings
    clock: Clock
    store: Store
    keys: KeyRing
    watch: EpochWatch
    catalogue: Catalogue
    grants: GrantCache
    access: AccessWriter
    data: Reader
    tokens: Tokens
    sequencer: Sequencer
    payments: Payments
    gate: Gate
    tally: Tally = field(default_factory=Tally)
