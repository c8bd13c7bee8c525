"""Web Bot Auth, our profile of HTTP message signatures (RFC 9421): what a signature must say and cover before any key is looked for.

draft-ietf-webbotauth-httpsig-protocol sections 4.2 and 4.3, with two rules of our own: a signature counts for an hour whatever end it
names, and for five minutes where it bears no nonce, because without one it can be repeated by whoever saw it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import http_sf

from contracts.gate.facts import Signed
from contracts.gate.signatures.agents import key_set

TAG = "web-bot-auth"
SKEW_SECONDS = 30
LASTS_SECONDS = 3_600
WITHOUT_NONCE_SECONDS = 300
MOST_SIGNATURES = 4
MOST_NONCE = 512
# Fields that the gate is shown of a request. What a proxy would hand over beside them differs from proxy to proxy.
SEEN = frozenset({"signature", "signature-input", "signature-agent", "content-digest", "user-agent", "authorization", "sec-purpose"})

Component = tuple[str, Mapping[str, Any]]
State = Literal["invalid", "unverified"]

# Why a signature does not count. Invalid ones say something that cannot be; unverified ones may be right, and nobody here can tell.
PROBLEMS: dict[str, tuple[State, str]] = {
    "unreadable": ("invalid", "Signature, Signature-Input or Signature-Agent cannot be read."),
    "too_many": ("invalid", "The request bears more than four signatures for bots."),
    "not_https": ("invalid", "The request came over plain http."),
    "incomplete": ("invalid", "The signature names no created, expires or keyid, or names something else by them."),
    "target_not_covered": ("invalid", "The signature covers neither @authority nor @target-uri."),
    "agent_not_covered": ("invalid", "The signature does not cover the member of Signature-Agent that names its keys."),
    "agent_unusable": ("invalid", "The member of Signature-Agent is missing, ambiguous, or no https address."),
    "chain_not_covered": ("invalid", "The signature covers another one without covering everything that that one covers."),
    "field_unseen": ("unverified", "The signature covers a field that the gate is not shown."),
    "from_the_future": ("invalid", "The signature was made later than now."),
    "ended": ("invalid", "The signature has ended."),
    "too_old": ("invalid", "The signature was made more than an hour ago, or more than five minutes ago and bears no nonce."),
    "key_unknown": ("unverified", "No contract has proved a key of that name at that address."),
    "key_ended": ("invalid", "The key is outside the time that its directory gives it."),
    "wrong": ("invalid", "The key did not sign this request."),
    "replayed": ("invalid", "The nonce was used before."),
    "nonce_untold": ("unverified", "Whether the nonce was used before cannot be told at the moment."),
}


def document() -> str:
    """The table as Markdown, for `docs/gate/signatures.md`."""
    rows = [f"| `{name}` | {state} | {words} |" for name, (state, words) in PROBLEMS.items()]
    head = [
        "# Signatures that do not count",
        "",
        "What `X-Gate-Signature` says to whoever is stopped.",
        "",
        "| says | is | means |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one signature says of itself. `keys_at` names the key set (`agents.identifier`), empty where the request names none."""

    label: str
    keyid: str
    keys_at: str
    created: int
    expires: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a signature does not count: a name in `PROBLEMS`."""

    problem: str

    @property
    def state(self) -> State:
        """Invalid or unverified."""
        return PROBLEMS[self.problem][0]


@dataclass(frozen=True, slots=True)
class _Member:
    """One signature as it stands in the fields."""

    label: str
    covered: Sequence[Component]
    params: Mapping[str, Any]


def claims_in(signed: Signed, scheme: str, now: datetime) -> list[Claim | Fault]:
    """Every signature for bots in the request, each judged by itself; empty where there is none."""
    if TAG not in signed.input:
        return []
    inputs, signatures = _dictionary(signed.input), _dictionary(signed.signature)
    if inputs is None or signatures is None:
        return [Fault("unreadable")]
    own = {label: member for label, member in inputs.items() if member[1].get("tag") == TAG}
    if len(own) > MOST_SIGNATURES:
        return [Fault("too_many")]
    if own and scheme != "https":
        return [Fault("not_https")]
    return [_claim(label, own[label], signatures, inputs, signed, now) for label in own]


def _claim(
    label: str, member: Any, signatures: Mapping[str, Any], inputs: Mapping[str, Any], signed: Signed, now: datetime
) -> Claim | Fault:
    items, params = member
    value = signatures.get(label, (None, {}))[0]
    if not isinstance(items, list) or not isinstance(value, bytes) or not all(isinstance(name, str) for name, _ in items):
        return Fault("unreadable")
    said = _Member(label, items, params)
    if problem := _unsaid(said) or _uncovered(said, inputs) or _untimely(params, now):
        return Fault(problem)
    keys_at = _keys_at(said, signed.agent)
    if isinstance(keys_at, Fault):
        return keys_at
    return Claim(label, params["keyid"], keys_at, params["created"], params["expires"], params.get("nonce", ""))


def _unsaid(said: _Member) -> str:
    params = said.params
    numbers = type(params.get("created")) is int and type(params.get("expires")) is int
    texts = type(params.get("keyid")) is str and type(params.get("nonce", "")) is str
    return "" if numbers and texts and len(params.get("nonce", "")) <= MOST_NONCE else "incomplete"


def _uncovered(said: _Member, inputs: Mapping[str, Any]) -> str:
    covered = set(_named(said.covered))
    if not covered & {("@authority", ()), ("@target-uri", ())}:
        return "target_not_covered"
    if not all(name.startswith("@") or name in SEEN for name, _ in said.covered):
        return "field_unseen"
    chained = [own["key"] for name, own in said.covered if name == "signature" and "key" in own]
    return "" if all(_covers_chain(covered, each, inputs) for each in chained) else "chain_not_covered"


def _covers_chain(covered: set[tuple[str, tuple[tuple[str, Any], ...]]], inner: Any, inputs: Mapping[str, Any]) -> bool:
    items = inputs.get(inner, (None, {}))[0]
    return isinstance(items, list) and ("signature-input", (("key", inner),)) in covered and set(_named(items)) <= covered


def _untimely(params: Mapping[str, Any], now: datetime) -> str:
    seconds, created = now.timestamp(), params["created"]
    if created > seconds + SKEW_SECONDS:
        return "from_the_future"
    if params["expires"] <= seconds or params["expires"] < created:
        return "ended"
    lasts = LASTS_SECONDS if params.get("nonce") else WITHOUT_NONCE_SECONDS
    return "too_old" if seconds - created > lasts else ""


def _keys_at(said: _Member, header: str) -> str | Fault:
    """The identifier of the key set; empty where the request names none, and then only a key given by value can be meant."""
    names = [own.get("key") for name, own in said.covered if name == "signature-agent"]
    if not header:
        return Fault("agent_unusable") if names else ""
    if not names:
        return Fault("agent_not_covered")
    members = _members(header, said.label)
    if members is None:
        return Fault("unreadable")
    # A signature may cover the members of others beside its own, which then bears its label.
    wanted = names[0] if len(names) == 1 and names[0] is not None else said.label
    member = members.get(wanted) if wanted in names or None in names else None
    found = key_set(member) if member is not None else ""
    return found or Fault("agent_unusable")


def _members(header: str, label: str) -> Mapping[str, Any] | None:
    """The dictionary's members; a bare string, as the first generation had it, is the one member of the signature's own label."""
    if not header.startswith('"'):
        return _dictionary(header)
    try:
        return {label: http_sf.parse(header.encode("ascii"), tltype="item")}
    except ValueError:  # also UnicodeEncodeError: structured fields are ASCII
        return None


def _dictionary(header: str) -> Mapping[str, Any] | None:
    try:
        found: Any = http_sf.parse(header.encode("ascii"), tltype="dictionary", on_duplicate_key=_refuse_twice)
    except ValueError:  # also UnicodeEncodeError, and what `_refuse_twice` raises
        return None
    return found if isinstance(found, dict) else None


def _refuse_twice(key: str, context: str) -> None:
    if context == "dictionary":
        raise ValueError(f"{key} stands there twice")


def _named(covered: Sequence[Component]) -> Iterator[tuple[str, tuple[tuple[str, Any], ...]]]:
    """Components as what can be compared, whatever the order of their parameters."""
    for name, own in covered:
        yield name, tuple(sorted(own.items(), key=lambda each: each[0]))
