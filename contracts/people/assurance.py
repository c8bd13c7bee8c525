"""What an act asks of a session beside a role, on one screen and pure: a second factor, and proof that it is still the same person.

Staff have given a second factor before they do anything at all. Everyone else gives one at the first act of a kind below; reading,
applying and the sandbox ask for none. An act that this table does not know cannot be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from contracts.errors import Refusal, Refused
from contracts.people.actor import Actor

RECENT = timedelta(minutes=10)


class Act(StrEnum):
    """Kinds of acts that ask for more than a session."""

    SIGN = "sign"
    COUNTERSIGN = "countersign"
    COMPARE = "compare"
    CREDENTIAL = "credential"
    STOP_CREDENTIAL = "stop_credential"
    MEMBER = "member"
    NETWORK = "network"
    WEBHOOK = "webhook"
    KEEP_WEBHOOK = "keep_webhook"
    FACTOR = "factor"
    LOST_FACTOR = "lost_factor"
    WIDEN = "widen"


@dataclass(frozen=True, slots=True)
class Needs:
    """One row: whether the password or a factor must have been given within ten minutes, and what the act is, as a sentence."""

    recent: bool
    what: str


# Every one of them asks for a second factor.
NEEDS: dict[Act, Needs] = {
    Act.SIGN: Needs(True, "Signing binds your organisation."),
    Act.COUNTERSIGN: Needs(True, "Countersigning binds the platform."),
    Act.COMPARE: Needs(True, "You vouch that the paper is this version, signed by hand."),
    Act.CREDENTIAL: Needs(True, "A credential lets a program read for your organisation."),
    Act.STOP_CREDENTIAL: Needs(False, "Ending a credential stops the programs that use it."),
    Act.MEMBER: Needs(True, "A role lets a person act for your organisation."),
    Act.NETWORK: Needs(True, "Networks decide from where data can be read."),
    Act.WEBHOOK: Needs(True, "Webhooks send what happens to an address."),
    Act.KEEP_WEBHOOK: Needs(False, "This decides what a webhook sends, and whether it does."),
    Act.FACTOR: Needs(True, "Factors decide who can sign in as you."),
    Act.WIDEN: Needs(True, "This widens what partners may be given."),
    Act.LOST_FACTOR: Needs(True, "This lets a person sign in with a password alone and set up a new factor."),
}

# Whoever is barred still ends credentials and keeps the own account safe.
STILL_FREE = frozenset({Act.STOP_CREDENTIAL, Act.FACTOR})

_SET_UP = "This needs a second factor: a code from an app on your phone, or a passkey. Set one up; it takes a minute, then come back."
_ONCE_MORE = "Give your password once more; this asks for it within ten minutes."


def refusal(actor: Actor, act: Act, now: datetime) -> Refusal | None:
    """`second_factor_required` or `reauthentication_required` where the session has not given what the act asks for; `barred`."""
    if actor.barred is not None and act not in STILL_FREE:
        return actor.barred
    if actor.second_factor_at is None:
        return Refusal("second_factor_required", _SET_UP, {"act": act.value})
    if NEEDS[act].recent and not is_recent(actor, now):
        return Refusal("reauthentication_required", _ONCE_MORE, {"act": act.value})
    return None


def insist(actor: Actor, act: Act, now: datetime) -> None:
    """Raise what `refusal` found."""
    found = refusal(actor, act, now)
    if found is not None:
        raise Refused(found)


def is_recent(actor: Actor, now: datetime, within: timedelta = RECENT) -> bool:
    """Whether the person gave the password or a second factor within ten minutes, or within a shorter time."""
    given = [each for each in (actor.reauthenticated_at, actor.second_factor_at) if each is not None]
    return any(timedelta(0) <= now - each <= within for each in given)
