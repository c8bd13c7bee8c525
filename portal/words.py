"""Words that pages share: what a state means to its reader, what was just done, and the navigation of each role."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.people.actor import Actor
from contracts.people.roles import Role


@dataclass(frozen=True, slots=True)
class StateWord:
    """A state as its reader sees it. `tone` is good, wait, warn, stop or plain."""

    word: str
    tone: str


_APPLICATION = {
    "draft": StateWord("Draft, not sent yet", "plain"),
    "submitted": StateWord("Waiting for its check", "wait"),
    "in_review": StateWord("Waiting for a decision", "wait"),
    "returned": StateWord("With the applicant, to be changed", "plain"),
    "approved": StateWord("Approved", "good"),
    "declined": StateWord("Declined", "stop"),
    "appealed": StateWord("Waiting for an independent review", "wait"),
    "upheld": StateWord("Declined on review", "stop"),
    "withdrawn": StateWord("Withdrawn", "plain"),
    "stopped": StateWord("Stopped by the platform", "stop"),
    "expired": StateWord("Ended unfinished", "plain"),
}
_APPLICATION_FOR_PARTNERS = {
    **_APPLICATION,
    "submitted": StateWord("Handed in, being checked", "wait"),
    "returned": StateWord("Waiting for your changes", "warn"),
}
_CONTRACT = {
    "draft": StateWord("Being drafted", "plain"),
    "offered": StateWord("Waiting for the partner’s signature", "wait"),
    "countered": StateWord("Changes asked for", "wait"),
    "signed": StateWord("Waiting for countersignature", "wait"),
    "active": StateWord("Active", "good"),
    "suspended": StateWord("Suspended", "stop"),
    "lift_asked": StateWord("Suspended, lift asked for", "stop"),
    "terminated": StateWord("Ended early", "plain"),
    "expired": StateWord("Ended", "plain"),
    "closing": StateWord("Ended, certificate due", "wait"),
    "closed": StateWord("Closed", "plain"),
}
_CONTRACT_FOR_PARTNERS = {
    **_CONTRACT,
    "offered": StateWord("Waiting for your signature", "wait"),
    "countered": StateWord("Waiting for an answer to your wishes", "wait"),
    "lift_asked": StateWord("Suspended, under review", "stop"),
}

_AMENDMENT = {
    "offered": StateWord("Waiting for the partner’s signature", "wait"),
    "signed": StateWord("Waiting for countersignature", "wait"),
    "in_force": StateWord("Signed by both", "good"),
    "declined": StateWord("Declined", "stop"),
    "withdrawn": StateWord("Taken back", "plain"),
    "lapsed": StateWord("Lapsed with the contract", "plain"),
}
_AGREEMENT = {
    "staged": StateWord("Waiting for two confirmations", "wait"),
    "confirmed": StateWord("Waiting for a second confirmation", "wait"),
    "brought_in": StateWord("In force", "good"),
    "rejected": StateWord("Not taken", "plain"),
}
_AMENDMENT_FOR_PARTNERS = {**_AMENDMENT, "offered": StateWord("Waiting for your signature", "wait")}

_OTHERS = {
    "application": (_APPLICATION, _APPLICATION_FOR_PARTNERS),
    "amendment": (_AMENDMENT, _AMENDMENT_FOR_PARTNERS),
    "agreement": (_AGREEMENT, _AGREEMENT),
}

# What a page says after a form was done and the browser sent on with `?done=<code>`.
DONE: dict[str, str] = {
    "objected": "Sent. A person reads it; the answer comes by mail. This page shows how it stands.",
    "objection-answered": "Answered. The person gets your words by mail.",
    "saved": "Saved.",
    "submitted": "Sent. You get a mail when it is decided.",
    "section-asked": "Saved and sent. Your colleague gets a mail with the link.",
    "section-taken-back": "Taken back. What your colleague had saved is in the form.",
    "section-answered": "Given back. The lead gets a mail.",
    "withdrawn": "Withdrawn.",
    "signed": "Signed. The platform countersigns next; you get a mail when the contract is in force.",
    "signatory-named": "Asked. They get a mail with the contract and a link to sign it; you see here how far it is.",
    "signatory-reminded": "Reminded. They get another mail; the link in the earlier one has ended.",
    "signatory-withdrawn": "Taken back. The link has ended and they get a mail.",
    "paper-recorded": "Recorded as signed on paper. Another steward countersigns next.",
    "approved": "Approved. The applicant gets a mail with your reason. Next, draft the contract.",
    "declined": "Declined. The applicant gets a mail with your reason.",
    "checked": "Noted as complete. It can be decided now; compliance gets a mail where the lawful basis is not confirmed.",
    "returned": "Returned. The applicant gets a mail with your reason; the clock stands still until it comes back.",
    "claimed": "It is yours now. Colleagues see your name.",
    "assigned": "Given. Your colleague gets a mail.",
    "recused": "You stepped back. Colleagues get a mail if it needs somebody.",
    "review-asked": "Asked. Your colleague gets a mail; it cannot be approved before the answer.",
    "review-released": "Taken back. The review is not waited for any more.",
    "remarked": "Kept. Only colleagues read it.",
    "remark-shared": "Shared. The applicant gets a mail.",
    "extended": "Moved. The applicant gets a mail with your reason.",
    "basis-confirmed": "Confirmed for what was handed in. A contract can be drafted once it is approved.",
    "upheld": "Declined for good. The applicant gets a mail with your reason.",
    "appealed": "Asked. Somebody else decides again; you get a mail that names the day.",
    "drafted": "The draft is on the desk. Read the text once more, then offer it.",
    "clause-confirmed": "Confirmed. Contracts can be drafted with this wording from now on.",
    "redrafted": "The draft has another version. Read it once more, then offer it.",
    "reoffered": "Offered. Those who may sign get a mail that says what changed.",
    "countered": "Sent. A steward answers; you get a mail. Nobody can sign until then.",
    "recalled": "Taken back. The offer stands as it was; you can sign it.",
    "wishes-declined": "Declined. The partner gets a mail with your reason; the offer stands.",
    "offered": "Offered. Those who may sign get a mail.",
    "countersigned": "Countersigned and sealed. The contract is in force; the partner gets a mail.",
    "suspended": "Suspended. Every client stops within 2 seconds; the partner gets a mail with your reason.",
    "lift-asked": "Asked. A second person decides; it stays suspended until then.",
    "hold-proposed": "Proposed. Colleagues get a mail; it holds nothing until one of them confirms it.",
    "hold-confirmed": "Confirmed. What it names is neither erased nor pruned from now on.",
    "hold-declined": "Declined. It holds nothing.",
    "hold-lift-asked": "Asked. A second person decides; it holds until then.",
    "hold-kept": "Left in force.",
    "hold-lifted": "Lifted. What waited for it is done within a minute.",
    "lifted": "Lifted. Clients work again within 2 seconds; the partner gets a mail.",
    "amendment-offered": "Offered. Those who may sign get a mail; the present version rules until both sides have signed.",
    "amendment-signed": "Signed. The platform countersigns next; until then the present version rules.",
    "amendment-countersigned": "Countersigned and sealed. The new version rules within 2 seconds; the partner gets a mail.",
    "amendment-declined": "Declined. The platform’s staff get a mail with your reason; the present version goes on.",
    "amendment-withdrawn": "Taken back. The present version goes on; the partner gets a mail.",
    "renewal-begun": "Filled with what is agreed now. Look it over, then hand it in.",
    "certified": "Given. The contract is closed; the platform’s staff get a mail.",
    "sent-back": "Sent back. The partner gets a mail with your reason and the new date.",
    "register-changed": "Saved. The public register says so at once.",
    "text-opened": "Opened. Every contract of the kind is offered the text within a minute or two.",
    "texts-countersigned": "Countersigned and sealed. Each new version rules within 2 seconds; the partners get a mail.",
    "text-stopped": "Stopped. Nobody else is offered this text, and nobody is suspended for it.",
    "agreement-confirmed": "Confirmed. A second person confirms it again.",
    "agreement-brought-in": "Confirmed by two. The contract is in force.",
    "agreement-rejected": "Not taken. Import a mended one.",
    "claim-sent": "Sent. The link before does not work any more.",
    "terminated": "Ended for good. The partner gets a mail with your reason.",
    "visit-opened": "Opened. The auditor gets a mail with the link to the account.",
    "visit-ended": "Ended. The account reads nothing any more.",
    "secret-ended": "The old secret has ended, with the tokens that came by it.",
    "proof-changed": "Saved. It holds within 2 seconds.",
    "revoked": "The credential is revoked. It stops working within 2 seconds.",
    "registration-closed": "Nobody registers with that token any more. Programs that did are credentials of the contract, and stay.",
    "crawler-registered": "The keys are registered. Prove that each is yours: none of them counts before.",
    "crawler-proved": "The key is proved. It stands for this contract from now on.",
    "crawler-revoked": "The key is revoked. It stands for nothing any more.",
    "webhook-changed": "Saved. It holds for every message from now on.",
    "webhook-tested": "Sent. Whether it arrived stands in the table within a few seconds.",
    "webhook-resent": "Sent again, under the id that the message had.",
    "webhook-ended": "The webhook is ended. Nothing is sent to it any more.",
    "sandbox-revoked": "The sandbox credential is revoked. It stops working within 2 seconds.",
    "factor-added": "Your second factor is set up. Your other sessions have ended.",
    "passkey-added": "Your passkey is registered.",
    "passkey-removed": "The passkey is removed. It opens nothing here any more.",
    "lost-asked": "Asked. Two members of staff make sure that it is you; then a day passes, and you get a mail.",
    "lost-agreed": "Noted. A second member of staff has to agree.",
    "lost-waiting": "Agreed. The day of waiting has begun; the person and all leads get a mail.",
    "lost-stopped": "Stopped. Nothing was changed.",
    "document-added": "Added. Who decides sees it once you hand the application in.",
    "document-removed": "Removed.",
    "member-invited": "Named. The person gets a mail and says who they are.",
    "member-removed": "Taken off the project. Programs that read for this person stop within 2 seconds.",
    "member-confirmed": "Noted. What comes next stands below.",
    "member-left": "You have left the project.",
    "member-admitted": "Admitted. The person gets a mail, and accepts the terms once the contract is in force.",
    "member-refused": "Not admitted. The person and the leads get a mail with your reason.",
    "terms-accepted": "Accepted. Programs that you let in read for you under this contract.",
    "invited": "Invited. The link in the mail works once, for 7 days.",
    "role-proposed": "Proposed. A role of staff takes two: the invitation leaves once a colleague agrees.",
    "role-declined": "Declined. Nobody was invited.",
    "roles-changed": "Saved. The person gets a mail; the roles hold at once.",
    "removed": "Removed. Their sign-ins have ended; clients go on.",
    "left": "You have left the organisation and are signed out.",
    "lead-offered": "Named. They get a mail and have 7 days to accept; until then you lead.",
    "lead-accepted": "You lead from now on. Everyone in the organisation gets a mail.",
    "lead-declined": "Declined. Who named you gets a mail.",
    "lead-withdrawn": "Stopped. Nothing has changed.",
    "lead-proposed": "Proposed. Everyone there gets a mail; another member of staff decides.",
    "lead-confirmed": "Handed over. Everyone there gets a mail.",
    "linked": "Linked. You can sign in through your institution from now on.",
    "signed-out": "You are signed out.",
    "session-ended": "That browser is signed out.",
    "others-ended": "Every other browser is signed out.",
    "password-changed": "Your new password holds. Every other browser is signed out.",
    "password-reset": "Your new password holds, and every browser is signed out. Sign in with it.",
    "confirmed": "Your address is confirmed. Sign in to go on.",
    "joined": "Your account is ready. Sign in to go on.",
    "gate-banned": "Banned. Every process follows within 2 seconds.",
    "gate-ban-lifted": "Lifted. The gate treats it like anybody else within 2 seconds.",
    "gate-rules": "Changed. Every process follows within 2 seconds.",
    "gate-enforce": "The gate enforces. Every process follows within 2 seconds.",
    "gate-shadow": "The gate is back in shadow. Everyone passes within 2 seconds.",
    "erased": "Erased. It stops leaving within 2 seconds, and every contract that holds it is told.",
    "barred": "Barred. What was open is stopped, what was in force suspended; the partner gets a mail with your reason.",
    "bar-lift-asked": "Asked. A second person decides; the bar holds until then.",
    "bar-kept": "Left in force.",
    "bar-lifted": "Lifted. The partner gets a mail; suspended contracts stay suspended.",
    "policy-confirmed-once": "Confirmed as the first. A second person has to confirm it as well.",
    "policy-confirmed": "Confirmed. It holds in each process from its next start.",
    "policy-declined": "Declined. The narrower policy goes on; take the settings back.",
    "request-entered": "Entered as received. The researchers’ lead gets a mail.",
    "request-adopted": "Taken over. Draft its contract next; it holds what the request says.",
    "request-asked": "Noted. Send the letter to the Coordinator; nothing is given until the answer is entered.",
    "request-answered": "Entered. The request is taken over as it stands now.",
    "request-withdrawn": "Withdrawn. Its application has ended.",
    "done": "Done.",
}


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the main navigation."""

    title: str
    path: str


