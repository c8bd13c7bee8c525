"""The API's door: whose request it is, whether it keeps its pace, and the form of what leaves. Shared by every route of /v1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from starlette.responses import Response
from starlette.types import Scope

from api.limits import Paces, Standing, retry_after, told
from api.problems import MEDIA_TYPE, body_of, status_of
from contracts.access.decide import SCOPE
from contracts.access.grants import Held
from contracts.access.request import Caller, Quota
from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.house import House
from contracts.ledger.stage import Entry
from contracts.networks import client_address, prefix
from contracts.sandbox import marks
from contracts.terms.grant import Grant

_MAX_AUTHORIZATION = 8_192
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
        is_json = "json" in reply.headers.get("content-type", "")
        body = reply.body.removesuffix(b"}") + _MARK if is_json else reply.body
        return replace(reply, body=body, headers={**reply.headers, "x-licet-sandbox": "true"})

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
        self._metadata = f"{house.tokens.issuer}/.well-known/oauth-protected-resource/v1"

    async def enter(self, scope: Scope) -> Seat | Reply:
        """The caller's seat, or the reply to one who has no usable token; that refusal's entry is durable."""
        address, token = self._address(scope), _bearer(scope)
        claims = token if isinstance(token, Refusal) else await self._house.tokens.check(token, self._audience)
        if isinstance(claims, Claims) and claims.bound:
            claims = _BOUND
        if isinstance(claims, Refusal):
            return await self._unknown(claims, prefix(address))
        held = await self._house.grants.held(claims.contract_id)
        standing = None
        if isinstance(held.grant, Grant) and claims.client_id in held.grant.clients:
            standing = await self._paces.take(claims.contract_id, self._rate(held.grant))
        return Seat(Caller(claims, address), held, standing)

    def refused(self, refusal: Refusal, entry: str, standing: Standing | None = None, quota: Quota | None = None) -> Reply:
        """A refusal as problem+json with its entry, the limits, and where to get a token."""
        headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store"}
        headers |= told(standing, quota) | retry_after(refusal, standing, quota) | self._challenge(refusal)
        return Reply(status_of(refusal), body_of(refusal, entry=entry), headers)

    def allowed(self, body: bytes, standing: Standing | None = None, quota: Quota | None = None) -> Reply:
        """An answer with the limits."""
        return Reply(200, body, {"content-type": "application/json", "cache-control": "no-store", **told(standing, quota)})

    def _rate(self, grant: Grant) -> int:
        datasets = (self._house.catalogue.get(each.dataset) for each in grant.terms.datasets)
        return min([grant.terms.requests_per_second, *(each.settings.max_requests_per_second for each in datasets if each is not None)])

    def _address(self, scope: Scope) -> str:
        client = scope.get("client")
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        return client_address(client[0] if client else "", forwarded.decode("latin-1"), self._proxies)

    async def _unknown(self, refusal: Refusal, network: str) -> Reply:
        """Refuse a caller without a usable token. A network that floods is answered 429, and recorded once a minute only."""
        if not await self._paces.unknown(network):
            refusal = Refusal("too_many_requests", "Too many requests without a usable token came from this network. Wait a minute.")
            if not await self._paces.first_of_a_minute(network):
                return self.refused(refusal, "")
        entry = Entry(event="access.records", decision="refuse", rule=refusal.code, personal={"network": network} if network else {})
        (entry_id,) = await self._house.access.record_entries([entry])
        return self.refused(refusal, entry_id)

    def _challenge(self, refusal: Refusal) -> dict[str, str]:
        """`WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1). No error is named to one who sent no token."""
        errors = {
            "token_missing": "",
            "token_invalid": 'error="invalid_token", ',
            "token_never_issued": 'error="invalid_token", ',
            "scope_not_granted": f'error="insufficient_scope", scope="{SCOPE}", ',
        }
        if refusal.code not in errors:
            return {}
        return {"www-authenticate": f'Bearer {errors[refusal.code]}resource_metadata="{self._metadata}"'}


def entry_for(claims: Claims, grant: Grant | None, address: str, event: str, what: str, refusal: Refusal | None) -> Entry:
    """The entry of an answer or refusal that carries no records."""
    network = prefix(address)
    return Entry(
        event=marks.event_of(event, claims.contract_id),
        decision="allow" if refusal is None else "refuse",
        rule="" if refusal is None else refusal.code,
        organisation="" if grant is None else grant.organisation_id,
        contract=claims.contract_id,
        contract_version=claims.contract_version,
        contract_hash="" if grant is None else grant.terms_sha256,
        credential=claims.client_id,
        credential_kind="oauth-client",
        facts={"asked": what, **marks.facts_of(claims.contract_id)},
        personal={name: value for name, value in (("network", network), ("account", claims.account)) if value},
    )


# RFC 9449 section 7.2: a bound token that anyone could send as a plain bearer token would be bound to nothing.
_BOUND = Refusal("token_invalid", "This access token is bound to a key, so it is good for nothing as a bearer token.")


def _bearer(scope: Scope) -> str | Refusal:
    """The token of the Authorization header; empty where there is none of the scheme Bearer (RFC 6750 section 2.1)."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) > 1 or (values and len(values[0]) > _MAX_AUTHORIZATION):
        return Refusal("token_invalid", "Send one Authorization header with one token.")
    scheme, _, token = values[0].decode("latin-1").partition(" ") if values else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""
