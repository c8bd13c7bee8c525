"""What the gate replies to a proxy: the parts that all adapters share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from api.gate.asked import Asked, RawHeader
from contracts.gate.decide import Decision
from contracts.gate.telling import Telling

_LICENCE_SCHEME = "license"
_SECRETS = "licet_"  # what every secret that `contracts.ids.new_secret` makes begins with


class Reply(NamedTuple):
    """One answer on the wire, headers in lower case; a `content-length` is always among them."""

    status: int
    headers: list[RawHeader]
    body: bytes = b""


_PASSES, _EMPTY = (b"x-gate-status", b"200"), (b"content-length", b"0")
_LICENCE, _NO_LICENCE = (b"x-gate-credential", b"licence"), (b"x-gate-credential", b"none")

# What an adapter is: the decision, what was asked and how this installation tells it -> the reply. `sealed` writes the decision so
# that a second question can hand it back.
Answer = Callable[[Decision, Asked, Telling, Callable[[Decision], str]], Reply]


def raw(headers: Iterable[tuple[str, str]]) -> list[RawHeader]:
    """Headers as they go over the wire."""
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]


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
    scheme, _, credential = asked.facts.authorization.partition(" ")
    return decision.licensed or asked.doubtful or scheme.lower() == _LICENCE_SCHEME or credential.lstrip().startswith(_SECRETS)


def passed(decision: Decision, asked: Asked, more: Mapping[str, str] | None = None) -> Reply:
    """Exactly 200 with an empty body: Envoy sends any other status to the visitor, nginx closes the connection on a body."""
    own, licence = decision.id.encode(), is_for_gate(decision, asked)
    # What is the same for all stands ready: this is most of what the gate ever says.
    told = [
        _PASSES,
        (b"x-gate-decision", own),
        (b"x-gate-reason", decision.reason.encode()),
        _LICENCE if licence else _NO_LICENCE,
        (b"x-licet-decision", own),
    ]
    if decision.contract_id:
        told.append((b"x-licet-contract", decision.contract_id.encode()))
    if more:
        told += raw(more.items())
    told.append(_EMPTY)
    return Reply(200, told)


def whole(decision: Decision, asked: Asked, telling: Telling) -> Reply:
    """The refusal as the visitor gets it, for proxies that hand on status, headers and body."""
    told = telling.answer(decision, asked.accept)
    return Reply(told.status, raw([*told.headers, ("content-length", str(len(told.body)))]), told.body)


def own_authorization(decision: Decision, asked: Asked) -> dict[str, str]:
    """The visitor's Authorization where it is the site's business, for proxies that replace the header by the gate's answer."""
    mine = asked.facts.authorization
    return {"authorization": mine} if mine and not is_for_gate(decision, asked) else {}
