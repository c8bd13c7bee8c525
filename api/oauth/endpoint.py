"""POST /oauth/token: the plain ASGI handler. A token's or refusal's ledger entry is durable before the answer leaves.

A client that memory holds gets a token of its own in the event loop, and the access writer makes it durable together with whatever
else waits. Everything else may wait for the store and is decided in a thread: grants that spend a row, refusals, clients seen for
the first time. What comes in words that were decided before needs no ASGI either (`api.direct`).
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import date
from functools import partial
from typing import Any, TypeGuard

import orjson
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.oauth.decision import Decision
from api.oauth.form import MAX_BODY_BYTES, TokenForm, form_of, read_body, words_of
from api.oauth.pace import PaceLimits
from api.oauth.remembered import Remembered, Standing
from api.oauth.server import ROW_GRANTS, TokenServer
from api.oauth.shell import TOO_OFTEN, Form, Shell, Told, answer, entry_of, unreadable
from contracts.credentials.directory import KnownClient
from contracts.credentials.kept import keep
from contracts.credentials.tokens import IssuedToken, Plan
from contracts.errors import StaleEpoch, StoreUnavailable
from contracts.ledger.stage import Entry, record
from contracts.networks import prefix
from contracts.store import epochs
from contracts.store.unit import Unit

RETRIES = 3


class TokenEndpoint:
    """Answers token requests."""

    def __init__(self, shell: Shell, limits: PaceLimits) -> None:
        self._shell, self._pace = shell, shell.pace(limits, "token")
        self._remembered = Remembered(shell.directory, shell.today)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, _path: dict[str, str]) -> None:
        """One request. Errors leave in OAuth's own form (RFC 6749 section 5.2), `code` beside it where the house refused."""
        body, address = await read_body(receive, MAX_BODY_BYTES), self._shell.address(scope)
        known = None if body is None else self.direct(scope, body)
        response = await (known or self.answer(form_of(scope, body), address, words_of(scope, body)))
        await response(scope, receive, send)

    def direct(self, scope: Scope, body: bytes) -> Coroutine[Any, Any, Response] | None:
        """The answer to a request in words that were decided before; None for any other."""
        words, address = words_of(scope, body), self._shell.address(scope)
        standing = self._remembered.find(words, address) if words else None
        return None if standing is None else self._remembered_answer(standing, scope, body, address)

    async def _remembered_answer(self, standing: Standing, scope: Scope, body: bytes, address: str) -> Response:
        return await self._again(standing) or await self._looked_at(form_of(scope, body), address, 0)

    async def answer(self, form: Form, address: str, words: bytes | None = None) -> Response:
        """The answer to a form that came from an address; in those words, where it may be remembered."""
        response, wait = None, None
        if self._is_simple(form):
            wait = self._pace.wait(prefix(address), form.client_id)
            response = None if wait else await self._at_once(form, address, words)
        return response or await self._looked_at(form, address, wait)

    async def _looked_at(self, form: Form, address: str, wait: int | None) -> Response:
        """The answer from a thread; `wait` as `_respond` takes it."""
        response = await self._shell.in_thread(partial(self._respond, form, address, wait))
        self._shell.add_nonce(form, response)
        return response

    def _is_simple(self, form: Form) -> TypeGuard[TokenForm]:
        """Whether a secret and what memory holds decide it."""
        if not isinstance(form, TokenForm) or form.values.get("grant_type") != "client_credentials":
            return False
        if "client_assertion" in form.values or form.proofs:
            return False  # what proves the client is used up in a transaction of the store
        return not self._pace.waits and self._shell.directory.holds(form.client_id)

    async def _again(self, standing: Standing) -> Response | None:
        """The answer to a request that was decided before; None where it has to be looked at in a thread."""
        wait = self._pace.wait(standing.network, standing.known.facts.client_id)
        if wait:
            return await self._shell.in_thread(partial(self._too_often, standing.network, wait))
        try:
            return await self._given(standing, self._shell.house.tokens.make(standing.plan))
        except (SQLAlchemyError, StoreUnavailable, StaleEpoch):
            return None

    async def _at_once(self, form: TokenForm, address: str, words: bytes | None) -> Response | None:
        """The token; None where the request has to be looked at in a thread, because it is refused or memory holds too little."""
        try:
            day, decision = self._shell.today(), self._shell.server(address).decide(form)
            if decision.issued is None or decision.plan is None or decision.known is None:
                return None
            standing = _standing(decision, decision.known, decision.plan, day, prefix(address))
            response = await self._given(standing, decision.issued)
        except (SQLAlchemyError, StoreUnavailable, StaleEpoch):
            return None
        if words is not None:
            self._remembered.keep(words, address, standing)
        return response

    async def _given(self, standing: Standing, issued: IssuedToken) -> Response:
        """The token, once it is kept. Raises as the access writer's `issue`."""
        entry = standing.entry._replace(subject=issued.jti)
        await self._shell.house.access.issue(entry, issued, standing.known.epoch)
        return Told(200, orjson.dumps({"access_token": issued.token, **standing.body}), {})

    def _respond(self, form: Form, address: str, counted: int | None) -> Response:
        """The answer to whatever may wait. `counted` is what the pace said where the request was counted before."""
        network = prefix(address)
        client_id = form.client_id if isinstance(form, TokenForm) else ""
        wait = self._pace.wait(network, client_id) if counted is None else counted
        if wait:
            return self._too_often(network, wait)
        if isinstance(form, TokenForm):
            decision = self._decide(form, address, network)
        else:
            decision = unreadable(form)
            self._record(decision, network)
        return self._shell.leave(self._pace, decision, network)

    def _too_often(self, network: str, wait: int) -> Response:
        refused = Decision(429, TOO_OFTEN, "too_many_requests")
        if self._pace.first_of_a_minute(network):
            self._record(refused, network)
        return answer(refused, {"retry-after": str(wait)})

    def _decide(self, form: TokenForm, address: str, network: str) -> Decision:
        """Decide and record; decided again where the transaction sees a newer epoch than the decision did."""
        for _ in range(RETRIES):
            try:
                return self._attempt(form, address, network)
            except StaleEpoch:
                self._shell.directory.forget(form.client_id)
        raise StoreUnavailable("contracts change faster than a token can be issued")

    def _attempt(self, form: TokenForm, address: str, network: str) -> Decision:
        server = self._shell.server(address)
        if form.values.get("grant_type") not in ROW_GRANTS:
            return self._record(server.decide(form), network, server)
        # The client first: what proves it may take its time, and the transaction may not.
        known = server.authenticate(form, "token")
        if isinstance(known, Decision):
            return self._record(known, network)
        with self._shell.house.store.write("token") as unit:
            _check(unit, known)
            decision = server.replayed(unit) or server.decide(form, unit)
            _write(unit, decision, network)
        return decision

    def _record(self, decision: Decision, network: str, server: TokenServer | None = None) -> Decision:
        """The decision, written down; it is a refusal after all where what proved the client was used before."""
        with self._shell.house.store.write("token") as unit:
            _check(unit, decision.known)
            decision = (server and server.replayed(unit)) or decision
            _write(unit, decision, network)
        return decision


def _check(unit: Unit, known: KnownClient | None) -> None:
    """Raise `StaleEpoch` where the transaction sees newer contracts than the decision does."""
    if known is not None and epochs.current(unit.connection).grants != known.epoch:
        raise StaleEpoch


def _write(unit: Unit, decision: Decision, network: str) -> None:
    known, issued = decision.known, decision.issued
    if issued is None or known is None:
        record(unit, entry_of(decision, network, "token.refused"))
        return
    keep(unit, issued)
    record(unit, _issued(decision, known, network)._replace(subject=issued.jti))


def _issued(decision: Decision, known: KnownClient, network: str) -> Entry:
    """The entry of a token, without the token's id."""
    details = {"details": decision.body["authorization_details"]} if "authorization_details" in decision.body else {}
    facts = {"audience": known.facts.audience, "scope": decision.body["scope"], **details}
    return entry_of(decision, network, "token.issued", facts=facts)


def _standing(decision: Decision, known: KnownClient, plan: Plan, day: date, network: str) -> Standing:
    body = {name: value for name, value in decision.body.items() if name != "access_token"}
    return Standing(known, day, network, plan, body, _issued(decision, known, network))
