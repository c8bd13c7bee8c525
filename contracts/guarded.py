"""The one guarded client: the only way in which the house sends a request to an address that someone else chose.

HTTPS only; every address that the name resolves to must be public; the connection goes to the very address that was checked, so
that a name which changes its answer in between leads nowhere else; no redirect is followed; size and time have a cap.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from contracts.errors import Refused, refuse

SECONDS = 5.0
MOST_BYTES = 64 * 1024
MOST_URL = 2_048

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*")
_TARGET = re.compile(r"[!-~]*")
# Global by the registry, and yet ways to an IPv4 address behind a translator or a tunnel (RFC 6052, 8215, 3056, 4380, 7526).
_THROUGH = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.88.99.0/24")))
_UNICAST = ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered; names of headers in lower case, the body whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_public(address: Address) -> bool:
    """Whether an address may be connected to: global unicast, no tunnel and no translation to another network."""
    if address.is_multicast or not address.is_global or any(address in network for network in _THROUGH):
        return False
    return address.version == 4 or address in _UNICAST


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name as the system tells them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@cache
def _trust() -> ssl.SSLContext:
    """The machine's authorities, read once a process: they are a hundred files' worth, and 50 ms."""
    return ssl.create_default_context()


@dataclass(frozen=True)
class GuardedClient:
    """Sends single requests. `seconds` is for all of one: name, connection, TLS and answer; `most_bytes` for the answer's body.

    `sign` says by further headers who asks (`contracts.agent`). `resolve`, `permitted`, `ports` and `trust` are injected by tests,
    which have no public address to talk to.
    """

    resolve: Resolve = resolve
    permitted: Callable[[Address], bool] = is_public
    ports: frozenset[int] | None = frozenset({443})
    trust: ssl.SSLContext = field(default_factory=_trust)
    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES
    sign: Callable[[str, SplitResult], Mapping[str, str]] | None = None

    def get(self, url: str, accept: str) -> Reply:
        """The answer 200 to a GET. Raises `address_refused` for an address that may not be asked, `fetch_failed` for all else."""
        reply = self.request("GET", url, headers={"accept": accept})
        if reply.status != 200:
            raise _failed(f"answered {reply.status}")
        return reply

    def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        """The answer to one request, unless it is a redirect. Raises as `get`. Call it in a thread, never in a unit of work."""
        parts = checked(url, self.ports)
        signed = self.sign(method, parts) if self.sign else {}
        sent = {"user-agent": "Licet", "accept-encoding": "identity", "connection": "close", **headers, **signed}
        exchange = _Exchange(self, method, parts, sent, body)
        thread = threading.Thread(target=exchange.run, name="guarded", daemon=True)
        thread.start()
        thread.join(self.seconds)
        if thread.is_alive():
            exchange.abandon()
            raise _failed(f"did not answer whole within {self.seconds:g} seconds")
        if isinstance(exchange.outcome, Reply):
            return exchange.outcome
        raise exchange.outcome


def checked(url: str, ports: frozenset[int] | None = frozenset({443})) -> SplitResult:
    """The parts of an address that may be asked, before its name is resolved; raises `address_refused` with what is wrong."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as error:
        raise _refused("is no address") from error
    if len(url) > MOST_URL or not _TARGET.fullmatch(url):
        raise _refused("is longer than 2,048 characters or holds others than plain ASCII")
    if parts.scheme != "https" or not _HOST.fullmatch(parts.hostname or ""):
        raise _refused("is no https address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("holds a user, a password or a fragment")
    if ports is not None and port not in ports:
        raise _refused("names another port than that of https")
    return parts


class _Exchange:
    """One request, run in a thread of its own so that nothing of it, not even the name's resolution, outlasts the cap."""

    def __init__(self, client: GuardedClient, method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes | None) -> None:
        self._client, self._method, self._headers, self._body = client, method, headers, body
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._socket: socket.socket | None = None
        self._abandoned = False
        self.outcome: Reply | Refused = _failed("did not answer")

    def run(self) -> None:
        """Leave the outcome behind; never raises."""
        try:
            self.outcome = self._answered()
        except Refused as refused:
            self.outcome = refused
        except ssl.SSLError as error:
            self.outcome = _failed(f"could not be trusted ({error.reason or 'TLS failed'})")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.outcome = _failed(f"could not be asked ({type(error).__name__})")

    def abandon(self) -> None:
        """End the connection from outside; the thread then ends by itself."""
        self._abandoned = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it may have ended in this very moment
                self._socket.shutdown(socket.SHUT_RDWR)

    def _answered(self) -> Reply:
        addresses = self._permitted()
        with self._connected(addresses) as plain, self._client.trust.wrap_socket(plain, server_hostname=self._host) as secure:
            self._socket = secure
            connection = http.client.HTTPSConnection(self._host, self._port, context=self._client.trust)
            connection.auto_open, connection.sock = 0, secure
            connection.request(self._method, self._target, self._body, dict(self._headers))
            with connection.getresponse() as response:
                return self._read(response)

    def _permitted(self) -> list[str]:
        found = [ip_address(each) for each in self._client.resolve(self._host, self._port)]
        if not found or not all(self._client.permitted(_plain(each)) for each in found):
            raise _refused("does not lead to public addresses only")
        return [str(each) for each in found]

    def _connected(self, addresses: Sequence[str]) -> socket.socket:
        failure: OSError = OSError("no address")
        for address in addresses:
            if self._abandoned:
                break
            try:
                self._socket = socket.create_connection((address, self._port), timeout=self._client.seconds)
            except OSError as error:
                failure = error
            else:
                return self._socket
        raise failure

    def _read(self, response: http.client.HTTPResponse) -> Reply:
        if 300 <= response.status < 400:
            raise _failed("redirects; give the address itself")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _failed("answers compressed, which was not asked for")
        body = response.read(self._client.most_bytes + 1)
        if len(body) > self._client.most_bytes:
            raise _failed(f"answers more than {self._client.most_bytes} bytes")
        if response.length:
            raise _failed("ended before its answer was whole")
        return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, body)


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _refused(what: str) -> Refused:
    return refuse("address_refused", f"The address {what}. Give a public https address.")


def _failed(what: str) -> Refused:
    return refuse("fetch_failed", f"The address {what}.")
