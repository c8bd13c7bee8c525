"""The API's door: whose request it is, whether it keeps its pace, and the form of what leaves. Shared by every route of /v1."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from starlette.responses import Response
from starlette.types import Scope

from api.counted import is_of
from api.data.sent import Sent, challenge, proved, sent_in
from api.limits import Paces, Standing, retry_after, told
from api.problems import MEDIA_TYPE, body_of, status_of
from contracts.access.grants import Held
from contracts.access.request import Caller, Quotas
from contracts.credentials.api_keys import PREFIX, ApiKeys
from contracts.credentials.proofs import Proofs
from contracts.credentials.spent import Once
from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.house import House
from contracts.ledger.receipt import Receipt
from contracts.ledger.stage import Entry
from contracts.networks import client_address, prefix
from contracts.sandbox import marks
from contracts.terms.grant import Grant

_MARK = b',"sandbox":true}'


@dataclass(frozen=True, slots=True)
class Reply:
    """What leaves."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The reply as a Starlette response."""
        return Response(self.body, self.status, dict(self.headers))


@dataclass(frozen=True, slots=True)
class Seat:
    """A caller with a verified token, its contract as held now, and where it stands in its pace."""

    caller: Caller
    held: Held
    standing: Standing | None

    def told(self, reply: Reply) -> Reply:
        """What leaves for this caller: marked in a header, and in the body where it is JSON, if its rows are invented."""
        if not marks.is_sandbox(self.caller.claims.contract_id):
            return reply
        is_json = "json" in reply.headers.get("content-type", "") and reply.body.endswith(b"}")
        body = reply.body.removesuffix(b"}") + _MARK if is_json else reply.body
        return replace(reply, body=body, headers={**reply.headers, "x-licet-sandbox": "true"})

    @property
    def is_proved(self) -> bool:
        """Whether the token is bound to a key, which the request proved."""
        return self.caller.proof is not None

    @property
    def refusal(self) -> Refusal | None:
        """Why the request goes no further: no contract in force, or over its pace."""
        if isinstance(self.held.grant, Refusal):
            return self.held.grant
        return None if self.standing is None else self.standing.refusal()


class Door:
    """One a process: it holds the counters of pace."""

    def __init__(self, house: House) -> None:
        self._house, self._paces = house, Paces(house.settings.shared)
        self._proxies = tuple(house.settings.gate.proxies)
        self._audience = house.tokens.audiences["api"]
        self._keys = ApiKeys(house.store, house.watch, self._audience)
        self._metadata = f"{house.tokens.issuer}/.well-known/oauth-protected-resource/v1"
        self._proofs = Proofs(house.keys, house.clock)

    async def enter(self, scope: Scope) -> Seat | Reply:
        """The caller's seat, or the reply to one who has no usable token or key; that refusal's entry is durable."""
        address, sent = self._address(scope), sent_in(scope)
        dpop = isinstance(sent, Sent) and sent.scheme == "dpop"
        claims = sent if isinstance(sent, Refusal) else await self._claims(sent.token)
        proof: Once | Refusal | None = None
        if isinstance(sent, Sent) and isinstance(claims, Claims) and (claims.bound or dpop):
            proof = proved(self._proofs, self._house.tokens.issuer, scope, sent, claims)
        if isinstance(claims, Refusal):
            return await self._unknown(claims, prefix(address), dpop)
        if isinstance(proof, Refusal):
            return await self._unknown(proof, prefix(address), True, claims)
        is_of(scope, claims.contract_id)
        held = await self._house.grants.held(claims.contract_id)
        standing = None
        if isinstance(held.grant, Grant) and claims.client_id in held.grant.clients:
            standing = await self._paces.take(claims.contract_id, self._rate(held.grant))
        return Seat(Caller(claims, address, proof), held, standing)

    async def _claims(self, token: str) -> Claims | Refusal:
        """What an access token says, or an API key, which is sent in its place."""
        if token.startswith(PREFIX):
            return await self._keys.check(token)
        return await self._house.tokens.check(token, self._audience)

    def leave(self, seat: Seat, reply: Reply) -> Reply:
        """The reply as it leaves for a caller: marked as `Seat.told` says, with the next nonce for one who proves a key.

        Nonces come with answers too (RFC 9449 section 8.2), so that a program is not turned away for want of a fresh one.
        """
        marked = seat.told(reply)
        return self._with_nonce(marked) if seat.is_proved else marked

    def refused(
        self,
        refusal: Refusal,
        entry: str,
        receipt: Receipt | None = None,
        standing: Standing | None = None,
        quotas: Quotas | None = None,
        *,
        dpop: bool = False,
    ) -> Reply:
        """A refusal as problem+json with its entry, the limits, and where to get a token; `dpop` where the request proves a key."""
        headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **carried(receipt)}
        headers |= told(standing, quotas) | retry_after(refusal, standing, quotas) | challenge(refusal, self._metadata, dpop=dpop)
        return Reply(status_of(refusal), body_of(refusal, entry=entry), headers)

    def allowed(self, body: bytes, receipt: Receipt | None, standing: Standing | None = None, quotas: Quotas | None = None) -> Reply:
        """An answer with the limits."""
        return Reply(
            200, body, {"content-type": "application/json", "cache-control": "no-store", **carried(receipt), **told(standing, quotas)}
        )

    def _rate(self, grant: Grant) -> int:
        datasets = (self._house.catalogue.get(each.dataset) for each in grant.terms.datasets)
        return min([grant.terms.requests_per_second, *(each.settings.max_requests_per_second for each in datasets if each is not None)])

    def _address(self, scope: Scope) -> str:
        client = scope.get("client")
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        return client_address(client[0] if client else "", forwarded.decode("latin-1"), self._proxies)

    def _with_nonce(self, reply: Reply) -> Reply:
        return replace(reply, headers={**reply.headers, "dpop-nonce": self._proofs.nonce()})

    async def _unknown(self, refusal: Refusal, network: str, dpop: bool, claims: Claims | None = None) -> Reply:
        """Refuse a caller without a usable token. A network that floods is answered 429, and recorded once a minute only.

        `claims` are those of a token that is genuine, and not proved to be the caller's.
        """
        if not await self._paces.unknown(network):
            refusal = Refusal("too_many_requests", "Too many requests without a usable token came from this network. Wait a minute.")
            if not await self._paces.first_of_a_minute(network):
                return self.refused(refusal, "", dpop=dpop)
        entry = Entry(
            event="access.records" if claims is None else marks.event_of("access.records", claims.contract_id),
            decision="refuse",
            rule=refusal.code,
            contract="" if claims is None else claims.contract_id,
            credential="" if claims is None else claims.client_id,
            credential_kind="" if claims is None else claims.kind,
            personal={"network": network} if network else {},
        )
        committed = await self._house.access.record_once(entry, None)
        reply = self.refused(refusal, committed.entry_id, committed.receipt, dpop=dpop)
        return self._with_nonce(reply) if dpop else reply


def carried(receipt: Receipt | None) -> dict[str, str]:
    """What an answer carries of the ledger: the hash of its leaf, and size and root of the newest checkpoint, both hashes in base64."""
    if receipt is None:
        return {}
    leaf, root = (base64.b64encode(each).decode() for each in (receipt.leaf, receipt.root))
    return {"licet-leaf": leaf, "licet-checkpoint": f"{receipt.size} {root}"}
