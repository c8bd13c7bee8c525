"""Clients that prove themselves by keys of their own: registering the keys, and finding the one that an assertion names.

Keys are given by value, or by an https address of the client's that is asked through the guarded client and kept for a while.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from contracts.credentials.decide import CLIENT_KIND, check_change
from contracts.credentials.jose import Header, PublicKey, key_set
from contracts.credentials.tables import Client
from contracts.credentials.tokens import ClientFacts
from contracts.errors import Refused, refuse
from contracts.guarded import GuardedClient, checked
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.store import epochs
from contracts.store.unit import Unit

log = structlog.get_logger()

PRIVATE_KEY_JWT = "private_key_jwt"
KEPT_SECONDS = 300.0
# How soon an address is asked again for a key that was not in its last answer, or after a failure.
AGAIN_SECONDS = 30.0
# How long the last good answer serves while the address fails.
STALE_SECONDS = 3_600.0
MAX_ADDRESSES = 2_000


def use_keys(unit: Unit, actor: Actor, client_id: str, *, jwks: Mapping[str, Any] | None = None, jwks_uri: str = "") -> Client:
    """Let a client prove itself by its keys (RFC 7591 section 2: one of `jwks` and `jwks_uri`); its secret ends.

    For leads and developers of its organisation. The address is asked at first use, not here. Raises `not_found`, `role_required`,
    `invalid_input` (keys), `address_refused` and `command_not_possible` for a client that is revoked.
    """
    client = _own(unit, actor, client_id)
    if (jwks is None) == (not jwks_uri):
        raise refuse("invalid_input", "The keys need your attention.", fields={"jwks": "Give either a JWK set or its https address."})
    if jwks is not None:
        key_set(jwks)
    else:
        checked(jwks_uri)
    client.auth_method, client.secret_sha256 = PRIVATE_KEY_JWT, ""
    client.earlier_sha256, client.earlier_until = "", None
    client.jwks, client.jwks_uri = None if jwks is None else dict(jwks), jwks_uri
    return _changed(unit, actor, client, {"method": PRIVATE_KEY_JWT, "by": "address" if jwks_uri else "value"})


def kept_keys(jwks: Mapping[str, Any] | None) -> tuple[PublicKey, ...]:
    """The usable keys of a set that was registered; none where there is no set, or where someone edited the row."""
    try:
        return key_set(jwks)
    except Refused:
        return ()


def require_dpop(unit: Unit, actor: Actor, client_id: str, required: bool) -> Client:
    """Let a client have tokens only that are bound to a key of its own (RFC 9449 section 5.2), or bearer tokens too.

    For leads and developers of its organisation, and for stewards where a contract asks for it. Raises `not_found`, `role_required`
    and `command_not_possible` for a client that is revoked, or whose tokens are for the site.
    """
    client = _own(unit, actor, client_id)
    if client.audience != "api":
        raise refuse("command_not_possible", "Tokens for the site are bearer tokens: what stands before the site checks no proofs.")
    client.dpop_bound = required
    return _changed(unit, actor, client, {"dpop_bound": required})


def _own(unit: Unit, actor: Actor, client_id: str) -> Client:
    client = unit.lock(Client, client_id)
    if refusal := check_change(actor, client.organisation_id, unit.now, Act.CREDENTIAL):
        raise Refused(refusal)
    if client.revoked_at is not None:
        raise refuse("command_not_possible", "The credential was revoked. Create a new one.")
    if client.kind != CLIENT_KIND:
        raise refuse("command_not_possible", "An API key is sent as it is. Create an OAuth client to prove it by keys or bind its tokens.")
    return client


def _changed(unit: Unit, actor: Actor, client: Client, facts: Mapping[str, Any]) -> Client:
    unit.session.flush()
    epochs.bump(unit, "grants")
    contract = unit.session.get_one(Contract, client.contract_id)
    entry = Entry(
        event="client.changed",
        subject=client.id,
        organisation=client.organisation_id,
        contract=client.contract_id,
        contract_version=contract.version,
        credential=client.id,
        credential_kind=CLIENT_KIND,
        facts=facts,
        personal=actor.personal(),
    )
    record(unit, entry)
    return client


@dataclass(frozen=True, slots=True)
class _Fetched:
    """The last look at an address: the last good keys with their time, and when it was last asked."""

    keys: tuple[PublicKey, ...]
    good_at: float
    asked_at: float


class ClientKeys:
    """Finds the keys of clients. One a process; call it in a thread, because it may ask an address."""

    def __init__(self, client: GuardedClient, seconds: Callable[[], float] = time.monotonic) -> None:
        self._client, self._seconds = client, seconds
        self._lock = threading.Lock()
        self._fetched: OrderedDict[str, _Fetched] = OrderedDict()
        self._asking: dict[str, threading.Lock] = {}

    def candidates(self, facts: ClientFacts, header: Header) -> Sequence[PublicKey]:
        """The client's keys that a JWT with this header may be signed by: the one of its `kid`, or all where it names none."""
        kid = header.get("kid")
        if facts.jwks_uri:
            return _named(self._at(facts.jwks_uri, kid), kid)
        return _named(kept_keys(facts.jwks), kid)

    def _at(self, url: str, kid: object) -> tuple[PublicKey, ...]:
        with self._lock:
            asking = self._asking.setdefault(url, threading.Lock())
        with asking:
            known, now = self._fetched.get(url), self._seconds()
            if known is None or self._is_due(known, kid, now):
                known = self._asked(url, known, now)
            return known.keys if now - known.good_at <= STALE_SECONDS else ()

    def _is_due(self, known: _Fetched, kid: object, now: float) -> bool:
        if now - known.asked_at < AGAIN_SECONDS:
            return False
        return now - known.good_at >= KEPT_SECONDS or not _named(known.keys, kid)

    def _asked(self, url: str, before: _Fetched | None, now: float) -> _Fetched:
        try:
            document = orjson.loads(self._client.get(url, "application/jwk-set+json, application/json").body)
            fetched = _Fetched(key_set(document), now, now)
        except (Refused, orjson.JSONDecodeError) as error:
            log.warning("client_keys.not_fetched", error=str(error)[:200])
            fetched = _Fetched(before.keys if before else (), before.good_at if before else float("-inf"), now)
        with self._lock:
            self._fetched[url] = fetched
            self._fetched.move_to_end(url)
            while len(self._fetched) > MAX_ADDRESSES:
                gone, _ = self._fetched.popitem(last=False)
                self._asking.pop(gone, None)
        return fetched


def _named(keys: tuple[PublicKey, ...], kid: object) -> tuple[PublicKey, ...]:
    return keys if kid is None else tuple(key for key in keys if key.kid == kid)
