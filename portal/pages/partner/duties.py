"""What waits for a partner's person: pure, from rows already read. The oldest comes first; what only others can do is told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from contracts.amendments.tables import Amendment
from contracts.applications.states import REASONED_REQUEST
from contracts.applications.tables import Application
from contracts.lifecycle.tables import Closing, Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.terms.model import Terms
from portal.filters import day

SOON_DAYS = 30
_STAGES = {
    "submitted": "A steward makes sure that it is complete, then it is decided. You get a mail with the reason, whichever way it goes.",
    "in_review": "It is complete and being reviewed. You get a mail with the reason, whichever way it goes.",
    "appealed": "Somebody who had no part in the first decision looks at it again. You get a mail with the reason.",
}
# Nobody at the platform grants or declines a Coordinator's reasoned request (EU DSA, Art. 40(4)).
_REQUESTED = "A Coordinator’s request. The platform takes it over as it stands, or asks the Coordinator for an amendment. Its contract then comes to you by mail."


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing to do: its clock (word and tone), what, why, where, and the words on its button. `main` marks the first one."""

    since: datetime
    clock: str
    tone: str
    title: str
    detail: str
    path: str
    act: str


@dataclass(frozen=True, slots=True)
class Situation:
    """The rows that duties are made of. `terms` and `clients` (live ones) are by contract."""

    applications: Sequence[Application]
    contracts: Sequence[Contract]
    terms: Mapping[str, Terms]
    clients: Mapping[str, int]
    amendments: Sequence[Amendment] = ()
    closings: Sequence[Closing] = ()


def duties(actor: Actor, now: Situation, today: date) -> list[Duty]:
    """What this person can do now, oldest first."""
    found = [
        *_to_sign(actor, now),
        *_new_versions(actor, now),
        *_certificates(actor, now, today),
        *_without_client(actor, now),
        *_drafts(actor, now),
        *_suspended(now),
        *_ending(actor, now, today),
    ]
    return sorted(found, key=lambda each: each.since)


def elsewhere(now: Situation) -> list[Duty]:
    """What others have to do next, oldest first."""
    waiting = [
        Duty(
            each.submitted_at or each.created_at,
            f"by {day(each.decide_by)}",
            "wait",
            f"Taking over of “{each.project}”" if each.kind == REASONED_REQUEST else f"Decision on “{each.project}”",
            _REQUESTED if each.kind == REASONED_REQUEST else _STAGES[each.state],
            f"/partner/applications/{each.id}",
            "Read it",
        )
        for each in now.applications
        if each.state in _STAGES
    ]
    drafting = [
        Duty(
            each.decided_at or each.created_at,
            "with the platform",
            "wait",
            f"Contract for “{each.project}”",
            "Approved. The platform drafts the contract and offers it to you.",
            f"/partner/applications/{each.id}",
            "Read it",
        )
        for each in now.applications
        if each.state == "approved" and each.id not in {contract.application_id for contract in now.contracts}
    ]
    wished = [
        Duty(
            each.countered_at or each.created_at,
            "with the platform",
            "wait",
            f"Answer to what you asked to change in “{each.title}”",
            "A steward makes another version, or declines with a reason. You get a mail, whichever way it goes.",
            f"/partner/contracts/{each.id}",
            "See it",
        )
        for each in now.contracts
        if each.state == "countered"
    ]
    signed = [
        Duty(
            each.offered_at or each.created_at,
            "with the platform",
            "wait",
            f"Countersignature under “{each.title}”",
            "You have signed. A second member of the platform’s staff countersigns; then you can read.",
            f"/partner/contracts/{each.id}",
            "See it",
        )
        for each in now.contracts
        if each.state == "signed"
    ]
    return sorted([*waiting, *drafting, *wished, *signed], key=lambda each: each.since)


def _to_sign(actor: Actor, now: Situation) -> list[Duty]:
    may = bool(actor.roles & {Role.LEAD, Role.SIGNATORY})
    detail = "Read the terms and sign with your password." if may else "A lead or signatory of your organisation signs it."
    return [
        Duty(
            each.offered_at or each.created_at,
            "to be signed",
            "wait",
            f"Sign the contract “{each.title}”",
            detail,
            f"/partner/contracts/{each.id}#sign",
            "Read and sign" if may else "Read",
        )
        for each in now.contracts
        if each.state == "offered"
    ]


