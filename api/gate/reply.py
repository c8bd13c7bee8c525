"""What the gate replies to a proxy: the parts that all adapters share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from api.gate.asked import Asked, RawHeader
from contracts.gate.decide import Decision
from contracts.gate.telling import Telling

_LICENCE_SCHEME = "license"
_SECRETS = "licet_"  # what every secret that `contracts.ids.new_secret` makes begins with


class Reply(NamedTuple):
    """One answer. `lines` are its headers as they stand on the wire, names in lower case; a `content-length` is always among them."""

    status: int
    lines: bytes
    body: bytes = b""

    @property
    def headers(self) -> list[RawHeader]:
        """The headers one by one, for a shell that does not write them itself."""
        pairs = (line.partition(b": ") for line in self.lines.split(b"\r\n")[:-1])
        return [(name, value) for name, _, value in pairs]


_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def on_the_wire(reply: Reply, keeps: bool = True, head: bool = False) -> bytes:
    """A reply in HTTP/1.1; whether the connection stays open, and whether the method was HEAD."""
    end = b"\r\n" if keeps else b"connection: close\r\n\r\n"
    return b"".join((_LINES[reply.status], reply.lines, end, b"" if head else reply.body))


# What an adapter is: the decision, what was asked and how this installation tells it -> the reply. `sealed` writes the decision so
# that a second question can hand it back.
Answer = Callable[[Decision, Asked, Telling, Callable[[Decision], str]], Reply]


def raw(headers: Iterable[tuple[str, str]]) -> bytes:
    """Headers as they go over the wire."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1", "replace")


def found(decision: Decision, asked: Asked) -> list[tuple[str, str]]:
    """What every proxy is told of every decision: the status that a visitor is told, the decision's id and reason, whose credential.

    `x-gate-credential` is `licence` where the request's Authorization is for the gate alone and must not reach the site.
    """
    return [
        ("x-gate-status", str(decision.status)),
        ("x-gate-decision", decision.id),
        ("x-gate-reason", decision.reason),
        ("x-gate-credential", "licence" if is_for_gate(decision, asked) else "none"),
    ]


def for_site(decision: Decision) -> list[tuple[str, str]]:
    """What the site behind is told of a request that passes."""
    told = [("x-licet-decision", decision.id)]
    return [*told, ("x-licet-contract", decision.contract_id)] if decision.contract_id else told


def is_for_gate(decision: Decision, asked: Asked) -> bool:
    """Whether Authorization may carry a credential that only the gate may see: a token or a secret of ours, any of RSL's scheme, or
    whatever stands there when it stands there twice.
    """
    if decision.licensed or asked.doubtful:
        return True
    if not asked.facts.authorization:
        return False
    scheme, _, credential = asked.facts.authorization.partition(" ")
    return scheme.lower() == _LICENCE_SCHEME or credential.lstrip().startswith(_SECRETS)


def passed(decision: Decision, asked: Asked, more: Mapping[str, str] | None = None) -> Reply:
    """Exactly 200 with an empty body: Envoy sends any other status to the visitor, nginx closes the connection on a body."""
    own, (before, after) = decision.id.encode(), _around(decision.reason, is_for_gate(decision, asked), decision.contract_id)
    return Reply(200, b"".join((before, own, after, own, _END, raw(more.items()) if more else b"")))


# What is the same for many stands ready: a pass is most of what the gate ever says.
_END = b"\r\ncontent-length: 0\r\n"


@lru_cache(maxsize=1024)
def _around(reason: str, licence: bool, contract_id: str) -> tuple[bytes, bytes]:
    """What stands before the decision's id in a pass, and between it and the id for the site."""
    for_whom, contract = "licence" if licence else "none", f"x-licet-contract: {contract_id}\r\n" if contract_id else ""
    between = f"\r\nx-gate-reason: {reason}\r\nx-gate-credential: {for_whom}\r\n{contract}x-licet-decision: "
    return b"x-gate-status: 200\r\nx-gate-decision: ", between.encode()


def whole(decision: Decision, asked: Asked, telling: Telling) -> Reply:
    """The refusal as the visitor gets it, for proxies that hand on status, headers and body."""
    told = telling.answer(decision, asked.accept)
    return Reply(told.status, raw([*told.headers, ("content-length", str(len(told.body)))]), told.body)


def own_authorization(decision: Decision, asked: Asked) -> dict[str, str]:
    """The visitor's Authorization where it is the site's business, for proxies that replace the header by the gate's answer."""
    mine = asked.facts.authorization
    return {"authorization": mine} if mine and not is_for_gate(decision, asked) else {}
