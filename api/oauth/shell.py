"""What every OAuth address shares: the directory of clients, the counters of pace, the caller's address, and how a decision leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date

import anyio
import anyio.to_thread
import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.types import Scope

from api.oauth.client import AUTH_METHODS
from api.oauth.decision import Decision
from api.oauth.form import TokenForm, Unreadable
from api.oauth.pace import Pace, PaceLimits
from api.oauth.server import TokenServer
from contracts.agent import Agent
from contracts.clock import day_in
from contracts.credentials.client_keys import ClientKeys
from contracts.credentials.decide import CLIENT_KIND
from contracts.credentials.directory import Directory, KnownClient
from contracts.credentials.proofs import Proofs
from contracts.datasets.catalogue import described
from contracts.errors import StoreUnavailable
from contracts.guarded import GuardedClient
from contracts.house import House
from contracts.ledger.stage import Entry, record
from contracts.networks import client_address, prefix
from contracts.sandbox import marks
from contracts.store import counters
from contracts.terms.grant import Grant

log = structlog.get_logger()

# Requests for tokens wait for the store; they must not take every thread from the pages.
THREADS = 8

Form = TokenForm | Unreadable


class Shell:
    """One a process, shared by its OAuth endpoints."""

    def __init__(self, house: House, keys: ClientKeys | None = None) -> None:
        """`keys` finds the keys of clients; tests, which have no public address, give their own."""
        self.house = house
        self._keys = keys or ClientKeys(GuardedClient(sign=Agent(house.keys, house.store, house.clock, house.settings.base_url).sign))
        self.proofs = Proofs(house.keys, house.clock)
        self.directory = Directory(house.keys, house.store, house.watch, described(house.settings))
        self._proxies = tuple(house.settings.gate.proxies)
        self._threads = anyio.CapacityLimiter(THREADS)
        self._day: tuple[int, date] | None = None

    def pace(self, limits: PaceLimits, name: str) -> Pace:
        """Counters of one endpoint, which are shared with the same endpoint of other processes."""
        return Pace(limits, counters.for_threads(self.house.settings.shared, name))

    async def in_thread(self, act: Callable[[], Response]) -> Response:
        """Run what may wait for the store; 503 where the store does not answer."""
        try:
            return await anyio.to_thread.run_sync(act, limiter=self._threads)
        except (SQLAlchemyError, StoreUnavailable) as error:
            log.warning("oauth.unavailable", error=type(error).__name__)
            return answer(Decision(503, UNAVAILABLE), {"retry-after": "2"})

    def guarded(self, pace: Pace, form: Form, address: str, decide: Callable[[TokenForm], Decision], asked: str) -> Response:
        """Hold the caller to its pace, then decide; a refusal is recorded here, what was done by `decide` itself."""
        network = prefix(address)
        wait = pace.wait(network, form.client_id if isinstance(form, TokenForm) else "")
        if wait:
            refused = Decision(429, TOO_OFTEN, "too_many_requests")
            if pace.first_of_a_minute(network):
                self.refuse(refused, network, asked)
            return answer(refused, {"retry-after": str(wait)})
        if isinstance(form, Unreadable):
            pace.failed(network)  # nobody's client is named, and each is recorded: as good as a failed authentication
        decision = unreadable(form) if isinstance(form, Unreadable) else decide(form)
        if decision.rule:
            self.refuse(decision, network, asked)
        return self.leave(pace, decision, network)

    def leave(self, pace: Pace, decision: Decision, network: str) -> Response:
        """The decision as a response; a failed authentication is counted."""
        if decision.status == 401:
            pace.failed(network)
            return answer(decision, {"www-authenticate": 'Basic realm="licet", charset="UTF-8"'})
        return answer(decision, {"retry-after": "2"} if decision.status == 503 else {})

    def refuse(self, decision: Decision, network: str, asked: str) -> None:
        """Record a refusal. An unknown client's claimed id is left out: a caller could write anything there."""
        with self.house.store.write("token refused") as unit:
            record(unit, entry_of(decision, network, "token.refused", facts={"asked": asked}))

    def add_nonce(self, form: Form, response: Response) -> None:
        """Give whoever proves a key the nonce for the next proof (RFC 9449 section 8.2), with answers and refusals alike."""
        if form.proofs:
            response.headers["dpop-nonce"] = self.proofs.nonce()

    def server(self, address: str) -> TokenServer:
        """A server for one request from an address."""
        return TokenServer(self.directory, self.house.tokens, self.today, address, self._keys, self.proofs)

    def authenticated(
        self,
        form: TokenForm,
        address: str,
        endpoint: str,
        methods: Collection[str] = AUTH_METHODS,
        server: TokenServer | None = None,
    ) -> KnownClient | Decision:
        """The client that a request comes from, or the refusal. What proves it is used up in a transaction of its own.

        `server` is the request's own, where more is to be read from it afterwards.
        """
        server = server or self.server(address)
        known = server.authenticate(form, endpoint, methods)
        if isinstance(known, Decision) or not server.proved:
            return known
        with self.house.store.write("client assertion") as unit:
            return server.replayed(unit) or known

    def today(self) -> date:
        """The date in the platform's time zone."""
        now = self.house.clock.now()
        # No zone is off by a part of a minute, so one day holds for the whole of one.
        minute = int(now.timestamp()) // 60
        known = self._day
        if known is None or known[0] != minute:
            known = self._day = (minute, day_in(now, self.house.settings.platform.time_zone))
        return known[1]

    def address(self, scope: Scope) -> str:
        """The caller's address; forwarded headers are believed from configured proxies only."""
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for")
        return client_address(peer, forwarded, self._proxies)


UNAVAILABLE = {"error": "temporarily_unavailable", "error_description": "Nothing can be recorded now, so nothing is answered. Try again."}
TOO_OFTEN = {"error": "slow_down", "error_description": "Too many requests. Keep a token until it ends.", "code": "too_many_requests"}


def entry_of(decision: Decision, network: str, event: str, *, subject: str = "", facts: Mapping[str, object] | None = None) -> Entry:
    """What the ledger is told of a decision about a known or unknown client."""
    known, family = decision.known, decision.family
    whose = known.facts if known else None
    grant = known.grant if known and isinstance(known.grant, Grant) else None
    return Entry(
        event=event,
        decision="refuse" if decision.rule else "allow",
        rule=decision.rule,
        subject=subject,
        organisation=whose.organisation_id if whose else "",
        contract=whose.contract_id if whose else "",
        contract_version=grant.version if grant else 0,
        contract_hash=grant.terms_sha256 if grant else "",
        credential=whose.client_id if whose else "",
        credential_kind=CLIENT_KIND if whose else "",
        facts={**(facts or {}), **({"family": family.id} if family else {}), **marks.facts_of(whose.contract_id if whose else "")},
        personal={name: value for name, value in (("network", network), ("account", family.account_id if family else "")) if value},
    )


def unreadable(form: Unreadable) -> Decision:
    """The decision on what is no request."""
    return Decision(form.status, {"error": form.error, "error_description": form.description}, form.error)


def answer(decision: Decision, headers: Mapping[str, str]) -> Response:
    """The answer in OAuth's own form (RFC 6749 section 5), never to be kept by a cache."""
    return Told(decision.status, orjson.dumps(decision.body), headers)


class Told(Response):
    """An answer whose headers are put together once: Starlette's own way costs as much as the limits of pace."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.status_code, self.body, self.background = status, body, None
        own = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        self.raw_headers = [*_UNKEPT, (b"content-length", str(len(body)).encode()), *own]


_UNKEPT = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"pragma", b"no-cache")]
