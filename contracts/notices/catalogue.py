"""Every mail that the house sends: when, and the facts that its template needs. Each has a file `templates/<name>.txt`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """One row: when it goes out and to whom, and the names of the facts in its template."""

    meaning: str
    facts: frozenset[str]


def _row(meaning: str, *facts: str) -> NoticeFacts:
    return NoticeFacts(meaning, frozenset(facts))


# What stands around every mail, without and with a link to the page concerned.
_FRAME = frozenset({"body", "platform", "legal_name", "contact"})
FRAMES: dict[str, frozenset[str]] = {"frame": _FRAME, "frame-with-link": _FRAME | {"link"}}

# Facts that say by when something is due or holds; a mail that has one names it in its subject.
DAYS = frozenset({"accept_by", "answer_by", "appeal_until", "day", "decide_by", "due", "ends", "last_day", "until"})

NOTICES: dict[str, NoticeFacts] = {
    "confirm": _row("To a person who signed up: confirm the address.", "name", "link", "platform"),
    "already-registered": _row("To a person who signed up again: the account exists.", "name", "link", "platform"),
    "invitation": _row("To a person invited to a role; `name` is who invites.", "name", "role", "link", "platform"),
    "first-administrator": _row("To the first administrator of an installation.", "name", "link", "platform"),
    "reset-password": _row("To a person who forgot the password: a link that sets a new one.", "name", "link", "platform"),
    "password-changed": _row("To a person whose password was changed, so that who did not do it hears of it.", "name", "platform"),
    "app-added": _row("To a person who set up an app for codes, so that who did not do it hears of it.", "name"),
    "passkey-added": _row("To a person who added a passkey, for the same reason.", "name", "passkey"),
    "passkey-removed": _row("To a person who removed a passkey, for the same reason.", "name", "passkey"),
    "recovery-code-used": _row("To a person one of whose recovery codes was used, for the same reason.", "name", "left"),
    "recovery-codes-made": _row("To a person who made new recovery codes, for the same reason.", "name"),
    "lost-factor-asked": _row("To stewards and administrators: a person lost the second factor.", "person"),
    "lost-factor-waiting": _row(
        "To the person and all leads of the organisation: the day of waiting begins; how to stop it.", "name", "person", "platform", "link"
    ),
    "lost-factor-done": _row("To the person and all leads of the organisation: the factors were removed.", "name", "person"),
    "role-proposed": _row("To staff who may agree: a person is proposed for a role of staff.", "person", "role", "by"),
    "roles-changed": _row("To a person whose roles were changed by a lead.", "name", "organisation", "by", "roles"),
    "person-removed": _row("To a person who was removed from an organisation, and to its leads.", "person", "organisation", "by"),
    "person-left": _row("To the leads of an organisation that a person has left.", "person", "organisation"),
    "lead-offered": _row("To a member whom the lead named as the next one.", "name", "by"),
    "lead-declined": _row("To who named a lead: the person declined.", "name", "by"),
    "lead-proposed": _row(
        "To all people of an organisation: staff named a lead, a second one decides.", "name", "person", "organisation", "reason"
    ),
    "lead-changed": _row("To all people of an organisation: someone else leads it.", "name", "person", "organisation"),
    "appeal-received": _row("To a person who objected to a decision of the gate: it arrived.", "decision"),
    "appeal-waiting": _row("To operators: somebody objects to a decision of the gate; `why` is its reason.", "name", "why"),
    "appeal-upheld": _row("To a person who objected to a decision of the gate: it stands, with the answer.", "decision", "words"),
    "appeal-let-through": _row("To a person who objected to a decision of the gate: it was a mistake.", "decision", "words"),
    "application-submitted": _row("To the applicant: when it is decided.", "name", "project", "dataset", "decide_by"),
    "application-waiting": _row("To stewards: an application came in.", "organisation", "project", "dataset", "decide_by"),
    "application-withdrawn": _row("To stewards: an application was taken back.", "organisation", "project"),
    "application-stopped": _row("To the applicant: the application was stopped by a bar, with the reason.", "name", "project", "reason"),
    "bar-imposed": _row("To leads and the person: who or what was barred, with the reason.", "name", "barred", "reason"),
    "bar-lift-asked": _row("To stewards and compliance: a second person decides whether a bar is lifted.", "barred", "asker"),
    "bar-lifted": _row("To leads and the person: the bar was lifted.", "name", "barred"),
    "hold-proposed": _row("To compliance, stewards and administrators: a second person decides on a hold.", "asker"),
    "hold-lift-asked": _row("To compliance, stewards and administrators: a second person decides whether a hold is lifted.", "asker"),
    "bar-resembled": _row("To stewards: somebody new resembles a barred organisation or person.", "organisation", "barred"),
    "section-asked": _row("To a colleague of the applicant: a section of an application to fill in.", "name", "by", "project", "section"),
    "section-answered": _row("To who sent a section: it is filled in.", "name", "by", "project", "section"),
    "member-invited": _row("To a colleague named on a project: say who you are.", "name", "by", "project", "organisation"),
    "member-invited-new": _row(
        "To a person without an account who was named on a project.", "name", "by", "project", "organisation", "platform", "link"
    ),
    "member-waiting": _row("To stewards: look at a person on a project.", "person", "project", "organisation"),
    "member-admitted": _row("To a person on a project: admitted.", "person", "project"),
    "member-refused": _row("To a person and the leads: not admitted to a project, with the reason.", "person", "project", "reason"),
    "member-removed": _row("To a person who was taken off a project.", "person", "project", "by"),
    "member-left": _row("To leads: a person left a project.", "person", "project"),
    "member-accept": _row("To a person on a project whose contract is in force: accept the terms.", "name", "title"),
    "application-approved": _row("To the applicant, with the reason.", "name", "project", "why", "reason"),
    "application-declined": _row("To the applicant, with the reason and the way back.", "name", "project", "why", "reason", "appeal_until"),
    "application-returned": _row("To the applicant: what to change, and by when.", "name", "project", "why", "reason", "answer_by"),
    "application-resubmitted": _row("To the handler: a returned application came back.", "organisation", "project", "dataset", "decide_by"),
    "application-taken-over": _row("To a steward: a colleague took an application over.", "name", "project", "by"),
    "application-assigned": _row("To a steward: a colleague gave them an application.", "name", "project", "by", "decide_by"),
    "application-unhandled": _row("To stewards: who dealt with an application stepped back.", "name", "project", "by", "decide_by"),
    "application-review-asked": _row("To a member of staff: a colleague asks for a review.", "name", "project", "by", "decide_by"),
    "application-reviewed": _row("To the handler: a review was answered.", "name", "project", "by", "decide_by"),
    "application-remark": _row("To the applicant: staff shared a remark.", "name", "project", "reason"),
    "application-extended": _row(
        "To the applicant: the day of the decision moved, with the reason.", "name", "project", "reason", "decide_by"
    ),
    "application-basis-waiting": _row("To compliance: confirm the lawful basis.", "name", "project", "decide_by"),
    "application-basis-confirmed": _row("To the handler: compliance confirmed the lawful basis.", "name", "project", "basis", "decide_by"),
    "application-upheld": _row(
        "To the applicant: the independent review confirmed the decline, with the reason.", "name", "project", "why", "reason"
    ),
    "application-appealed": _row("To stewards: an independent review was asked for.", "name", "organisation", "project", "decide_by"),
    "application-appeal-received": _row("To the applicant: the independent review has begun.", "name", "project", "decide_by"),
    "application-due": _row(
        "To the handler, or all stewards: the day of the decision is near.", "name", "organisation", "project", "decide_by"
    ),
    "application-late": _row(
        "To the handler, or all stewards: the day of the decision has passed.", "name", "organisation", "project", "decide_by"
    ),
    "application-ends": _row("To the applicant: a draft or a returned application ends soon.", "name", "project", "ends"),
    "application-expired": _row("To the applicant: it ended, because nobody went on with it.", "name", "project"),
    "contract-offered": _row("To leads and signatories: read and sign.", "name", "title", "organisation"),
    "contract-reoffered": _row(
        "To leads and signatories: another version is offered, and what changed.", "name", "title", "organisation", "version", "note"
    ),
    "contract-countered": _row("To stewards: a partner asks for changes.", "title", "organisation", "asker", "count"),
    "contract-counter-declined": _row("To leads and signatories: the changes were declined, with the reason.", "name", "title", "reason"),
    "contract-to-sign": _row(
        "To the person whom the lead named to sign: read it, then sign.", "name", "by", "organisation", "title", "platform", "until", "link"
    ),
    "contract-to-sign-again": _row(
        "To that person, once more, because the lead asks for it.", "name", "by", "organisation", "title", "platform", "until", "link"
    ),
    "contract-to-sign-changed": _row(
        "To that person, who has no account yet: another version is offered.",
        *("name", "by", "organisation", "title", "platform", "version", "note", "until", "link"),
    ),
    "contract-not-to-sign": _row("To that person: the lead took it back.", "name", "by", "organisation", "title"),
    "signatory-signed": _row("To the leads: the person whom they named has signed.", "name", "signer", "organisation", "title"),
    "contract-signed": _row("To stewards: countersign.", "title", "organisation", "signer"),
    "contract-activated": _row("To leads, signatories and developers: in force.", "name", "title", "starts", "ends"),
    "contract-suspended": _row("To leads, signatories and developers, with the reason.", "name", "title", "reason"),
    "contract-lift-asked": _row("To stewards: a second person confirms.", "title", "organisation", "asker"),
    "contract-lifted": _row("To leads, signatories and developers: active again.", "name", "title"),
    "contract-terminated": _row("To leads, signatories and developers, with the reason.", "name", "title", "reason"),
    "contract-expired": _row("To leads, signatories and developers: ended by its dates.", "name", "title", "ends"),
    "contract-closing": _row("To leads and signatories: certify that the records were destroyed, and by when.", "name", "title", "due"),
    "contract-closed": _row("To stewards and compliance: a certificate of destruction came in.", "title", "organisation", "signer"),
    "certificate-sent-back": _row("To leads and signatories: certify again, by when and why.", "name", "title", "due", "reason"),
    "agreements-staged": _row("To stewards and compliance: agreements signed before Licet wait for two confirmations.", "count"),
    "auditor": _row(
        "To an auditor from outside: make the account for a visit, which ends by itself.", "authority", "link", "platform", "last_day"
    ),
    "claim": _row("To the contact of an agreement signed before Licet: take over the account.", "name", "title", "link", "platform"),
    "contract-ending": _row("To leads, signatories and developers, 60, 30 and 7 days before the end.", "name", "title", "ends", "left"),
    "certificate-soon": _row("To leads and signatories: a certificate of destruction is due within 7 days.", "name", "title", "due"),
    "certificate-late": _row("To leads and signatories: a certificate of destruction is late.", "name", "title", "due"),
    "certificate-missing": _row("To compliance: a certificate of destruction is late.", "title", "organisation", "due"),
    "amendment-offered": _row("To leads and signatories: read a new version, sign or decline.", "name", "title", "reason"),
    "amendment-offered-by": _row(
        "To leads and signatories: a new text to accept by a day, or the contract is suspended.", "name", "title", "reason", "accept_by"
    ),
    "amendment-reminder": _row("To leads and signatories, 7 days before a new text has to be accepted.", "name", "title", "accept_by"),
    "amendment-signed": _row("To stewards: countersign a new version.", "title", "organisation", "signer"),
    "amendment-in-force": _row("To leads, signatories and developers: a new version rules.", "name", "title", "version", "ends"),
    "amendment-declined": _row("To stewards, with the partner's reason.", "title", "organisation", "reason"),
    "amendment-withdrawn": _row("To leads and signatories, with the reason.", "name", "title", "reason"),
    "coordinator-entered": _row("To the researchers' lead: a reasoned request came in.", "name", "project", "coordinator", "until"),
    "coordinator-waiting": _row(
        "To stewards: a reasoned request came in, and until when it can be amended.", "project", "coordinator", "until"
    ),
    "policy-found": _row("To stewards and compliance: the settings hold a wider policy than was confirmed.", "subject", "count"),
    "credential-leaked": _row(
        "To leads and developers: a credential's secret was found in the open, and ended.", "name", "credential", "title"
    ),
    "old-secret-leaked": _row("To leads and developers: an old secret was found in the open, and ended.", "name", "credential", "title"),
    "token-leaked": _row("To leads and developers: an access token was found in the open, and ended.", "name", "credential", "title"),
    "program-leaked": _row(
        "To a person: the tokens of a program that reads for them were found in the open.", "name", "credential", "title"
    ),
    "session-leaked": _row("To a person: the secret of a sign-in was found in the open, and the sign-in ended.", "name"),
    "quota-near": _row("To leads and developers: 80 percent of a quota are used.", "name", "title", "quota", "used", "limit", "frees"),
    "quota-used-up": _row("To leads and developers: a quota is used up.", "name", "title", "quota", "used", "limit", "frees"),
    "field-change": _row(
        "To leads, signatories and developers: a field of their contract will change.", "name", "title", "dataset", "field", "day", "what"
    ),
    "field-change-near": _row(
        "To leads, signatories and developers: a field changes within seven days.", "name", "title", "dataset", "field", "day", "what"
    ),
    "field-changes-today": _row(
        "To leads, signatories and developers: a field changes today.", "name", "title", "dataset", "field", "day", "what"
    ),
    "webhook-disabled": _row("To who keeps a webhook: it failed for days, or its address is gone.", "name", "address", "event"),
    "erasure-notice": _row(
        "To leads and developers of a contract that holds an erased record.", "name", "title", "dataset", "count", "due", "records"
    ),
}