def _new_versions(actor: Actor, now: Situation) -> list[Duty]:
    may, titles = bool(actor.roles & {Role.LEAD, Role.SIGNATORY}), {each.id: each.title for each in now.contracts}
    detail = "See what changes, then sign or decline it." if may else "A lead or signatory of your organisation signs or declines it."
    return [
        Duty(
            each.offered_at,
            "to be signed",
            "wait",
            f"A new version of “{titles.get(each.contract_id, '')}”",
            f"{detail} The present one rules until both sides have signed.",
            f"/partner/amendments/{each.id}",
            "Read and sign" if may else "Read",
        )
        for each in now.amendments
        if each.state == "offered"
    ]


def _certificates(actor: Actor, now: Situation, today: date) -> list[Duty]:
    if not actor.roles & {Role.LEAD, Role.SIGNATORY}:
        return []
    titles = {each.id: each.title for each in now.contracts if each.state == "closing"}
    return [
        Duty(
            each.begun_at,
            f"late since {day(each.due)}" if today > each.due else f"by {day(each.due)}",
            "stop" if today > each.due else "wait",
            f"Certify that the records of “{titles[each.contract_id]}” are destroyed",
            "The contract has ended. Until the certificate is there, nothing is renewed once it is late.",
            f"/partner/contracts/{each.contract_id}/certificate",
            "Certify",
        )
        for each in now.closings
        if each.contract_id in titles
    ]


def _without_client(actor: Actor, now: Situation) -> list[Duty]:
    if not actor.roles & {Role.LEAD, Role.DEVELOPER}:
        return []
    return [
        Duty(
            each.activated_at or each.created_at,
            "ready to read",
            "good",
            f"Create the first client for “{each.title}”",
            "The contract is in force. A client’s secret and a ready command give you the first records.",
            f"/partner/contracts/{each.id}#clients",
            "Create credential",
        )
        for each in now.contracts
        if each.state == "active" and not now.clients.get(each.id)
    ]


def _drafts(actor: Actor, now: Situation) -> list[Duty]:
    if Role.LEAD not in actor.roles:
        return []
    return [
        Duty(
            each.created_at,
            "draft",
            "plain",
            f"Finish “{each.project}”" if each.project else "Finish your application",
            "Only your organisation sees it until you hand it in.",
            f"/partner/applications/{each.id}",
            "Go on",
        )
        for each in now.applications
        if each.state == "draft"
    ] + [
        Duty(
            each.submitted_at or each.created_at,
            f"by {day(each.answer_by)}",
            "warn",
            f"Change “{each.project}” and hand it in again",
            "The platform returned it with what to change. After that day it ends.",
            f"/partner/applications/{each.id}",
            "Change it",
        )
        for each in now.applications
        if each.state == "returned"
    ]


def _suspended(now: Situation) -> list[Duty]:
    return [
        Duty(
            each.suspended_at or each.created_at,
            "suspended",
            "stop",
            f"“{each.title}” is suspended",
            f"Every request is refused. The reason given: {each.suspension_reason}",
            f"/partner/contracts/{each.id}",
            "What to do",
        )
        for each in now.contracts
        if each.state in ("suspended", "lift_asked")
    ]


def _ending(actor: Actor, now: Situation, today: date) -> list[Duty]:
    if Role.LEAD not in actor.roles:
        return []
    return [
        Duty(
            each.activated_at or each.created_at,
            f"ends {day(now.terms[each.id].ends)}",
            "warn",
            f"“{each.title}” ends soon",
            "Reading stops after its last day. Ask for a renewal in time if the project goes on.",
            f"/partner/contracts/{each.id}#versions",
            "Renew",
        )
        for each in now.contracts
        if each.state == "active" and each.id in now.terms and (now.terms[each.id].ends - today).days <= SOON_DAYS
    ]