_VISITOR = (NavItem("Datasets", "/datasets"), NavItem("Licences", "/licences"), NavItem("Transparency", "/transparency"))
_PARTNER = (
    NavItem("Today", "/partner"),
    NavItem("Applications", "/partner/applications"),
    NavItem("Contracts", "/partner/contracts"),
    NavItem("Sandbox", "/partner/sandbox"),
    NavItem("Team", "/partner/team"),
    NavItem("Datasets", "/datasets"),
)
_AUDITOR = (NavItem("Your visit", "/audit"),)
_STAFF = (
    (NavItem("Today", "/desk"), {Role.STEWARD, Role.ADMINISTRATOR, Role.COMPLIANCE}),
    (NavItem("Applications", "/desk/applications"), {Role.STEWARD, Role.COMPLIANCE}),
    (NavItem("Contracts", "/desk/contracts"), {Role.STEWARD}),
    (NavItem("Ledger", "/compliance"), {Role.COMPLIANCE}),
    (NavItem("Erasure", "/compliance/erasure"), {Role.COMPLIANCE}),
    (NavItem("Incidents", "/desk/incidents"), {Role.STEWARD}),
    (NavItem("Incidents", "/compliance/incidents"), {Role.COMPLIANCE}),
    (NavItem("Gate", "/operator"), {Role.OPERATOR}),
    (NavItem("Requests", "/desk/requests"), {Role.STEWARD}),
    (NavItem("Bars", "/desk/bars"), {Role.COMPLIANCE}),
    (NavItem("Policies", "/desk/policies"), {Role.COMPLIANCE}),
    (NavItem("People", "/desk/people"), {Role.STEWARD, Role.ADMINISTRATOR}),
    (NavItem("Datasets", "/datasets"), {Role.STEWARD, Role.COMPLIANCE, Role.OPERATOR, Role.ADMINISTRATOR}),
)


