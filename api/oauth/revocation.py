"""POST /oauth/revoke (RFC 7009): a client gives a token back before its end. It is refused everywhere within two seconds."""

from __future__ import annotations

from functools import partial

from starlette.types import Receive, Scope, Send

from api.oauth.decision import Decision, refused
from api.oauth.form import TokenForm, read_form
from api.oauth.pace import PaceLimits
from api.oauth.shell import Shell, entry_of
from contracts.credentials.directory import KnownClient
from contracts.credentials.families import REFRESH_KIND, family_of, revoke_family
from contracts.credentials.issued import deny
from contracts.credentials.tokens import Claims
from contracts.ledger.stage import record
from contracts.networks import prefix

HINTS = ("access_token", "refresh_token")
LIMITS = PaceLimits(client="120/minute")


class RevocationEndpoint:
    """Revokes tokens."""

    def __init__(self, shell: Shell, limits: PaceLimits = LIMITS) -> None:
        self._shell, self._pace = shell, shell.pace(limits, "revocation")

    async def __call__(self, scope: Scope, receive: Receive, send: Send, _path: dict[str, str]) -> None:
        form = await read_form(scope, receive)
        address = self._shell.address(scope)
        decide = partial(self._decide, address=address)
        response = await self._shell.in_thread(partial(self._shell.guarded, self._pace, form, address, decide, "revocation"))
        await response(scope, receive, send)

    def _decide(self, form: TokenForm, address: str) -> Decision:
        known = self._shell.authenticated(form, address, "revocation")
        if isinstance(known, Decision):
            return known
        token, hint = form.values.get("token", ""), form.values.get("token_type_hint", HINTS[0])
        if not token:
            return refused("invalid_request", "Send the token that is given back as token.", known)
        if hint not in HINTS:
            return refused("unsupported_token_type", "token_type_hint is access_token or refresh_token.", known)
        return self._revoke(token, known, prefix(address))

    def _revoke(self, token: str, known: KnownClient, network: str) -> Decision:
        """A token that nobody knows or that has ended is as good as revoked: 200 (section 2.2)."""
        done = Decision(200, {}, known=known)
        if token.startswith(f"licet_{REFRESH_KIND}_"):
            return self._revoke_family(token, known, done)
        claims = self._shell.house.tokens.read(token)
        if not isinstance(claims, Claims):
            return done
        if claims.client_id != known.facts.client_id:
            return refused("invalid_grant", "The token was issued to another client.", known)
        with self._shell.house.store.write("token revoked") as unit:
            if deny(unit, claims.jti, claims.contract_id, claims.expires_at):
                record(unit, entry_of(done, network, "token.revoked", subject=claims.jti))
        return done

    def _revoke_family(self, token: str, known: KnownClient, done: Decision) -> Decision:
        """A refresh token, spent or not, takes everything along that came of the same consent (section 2.1)."""
        with self._shell.house.store.write("family revoked") as unit:
            family = family_of(unit.session, token)
            if family is not None and family.client_id != known.facts.client_id:
                return refused("invalid_grant", "The token was issued to another client.", known)
            if family is not None:
                revoke_family(unit, family.id, "given_back")
        return done
