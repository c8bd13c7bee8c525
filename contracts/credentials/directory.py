"""The directory of live clients: what the token address needs of each, kept in memory until the epoch `grants` moves."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from contracts.credentials.decide import CLIENT_KIND, READ, SCOPES, scopes_for
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Audience, ClientFacts
from contracts.datasets.catalogue import Dataset
from contracts.errors import Refusal
from contracts.keys import KeyRing
from contracts.sandbox.grant import compile_sandbox
from contracts.sandbox.marks import contract_id_of
from contracts.sandbox.tables import SandboxClient
from contracts.store import epochs
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from contracts.terms.grant import Grant, compile_grant

MAX_KEPT = 10_000

_CLIENT_ID = re.compile(r"cli_[0-9A-Z]{26}")


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A live client with its contract's grant, or why the contract grants nothing, as of an epoch."""

    facts: ClientFacts
    grant: Grant | Refusal
    epoch: int


class Directory:
    """Finds clients by id. Safe for threads; call it in one, because it may read the store."""

    def __init__(self, keys: KeyRing, store: Store, watch: EpochWatch, datasets: Sequence[Dataset] = ()) -> None:
        """`datasets` are those that sandboxes invent rows of."""
        self._datasets = tuple(datasets)
        self._keys, self._store, self._watch = keys, store, watch
        self._lock = threading.Lock()
        self._known: OrderedDict[str, KnownClient] = OrderedDict()

    def find(self, client_id: str) -> KnownClient | None:
        """The live client; None for one that is revoked or unknown. Scopes are at most those of its audience's table."""
        if not _CLIENT_ID.fullmatch(client_id):
            return None
        with self._lock:
            kept = self.kept(client_id)
        if kept is not None:
            return kept
        found = self._read(client_id)
        with self._lock:
            self._known.pop(client_id, None)
            # A contract that was closed by an edit in the database is opened again by one, and neither moves an epoch.
            if found is not None and isinstance(found.grant, Grant):
                self._known[client_id] = found
            if len(self._known) > MAX_KEPT:
                self._known.popitem(last=False)
        return found

    def now(self) -> datetime:
        """The moment by the store's clock; secrets that were rotated away end by it."""
        return self._store.clock.now()

    def kept(self, client_id: str) -> KnownClient | None:
        """What `find` would answer from memory alone; None where it would have to read the store."""
        kept = self._known.get(client_id)
        # Without fresh epochs nobody can tell whether what is kept still holds.
        return kept if kept is not None and self._watch.fresh() and kept.epoch >= self._watch.epochs.grants else None

    def holds(self, client_id: str) -> bool:
        """Whether `find` would answer from memory alone."""
        return self.kept(client_id) is not None

    def forget(self, client_id: str) -> None:
        """Drop what is kept of a client, because a transaction saw a newer epoch."""
        with self._lock:
            self._known.pop(client_id, None)

    def _read(self, client_id: str) -> KnownClient | None:
        with self._store.read() as session:
            # The epoch first: what is read after it can only be newer.
            epoch = epochs.current(session.connection()).grants
            row = session.get(Client, client_id)
            if row is None:
                return self._sandbox(session, client_id, epoch)
            if row.kind != CLIENT_KIND or row.revoked_at is not None or (audience := _audience(row)) is None:
                return None
            grant = compile_grant(self._keys, session, row.contract_id)
        scopes = frozenset(row.scopes) & scopes_for(audience)
        if isinstance(grant, Grant) and audience == "site" and grant.terms.crawl is None:
            scopes = frozenset()
        facts = ClientFacts(
            row.id,
            row.contract_id,
            row.organisation_id,
            audience,
            scopes,
            row.secret_sha256,
            row.auth_method,
            frozenset(row.grant_types),
            tuple(row.redirect_uris),
            jwks=row.jwks,
            jwks_uri=row.jwks_uri,
            dpop_bound=grant.binds(row.id) if isinstance(grant, Grant) else row.dpop_bound,
            earlier_sha256=row.earlier_sha256,
            earlier_until=row.earlier_until,
        )
        return KnownClient(facts, grant, epoch)

    def _sandbox(self, session: Session, client_id: str, epoch: int) -> KnownClient | None:
        row = session.get(SandboxClient, client_id)
        if row is None or row.revoked_at is not None:
            return None
        contract_id = contract_id_of(row.organisation_id)
        facts = ClientFacts(row.id, contract_id, row.organisation_id, "api", frozenset({READ}), row.secret_sha256)
        return KnownClient(facts, compile_sandbox(session, self._datasets, contract_id), epoch)


def _audience(row: Client) -> Audience | None:
    return next((name for name in SCOPES if name == row.audience), None)