def state_word(thing: str, state: str, *, staff: bool) -> StateWord:
    """What a state of an "application", "contract", "amendment" or "agreement" means to the reader."""
    if thing in _OTHERS:
        return _OTHERS[thing][0 if staff else 1][state]
    return (_CONTRACT if staff else _CONTRACT_FOR_PARTNERS)[state]


def navigation(actor: Actor | None) -> tuple[NavItem, ...]:
    """The main navigation of a person, each title once."""
    if actor is None:
        return _VISITOR
    if Role.AUDITOR in actor.roles:
        return _AUDITOR
    if not actor.is_staff:
        return _PARTNER
    items: dict[str, NavItem] = {}
    for item, roles in _STAFF:
        if actor.roles & roles:
            items.setdefault(item.title, item)
    return tuple(items.values())


def current_item(items: tuple[NavItem, ...], path: str) -> NavItem | None:
    """The item that a path belongs to: the longest one that it starts with. The Today pages are themselves alone."""
    fitting = [each for each in items if path == each.path or (each.title != "Today" and path.startswith(each.path + "/"))]
    return max(fitting, key=lambda each: len(each.path), default=None)


def home_of(actor: Actor | None) -> str:
    """The first page of a person: what waits for them."""
    if actor is None:
        return "/"
    if Role.AUDITOR in actor.roles:
        return "/audit"
    if not actor.is_staff:
        return "/partner"
    for roles, path in (
        ({Role.STEWARD, Role.ADMINISTRATOR}, "/desk"),
        ({Role.COMPLIANCE}, "/compliance"),
        ({Role.OPERATOR}, "/operator"),
    ):
        if actor.roles & roles:
            return path
    return "/"
