"""POST /oauth/token: the plain ASGI handler. A token's or refusal's ledger entry is durable before the answer leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial

import anyio
import anyio.to_thread
import orjson
import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.oauth.form import TokenForm, Unreadable, read_form
from api.oauth.pace import Pace, PaceLimits
from api.oauth.server import Decision, TokenServer
from contracts.clock import day_in
from contracts.credentials.directory import Directory
from contracts.credentials.service import CLIENT_KIND
from contracts.credentials.tables import Client
from contracts.errors import StaleEpoch, StoreUnavailable
from contracts.house import House
from contracts.ledger.stage import Entry, record
from contracts.networks import client_address, prefix
from contracts.store import epochs
from contracts.terms.grant import Grant

log = structlog.get_logger()

RETRIES = 3
# Token requests wait for the store; they must not take every thread from the pages.
THREADS = 8


class TokenEndpoint:
    """Answers token requests. One a process; it holds the directory of clients and the counters of pace."""

    def __init__(self, house: House, limits: PaceLimits) -> None:
        self._house = house
        self._pace = Pace(limits)
        self._threads = anyio.CapacityLimiter(THREADS)
        self._directory = Directory(house.keys, house.store, house.watch)
        house.watch.on_change(self._on_change)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, _path: dict[str, str]) -> None:
        """One request. Errors leave in OAuth's own form (RFC 6749 section 5.2), `code` beside it where the house refused."""
        form = await read_form(scope, receive)
        address = self._address(scope)
        try:
            response = await anyio.to_thread.run_sync(partial(self._respond, form, address), limiter=self._threads)
        except (SQLAlchemyError, StoreUnavailable) as error:
            log.warning("token.unavailable", error=type(error).__name__)
            response = _response(Decision(503, _UNAVAILABLE), {"retry-after": "2"})
        await response(scope, receive, send)

    def _respond(self, form: TokenForm | Unreadable, address: str) -> Response:
        network = prefix(address)
        client_id = form.client_id if isinstance(form, TokenForm) else ""
        wait = self._pace.wait(network, client_id)
        if wait:
            refused = Decision(429, _TOO_OFTEN, "too_many_requests")
            if self._pace.first_of_a_minute(network):
                self._record(refused, network)
            return _response(refused, {"retry-after": str(wait)})
        if isinstance(form, Unreadable):
            decision = Decision(form.status, {"error": form.error, "error_description": form.description}, form.error)
            self._record(decision, network)
        else:
            decision = self._decide(form, address, network)
        if decision.status == 401:
            self._pace.failed(network)
            return _response(decision, {"www-authenticate": 'Basic realm="licet", charset="UTF-8"'})
        return _response(decision, {"retry-after": "2"} if decision.status == 503 else {})

    def _decide(self, form: TokenForm, address: str, network: str) -> Decision:
        """Decide and record; decided again where the transaction sees a newer epoch than the decision did."""
        for _ in range(RETRIES):
            server = TokenServer(self._directory, self._house.tokens, self._today, address)
            decision = server.decide(form)
            try:
                self._record(decision, network)
            except StaleEpoch:
                self._directory.forget(form.client_id)
            else:
                return decision
        raise StoreUnavailable("contracts change faster than a token can be issued")

    def _record(self, decision: Decision, network: str) -> None:
        with self._house.store.write("token") as unit:
            known = decision.known
            if known is not None and epochs.current(unit.connection).grants != known.epoch:
                raise StaleEpoch
            if decision.issued is not None and known is not None:
                used = update(Client).where(col(Client.id) == known.facts.client_id)
                unit.connection.execute(used.values(last_used_at=unit.now))
            record(unit, _entry(decision, network))

    def _today(self) -> date:
        return day_in(self._house.clock.now(), self._house.settings.platform.time_zone)

    def _address(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for")
        return client_address(peer, forwarded, self._house.settings.gate.proxies)

    def _on_change(self, before: epochs.Epochs, after: epochs.Epochs) -> None:
        if before.grants != after.grants:
            self._house.tokens.forget()


_UNAVAILABLE = {"error": "temporarily_unavailable", "error_description": "Nothing can be recorded now, so no token is issued. Try again."}
_TOO_OFTEN = {"error": "slow_down", "error_description": "Too many requests. Keep a token until it ends.", "code": "too_many_requests"}


def _entry(decision: Decision, network: str) -> Entry:
    """What the ledger is told. An unknown client's claimed id is left out: a caller could write anything there."""
    known, issued = decision.known, decision.issued
    facts = known.facts if known else None
    grant = known.grant if known and isinstance(known.grant, Grant) else None
    return Entry(
        event="token.issued" if issued else "token.refused",
        decision="allow" if issued else "refuse",
        rule=decision.rule,
        subject=issued.jti if issued else "",
        organisation=facts.organisation_id if facts else "",
        contract=facts.contract_id if facts else "",
        contract_version=grant.version if grant else 0,
        contract_hash=grant.terms_sha256 if grant else "",
        credential=facts.client_id if facts else "",
        credential_kind=CLIENT_KIND if facts else "",
        facts={"audience": facts.audience, "scope": decision.body["scope"]} if issued and facts else {},
        personal={"network": network} if network else {},
    )


def _response(decision: Decision, headers: Mapping[str, str]) -> Response:
    kept = {"cache-control": "no-store", "pragma": "no-cache", **headers}
    return Response(orjson.dumps(decision.body), decision.status, kept, "application/json")
