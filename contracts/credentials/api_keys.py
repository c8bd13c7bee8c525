"""API keys, for tools that cannot do OAuth: a secret that is sent with each request instead of a token.

Every live key of the platform is in memory, read anew when the epoch `grants` moves. A key that nobody knows is therefore refused
without a look at the store, and looking by SHA-256 takes as long for a key that is nearly right.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import col, select

from contracts.credentials.decide import KEY_KIND
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.ids import is_well_formed_secret, secret_hash
from contracts.store import epochs
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store

PREFIX = "licet_ak_"
_FOREVER = datetime.max.replace(tzinfo=UTC)
_UNKNOWN = Refusal("token_invalid", "This API key is not, or no longer, in use. Create another one in the portal.")


@dataclass(frozen=True, slots=True)
class _Known:
    """Every key in use by its hash, as of an epoch."""

    keys: Mapping[str, Claims]
    epoch: int


class ApiKeys:
    """Finds API keys. One a process."""

    def __init__(self, store: Store, watch: EpochWatch, audience: str) -> None:
        """`audience` is the API's address, the only one that a key is good for."""
        self._store, self._watch, self._audience = store, watch, audience
        self._lock = threading.Lock()
        self._known = _Known({}, -1)

    async def check(self, secret: str) -> Claims | Refusal:
        """What a key stands for, or `token_invalid`. Whether its contract takes it now is the grant's part.

        Only the first look after an epoch has moved waits for the store, in a thread. Raises `SQLAlchemyError` where that fails.
        """
        if not is_well_formed_secret(secret):
            return _UNKNOWN
        known = self._known if self._holds() else await asyncio.to_thread(self._look)
        found = known.keys.get(secret_hash(secret))
        return _UNKNOWN if found is None or found.expires_at <= self._store.clock.now() else found

    def _holds(self) -> bool:
        # Without fresh epochs nobody can tell whether what is kept still holds.
        return self._watch.fresh() and self._known.epoch >= self._watch.epochs.grants

    def _look(self) -> _Known:
        with self._lock:
            if not self._holds():
                self._known = self._read()
            return self._known

    def _read(self) -> _Known:
        columns = (Client.id, Client.contract_id, Client.scopes, Client.secret_sha256, Client.earlier_sha256, Client.earlier_until)
        query = select(*map(col, columns)).where(Client.kind == KEY_KIND, col(Client.revoked_at).is_(None))
        keys: dict[str, Claims] = {}
        with self._store.read() as session:
            # The epoch first: what is read after it can only be newer.
            epoch = epochs.current(session.connection()).grants
            for key_id, contract_id, scopes, present, earlier, until in session.execute(query):
                keys[present] = self._claims(key_id, contract_id, scopes, present, _FOREVER)
                if earlier and until is not None:
                    keys[earlier] = self._claims(key_id, contract_id, scopes, earlier, until)
        return _Known(keys, epoch)

    def _claims(self, key_id: str, contract_id: str, scopes: list[str], digest: str, until: datetime) -> Claims:
        return Claims(key_id, contract_id, 0, frozenset(scopes), "", until, self._audience, kind=KEY_KIND, key_sha256=digest)
