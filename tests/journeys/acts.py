"""Who may use each page, what each form is filled with, and how another organisation's id comes about: the tables of the walks.

A route that is in none of them, or a name that a page reads and that is not here, fails a test: nobody forgets to think of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from contracts.applications import sections
from contracts.applications import service as applications
from contracts.applications.tables import Application
from contracts.bars.tables import Bar
from contracts.coordinator.tables import ReasonedRequest
from contracts.credentials.authorizations import MAY_CONSENT
from contracts.credentials.tables import Client
from contracts.gate import banning
from contracts.holds.tables import Hold
from contracts.ids import new_id, new_secret
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people import lost, passkeys, totp
from contracts.people import service as people
from contracts.people.actor import SYSTEM
from contracts.people.assurance import Act as Kind
from contracts.people.roles import STAFF, Role
from contracts.people.tables import Account
from contracts.policies.tables import PolicyChange
from contracts.signatories import service as signatories
from contracts.signatories.queries import open_request
from contracts.signing.clauses import clause_of
from contracts.terms.defaults import propose
from contracts.terms.model import from_json
from portal.demo.answers import typed
from portal.pages.desk import terms_form
from portal.pages.desk.text_read import text_hash
from tests.harness.codes import secret_of
from tests.harness.crawler import crawler_key
from tests.harness.documents import PNG
from tests.harness.signing import signed_elsewhere
from tests.journeys import later_life
from tests.journeys.two_partners import PARTNER_ROLES, PASSWORD, Ground, Things

Ids = Mapping[str, str]
PUBLIC, DEMO = "everyone", "nobody outside the demo"
PARTNERS = frozenset(PARTNER_ROLES)
READERS = frozenset({Role.STEWARD, Role.COMPLIANCE})
STEWARDS, OFFICERS, OPERATORS = frozenset({Role.STEWARD}), frozenset({Role.COMPLIANCE}), frozenset({Role.OPERATOR})
LEADS = frozenset({Role.LEAD})
AGREEING = frozenset({Role.ADMINISTRATOR, *READERS})
HELPERS = frozenset(lost.HELPERS)
SIGNERS, MAKERS = frozenset({Role.LEAD, Role.SIGNATORY}), frozenset({Role.LEAD, Role.DEVELOPER})
ANYONE_SIGNED_IN = PARTNERS | STAFF | {Role.AUDITOR}
AUDITORS = frozenset({Role.AUDITOR})
CONSENTING = frozenset(MAY_CONSENT)

WHO: dict[str, frozenset[Role] | str] = {
    "GET /": PUBLIC,
    "GET /transparency": PUBLIC,
    "GET /datasets": PUBLIC,
    "GET /datasets/{dataset_id}": PUBLIC,
    "GET /apply": PUBLIC,
    "GET /apply/{dataset_id}": PUBLIC,
    "GET /licences": PUBLIC,
    "GET /retention": PUBLIC,
    "GET /licences/certificates.pem": PUBLIC,
    "GET /decision/{decision_id}": PUBLIC,
    "POST /decision/{decision_id}": PUBLIC,
    "GET /appeal/{token}": PUBLIC,
    "GET /sign/{token}": PUBLIC,
    "GET /sign/{token}/contract.pdf": PUBLIC,
    "POST /sign/{token}": PUBLIC,
    "GET /sign-in": PUBLIC,
    "POST /sign-in": PUBLIC,
    "POST /sign-out": PUBLIC,
    "GET /sign-in/with/{provider_id}": PUBLIC,
    "GET /sign-in/with/{provider_id}/back": PUBLIC,
    "GET /sign-up": PUBLIC,
    "POST /sign-up": PUBLIC,
    "GET /confirm/{token}": PUBLIC,
    "POST /confirm/{token}": PUBLIC,
    "GET /join/{token}": PUBLIC,
    "POST /join/{token}": PUBLIC,
    "GET /mailbox": PUBLIC,
    "GET /forgotten": PUBLIC,
    "POST /forgotten": PUBLIC,
    "GET /reset/{token}": PUBLIC,
    "POST /reset/{token}": PUBLIC,
    "GET /account": ANYONE_SIGNED_IN,
    "GET /account/password": ANYONE_SIGNED_IN,
    "POST /account/password": ANYONE_SIGNED_IN,
    "POST /account/sessions/end-others": ANYONE_SIGNED_IN,
    "POST /account/sessions/{session_ref}/end": ANYONE_SIGNED_IN,
    "GET /sign-in/code": PUBLIC,
    "POST /sign-in/code": PUBLIC,
    "GET /account/second-factor": ANYONE_SIGNED_IN,
    "POST /account/second-factor": ANYONE_SIGNED_IN,
    "POST /account/second-factor/app": ANYONE_SIGNED_IN,
    "GET /account/second-factor/app": ANYONE_SIGNED_IN,
    "POST /sign-in/passkey": PUBLIC,
    "POST /sign-in/code/passkey": PUBLIC,
    "POST /account/second-factor/passkey": ANYONE_SIGNED_IN,
    "GET /account/passkeys/new": ANYONE_SIGNED_IN,
    "POST /account/passkeys": ANYONE_SIGNED_IN,
    "POST /account/passkeys/{passkey_id}/remove": ANYONE_SIGNED_IN,
    "POST /sign-in/code/lost": PUBLIC,
    "GET /stop-replacement/{token}": PUBLIC,
    "POST /stop-replacement/{token}": PUBLIC,
    "GET /desk/lost": HELPERS,
    "POST /desk/lost/{lost_id}/agree": HELPERS,
    "POST /desk/lost/{lost_id}/stop": HELPERS,
    "POST /partner/team/lost/{lost_id}/stop": LEADS,
    "POST /account/recovery-codes": ANYONE_SIGNED_IN,
    "POST /account/recovery-codes/file": ANYONE_SIGNED_IN,
    "GET /consent/{authorization_id}": CONSENTING,
    "GET /consent/refused/{code}": PUBLIC,
    "POST /consent/{authorization_id}": CONSENTING,
    "POST /apply": LEADS,
    "GET /partner": PARTNERS,
    "GET /partner/applications": PARTNERS,
    "GET /partner/applications/{application_id}": PARTNERS,
    "POST /partner/applications/{application_id}": LEADS,
    "POST /partner/applications/{application_id}/withdraw": LEADS,
    "GET /partner/applications/{application_id}/evidence": PARTNERS,
    "POST /partner/applications/{application_id}/evidence": LEADS,
    "GET /partner/evidence/{evidence_id}": PARTNERS,
    "POST /partner/evidence/{evidence_id}/remove": LEADS,
    "GET /desk/evidence/{evidence_id}": READERS,
    "GET /partner/applications/{application_id}/sections/{section_id}": PARTNERS,
    "POST /partner/applications/{application_id}/sections/{section_id}": PARTNERS,
    "GET /partner/applications/{application_id}/members": PARTNERS,
    "POST /partner/applications/{application_id}/members": LEADS,
    "POST /partner/applications/{application_id}/members/{member_id}/remove": LEADS,
    "GET /partner/applications/{application_id}/membership": PARTNERS,
    "POST /partner/applications/{application_id}/membership": PARTNERS,
    "POST /partner/applications/{application_id}/membership/leave": PARTNERS,
    "GET /partner/contracts/{contract_id}/membership": PARTNERS,
    "POST /partner/contracts/{contract_id}/membership": PARTNERS,
    "POST /desk/applications/{application_id}/members/{member_id}/admit": STEWARDS,
    "POST /desk/applications/{application_id}/members/{member_id}/refuse": STEWARDS,
    "POST /partner/applications/{application_id}/appeal": LEADS,
    **{
        f"{method} {base}{path}": keepers
        for base, keepers in (("/partner/webhooks", MAKERS), ("/desk/webhooks", frozenset({Role.ADMINISTRATOR})))
        for method, path in (
            *(("GET", ""), ("POST", ""), ("GET", "/{webhook_id}"), ("POST", "/{webhook_id}"), ("POST", "/{webhook_id}/rotate")),
            *(("POST", "/{webhook_id}/test"), ("POST", "/{webhook_id}/end")),
            ("POST", "/{webhook_id}/messages/{message_id}/resend"),
        )
    },
    "GET /desk/mails": frozenset({Role.STEWARD, Role.ADMINISTRATOR, Role.COMPLIANCE}),
    "GET /partner/contracts": PARTNERS,
    "GET /partner/contracts/{contract_id}": PARTNERS,
    "GET /partner/contracts/{contract_id}/pdf": PARTNERS,
    "GET /partner/contracts/{contract_id}/terms.json": PARTNERS,
    "GET /partner/contracts/{contract_id}/odrl.json": PARTNERS,
    "POST /partner/contracts/{contract_id}/renew": LEADS,
    "GET /partner/contracts/{contract_id}/certificate": PARTNERS,
    "POST /partner/contracts/{contract_id}/certificate": SIGNERS,
    "GET /partner/amendments/{amendment_id}": PARTNERS,
    "GET /partner/amendments/{amendment_id}/pdf": PARTNERS,
    "POST /partner/amendments/{amendment_id}/sign": SIGNERS,
    "POST /partner/amendments/{amendment_id}/decline": SIGNERS,
    "POST /partner/contracts/{contract_id}/sign": SIGNERS,
    "GET /partner/contracts/{contract_id}/signing": PARTNERS,
    "GET /partner/contracts/{contract_id}/evidence.json": PARTNERS,
    "POST /partner/contracts/{contract_id}/signed-pdf": SIGNERS,
    "POST /partner/contracts/{contract_id}/signatory": LEADS,
    "POST /partner/contracts/{contract_id}/signatory/remind": LEADS,
    "POST /partner/contracts/{contract_id}/signatory/withdraw": LEADS,
    "GET /partner/contracts/{contract_id}/counter": SIGNERS,
    "POST /partner/contracts/{contract_id}/counter": SIGNERS,
    "POST /partner/contracts/{contract_id}/recall": SIGNERS,
    "GET /partner/contracts/{contract_id}/versions": PARTNERS,
    "POST /partner/contracts/{contract_id}/clients": MAKERS,
    "GET /partner/contracts/{contract_id}/clients/{client_id}": PARTNERS,
    "POST /partner/contracts/{contract_id}/clients/{client_id}/end-earlier": MAKERS,
    "POST /partner/contracts/{contract_id}/clients/{client_id}/revoke": MAKERS,
    "POST /partner/contracts/{contract_id}/clients/{client_id}/rotate": MAKERS,
    "GET /partner/contracts/{contract_id}/clients/{client_id}/proof": MAKERS,
    "POST /partner/contracts/{contract_id}/clients/{client_id}/proof": MAKERS,
    "GET /partner/contracts/{contract_id}/registration": MAKERS,
    "POST /partner/contracts/{contract_id}/registration": MAKERS,
    "POST /partner/contracts/{contract_id}/registration/{registration_id}/end": MAKERS,
    "GET /partner/contracts/{contract_id}/crawlers": PARTNERS,
    "POST /partner/contracts/{contract_id}/crawlers": MAKERS,
    "POST /partner/contracts/{contract_id}/crawlers/{crawler_id}/prove": MAKERS,
    "POST /partner/contracts/{contract_id}/crawlers/{crawler_id}/revoke": MAKERS,
    "GET /partner/contracts/{contract_id}/usage": PARTNERS,
    "GET /partner/contracts/{contract_id}/entries": PARTNERS,
    "GET /partner/entries/{entry_id}": PARTNERS,
    "GET /partner/entries/{entry_id}/proof": PARTNERS,
    "GET /partner/organisation": LEADS,
    "POST /partner/organisation": LEADS,
    "GET /partner/sandbox": PARTNERS,
    "POST /partner/sandbox": MAKERS,
    "POST /partner/sandbox/{sandbox_id}/renew": MAKERS,
    "POST /partner/sandbox/{sandbox_id}/revoke": MAKERS,
    "GET /partner/team": PARTNERS,
    "POST /partner/team": LEADS,
    "POST /partner/team/leave": PARTNERS,
    "GET /partner/team/{account_id}": PARTNERS,
    "POST /partner/team/{account_id}/roles": LEADS,
    "POST /partner/team/{account_id}/remove": LEADS,
    "POST /partner/team/{account_id}/lead": LEADS,
    "GET /partner/leadership/{hand_over_id}": PARTNERS,
    "POST /partner/leadership/{hand_over_id}/accept": PARTNERS,
    "POST /partner/leadership/{hand_over_id}/decline": PARTNERS,
    "POST /partner/leadership/{hand_over_id}/withdraw": PARTNERS,
    "GET /desk": STAFF,
    "GET /desk/applications": READERS,
    "GET /desk/applications/{application_id}": READERS,
    "POST /desk/applications/{application_id}/approve": STEWARDS,
    "POST /desk/applications/{application_id}/decline": STEWARDS,
    "POST /desk/applications/{application_id}/check": STEWARDS,
    "POST /desk/applications/{application_id}/return": STEWARDS,
    "POST /desk/applications/{application_id}/claim": STEWARDS,
    "POST /desk/applications/{application_id}/assign": STEWARDS,
    "POST /desk/applications/{application_id}/recuse": READERS,
    "POST /desk/applications/{application_id}/reviews": STEWARDS,
    "POST /desk/applications/{application_id}/reviews/release": STEWARDS,
    "POST /desk/applications/{application_id}/remarks": READERS,
    "POST /desk/applications/{application_id}/extend": STEWARDS,
    "POST /desk/applications/{application_id}/basis": OFFICERS,
    "GET /desk/applications/{application_id}/draft": STEWARDS,
    "POST /desk/applications/{application_id}/draft": STEWARDS,
    "GET /desk/forms": READERS | {Role.ADMINISTRATOR},
    "GET /desk/forms/{dataset_id}/{kind}": READERS | {Role.ADMINISTRATOR},
    "GET /desk/templates": READERS | {Role.ADMINISTRATOR},
    "GET /desk/templates/{template}": READERS | {Role.ADMINISTRATOR},
    "POST /desk/clauses/{clause}/confirm": READERS,
    "GET /desk/contracts": READERS,
    "GET /desk/contracts/{contract_id}": READERS,
    "GET /desk/contracts/{contract_id}/life": READERS,
    "GET /desk/contracts/{contract_id}/document.pdf": READERS,
    "GET /desk/contracts/{contract_id}/terms.json": READERS,
    "GET /desk/contracts/{contract_id}/odrl.json": READERS,
    "GET /desk/contracts/{contract_id}/signing": READERS,
    "GET /desk/contracts/{contract_id}/evidence.json": READERS,
    "GET /desk/contracts/{contract_id}/revise": STEWARDS,
    "POST /desk/contracts/{contract_id}/revise": STEWARDS,
    "POST /desk/contracts/{contract_id}/decline": STEWARDS,
    "GET /desk/contracts/{contract_id}/versions": READERS,
    "GET /desk/contracts/{contract_id}/signed-file": READERS,
    "POST /desk/contracts/{contract_id}/paper": STEWARDS,
    "GET /desk/contracts/{contract_id}/amend": STEWARDS,
    "POST /desk/contracts/{contract_id}/amend": STEWARDS,
    "POST /desk/contracts/{contract_id}/send-back": READERS,
    "POST /desk/contracts/{contract_id}/register": STEWARDS,
    "GET /desk/amendments/{amendment_id}": READERS,
    "GET /desk/amendments/{amendment_id}/pdf": READERS,
    "POST /desk/amendments/{amendment_id}/countersign": STEWARDS,
    "POST /desk/amendments/{amendment_id}/withdraw": STEWARDS,
    "GET /desk/texts": READERS,
    "POST /desk/texts": STEWARDS,
    "GET /desk/texts/{round_id}": READERS,
    "POST /desk/texts/{round_id}/stop": STEWARDS,
    "POST /desk/texts/{round_id}/countersign": STEWARDS,
    "GET /desk/agreements": READERS,
    "GET /desk/agreements/{agreement_id}": READERS,
    "GET /desk/agreements/{agreement_id}/document.pdf": READERS,
    "POST /desk/agreements/{agreement_id}/confirm": READERS,
    "POST /desk/agreements/{agreement_id}/reject": READERS,
    "POST /desk/agreements/{agreement_id}/remind": READERS,
    "POST /desk/contracts/{contract_id}/offer": STEWARDS,
    "POST /desk/contracts/{contract_id}/countersign": STEWARDS,
    "POST /desk/contracts/{contract_id}/suspend": READERS,
    "POST /desk/contracts/{contract_id}/ask-lift": READERS,
    "POST /desk/contracts/{contract_id}/lift": READERS,
    "POST /desk/contracts/{contract_id}/terminate": STEWARDS,
    "POST /desk/contracts/{contract_id}/clients/{client_id}/revoke": READERS,
    "GET /desk/partners/{organisation_id}": READERS,
    "POST /desk/partners/{organisation_id}/lead": READERS,
    "POST /desk/partners/{organisation_id}/lead/{hand_over_id}/confirm": READERS,
    "POST /desk/partners/{organisation_id}/lead/{hand_over_id}/withdraw": READERS,
    "GET /desk/bars": READERS,
    "POST /desk/bars": READERS,
    "GET /desk/bars/{bar_id}": READERS,
    "POST /desk/bars/{bar_id}/ask-lift": READERS,
    "POST /desk/bars/{bar_id}/keep": READERS,
    "POST /desk/bars/{bar_id}/lift": READERS,
    "GET /desk/policies": READERS,
    "POST /desk/policies/{policy_id}/confirm": READERS,
    "POST /desk/policies/{policy_id}/decline": READERS,
    "GET /desk/requests": READERS,
    "POST /desk/requests": STEWARDS,
    "GET /desk/requests/new": STEWARDS,
    "GET /desk/requests/{request_id}": READERS,
    "POST /desk/requests/{request_id}/adopt": STEWARDS,
    "POST /desk/requests/{request_id}/ask-amendment": STEWARDS,
    "POST /desk/requests/{request_id}/answer": STEWARDS,
    "POST /desk/requests/{request_id}/withdraw": STEWARDS,
    "GET /desk/people": STAFF,
    "POST /desk/people/proposals/{proposal_id}/agree": AGREEING,
    "POST /desk/people/proposals/{proposal_id}/decline": AGREEING,
    "POST /desk/people": frozenset({Role.ADMINISTRATOR}),
    "GET /desk/incidents": STAFF,
    "GET /compliance": OFFICERS,
    "GET /compliance/export": OFFICERS,
    "POST /compliance/verify": OFFICERS,
    "GET /compliance/entries/{entry_id}": STAFF,
    "GET /compliance/entries/{entry_id}/proof": STAFF,
    "GET /compliance/questions": OFFICERS,
    "POST /compliance/values": OFFICERS,
    "GET /compliance/values/{search_id}": OFFICERS,
    "GET /compliance/completeness": OFFICERS,
    "GET /compliance/deliveries": OFFICERS,
    "POST /compliance/deliveries": OFFICERS,
    "POST /compliance/deliveries/letter": OFFICERS,
    "GET /compliance/erasure": OFFICERS,
    "POST /compliance/erasure": OFFICERS,
    "GET /compliance/holds": AGREEING,
    "POST /compliance/holds": OFFICERS,
    **{f"POST /compliance/holds/{{hold_id}}/{act}": AGREEING for act in ("confirm", "decline", "ask-lift", "keep", "lift")},
    "GET /compliance/incidents": OFFICERS,
    "GET /compliance/visits": OFFICERS,
    "POST /compliance/visits": OFFICERS,
    "POST /compliance/visits/{visit_id}/end": OFFICERS,
    "GET /compliance/visits/{visit_id}/archive": OFFICERS,
    "GET /audit": AUDITORS,
    "GET /audit/entries/{entry_id}": AUDITORS,
    "GET /audit/entries/{entry_id}/proof": AUDITORS,
    "GET /audit/archive": AUDITORS,
    "GET /operator": OPERATORS,
    "POST /operator/mode": OPERATORS,
    "GET /operator/stops.csv": OPERATORS,
    "GET /operator/stopped": OPERATORS,
    "GET /operator/appeals": OPERATORS,
    "GET /operator/appeals/{appeal_id}": OPERATORS,
    "POST /operator/appeals/{appeal_id}": OPERATORS,
    "GET /operator/bans": OPERATORS,
    "POST /operator/bans": OPERATORS,
    "POST /operator/bans/lift": OPERATORS,
    "GET /operator/rules": OPERATORS,
    "POST /operator/rules": OPERATORS,
    "GET /demo": DEMO,
    "POST /demo/become/{key}": DEMO,
    "POST /demo/apply": DEMO,
    "POST /demo/read": DEMO,
    "POST /demo/read-again": DEMO,
    "POST /demo/crawl": DEMO,
}


@dataclass(frozen=True)
class Act:
    """One form that changes something: who does it rightly, on what made for it, and what the form holds for the things it names."""

    by: str
    fresh: Callable[[Ground], Ids]
    fields: Callable[[Ground, Ids], Mapping[str, Any]]


def _nothing(_ground: Ground) -> Ids:
    return {}


def _application(state: str) -> Callable[[Ground], Ids]:
    return lambda ground: {"application_id": ground.applied("lab-founder", state).id}


def _member(application: str, state: str) -> Callable[[Ground], Ids]:
    def fresh(ground: Ground) -> Ids:
        made = ground.applied("lab-founder", application).id
        return {"application_id": made, "member_id": ground.named("lab-founder", made, "lab-reader", state)}

    return fresh


def _on_project(application: str, state: str) -> Callable[[Ground], Ids]:
    return lambda ground: {"application_id": _member(application, state)(ground)["application_id"]}


def _ready_to_accept(ground: Ground) -> Ids:
    contract = ground.contract("lab-founder", "active")
    ground.named("lab-founder", contract.application_id, "lab-reader", "confirmed")
    return {"contract_id": contract.id}


def _document(ground: Ground) -> Ids:
    return {"evidence_id": ground.document("lab-founder", ground.applied("lab-founder", "draft").id)}


def _section(ground: Ground) -> Ids:
    application = ground.row(Application, _application("draft")(ground)["application_id"])
    lead, reader = ground.story.actor("lab-founder"), ground.account_of("lab-reader")
    with ground.house.store.write("ground") as unit:
        sections.ask(unit, lead, application.id, "keeping", reader)
    return {"application_id": application.id, "section_id": "keeping"}


def _contract(state: str) -> Callable[[Ground], Ids]:
    return lambda ground: {"contract_id": ground.contract("lab-founder", state).id}


def _client(ground: Ground) -> Ids:
    contract = ground.row(Contract, ground.lab.contracts["active"])
    made = ground.story.make_client("lab-founder", contract, "to be revoked", "api")
    return {"contract_id": made.contract_id, "client_id": made.client_id}


def _sandbox(ground: Ground) -> Ids:
    return {"sandbox_id": ground.sandbox("lab-developer")}


def _room_in_the_sandbox(ground: Ground) -> Ids:
    _sandbox(ground)
    return {}


def _consent(ground: Ground) -> Ids:
    return {"authorization_id": ground.asked_to_consent(ground.lab)}


def _rotated_client(ground: Ground) -> Ids:
    ids = _client(ground)
    with ground.house.store.write() as unit:
        client = unit.lock(Client, ids["client_id"])
        client.earlier_sha256, client.earlier_until = "0" * 64, unit.now + timedelta(days=1)
    return ids


def _another_session(ground: Ground) -> Ids:
    before = set(ground.sessions_of("lab-reader"))
    ground.session("lab-reader")
    return {"session_ref": (set(ground.sessions_of("lab-reader")) - before).pop()}


def _code(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    # The clock stands still: the app was set up by the code of its moment, the next one is still good.
    step = totp.step_at(ground.house.clock.now()) + 1
    return {"code": totp.code_at(totp.from_text(secret_of("reader@lab.example")), step)}


def _new_app(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    now = ground.house.clock.now()
    seed, sealed = people.begin_app(ground.house.keys, ground.account("lab-reader"), now)
    return {"sealed": sealed, "code": totp.code_at(seed, totp.step_at(now))}


def _new_passkey(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    cookie, house = ground.visitor("lab-reader").cookie("licet_session"), ground.house
    challenge, sealed = passkeys.new_challenge(house.keys, "register", cookie, house.clock.now())
    with house.store.read() as session:
        account = session.get_one(Account, ground.account("lab-reader"))
    options = passkeys.creation_options(passkeys.party_of(house.settings), account, (), challenge)
    return {"sealed": sealed, "credential": ground.authenticator().make(options), "name": "a phone"}


def _shown_passkey(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    key, house = ground.authenticator(), ground.house
    ground.registered("lab-reader", key)
    cookie = ground.visitor("lab-reader").cookie("licet_session")
    challenge, sealed = passkeys.new_challenge(house.keys, "confirm", cookie, house.clock.now())
    with house.store.read() as session:
        held = passkeys.passkeys_of(session, ground.account("lab-reader"))
    return {"sealed": sealed, "credential": key.answer(passkeys.request_options(passkeys.party_of(house.settings), held, challenge))}


def _lost(ground: Ground) -> Ids:
    return {"lost_id": ground.lost("lab-reader")}


def _own_codes(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    with ground.house.store.write() as unit:
        return {"codes": " ".join(people.new_codes(unit, ground.account("lab-reader")))}


def _crawler(ground: Ground) -> Ids:
    made = ground.crawler("lab-founder", ground.lab.contracts["active"])
    return {"contract_id": made.contract_id, "crawler_id": made.id}


def _webhook(key: str, *names: str) -> Callable[[Ground], Ids]:
    def fresh(ground: Ground) -> Ids:
        made = dict(zip(("webhook_id", "message_id"), ground.webhook(key), strict=True))
        return {name: made[name] for name in names}

    return fresh


def _registration(ground: Ground) -> Ids:
    contract = ground.lab.contracts["active"]
    return {"contract_id": contract, "registration_id": ground.registration("lab-founder", contract)}


def _crawler_proof(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    return {"signature": ground.crawler_signature(ids["crawler_id"])}


def _third(*names: str, hand_over: str = "") -> Callable[[Ground], Ids]:
    """A partner of its own, for acts that change who belongs to one and who leads it."""

    def fresh(ground: Ground) -> Ids:
        made = ground.third(hand_over)
        return {name: made[name] for name in names}

    return fresh


def _visit_form(ground: Ground, _ids: Ids) -> Mapping[str, Any]:
    last = ground.house.clock.now().date() + timedelta(days=7)
    asked = {"slice": "partner", "partner": ground.organisation_of("lab-reader"), "last_day": last.isoformat()}
    return {**asked, "authority": "The Authority", "email": f"{uuid4().hex}@authority.example"}


def _hold_form(ground: Ground, _ids: Ids) -> Mapping[str, Any]:
    last = ground.house.clock.now().date() + timedelta(days=7)
    asked = {"scope": "partner", "partner": ground.organisation_of("lab-reader"), "last_day": last.isoformat()}
    return {**asked, "ground": "Case 12 of 2026", "owner": ground.story.actor("compliance").account_id}


def _revision(ground: Ground, ids: Ids, **more: Any) -> Mapping[str, Any]:
    return {"revision": str(ground.revision(next(iter(ids.values())))), **more}


def _own_clause(ground: Ground) -> Ids:
    """An own clause that binds a term and stands in no template, so that nothing else waits for it."""
    folder, name = ground.house.settings.home / "clauses", f"own-{uuid4().hex}"
    folder.mkdir(exist_ok=True)
    words = f'text = "$pace {name}"\nmonitored = "It is counted."\nbreach = "It is refused."\n'
    (folder / f"{name}.toml").write_text(f'title = "Pace"\nbinds = "pace"\n{words}', encoding="utf-8")
    return {"clause": name}


def _confirming(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    return {"sha256": clause_of(ground.house.settings, ids["clause"]).sha256}


def _asking(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    form = ground.form("lab-founder")
    told = {name: str(getattr(form, name)) for name in ("project", "kind", "purpose", "purpose_text", "starts", "ends")}
    answers = {**typed(form.fields), "rows.species": "oak"}
    return _revision(ground, ids, **told, fields=list(form.fields), **answers, act="submit")


def _drafting(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    settings = ground.house.settings
    with ground.house.store.read() as session:
        application = session.get(Application, ids["application_id"]) or session.get_one(Application, ground.lab.applications["approved"])
    terms = propose(application, settings.datasets["trees"], settings.platform.site)
    return {**terms_form.shown(terms).values, "act": "create"}


def _countered(ground: Ground) -> Ids:
    return {"contract_id": ground.countered("lab-founder").id}


def _wishing(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    return _revision(ground, ids, **{"term.pace": "Twice as fast.", "why.term.pace": "The archive is large."})


def _revising(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    terms = _drafting(ground, {"application_id": ground.lab.applications["approved"]})
    return _revision(ground, ids, **terms, **_read_text(ground), note="Nothing but the number.")


def _read_text(ground: Ground) -> dict[str, str]:
    """What the form carries of the text beside it; all contracts of the lab are for research."""
    return {"text_read": text_hash(ground.house.settings, "research")}


def _titled(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    return _revision(ground, ids, title=ground.form("lab-founder").project, end_reason="The project ended early.")


def _version(ground: Ground, ids: Ids) -> ContractVersion:
    """The version of the contract; the lab's own active one for an id that nobody has."""
    with ground.house.store.read() as session:
        found = session.get(Contract, ids["contract_id"]) or session.get_one(Contract, ground.lab.contracts["active"])
        return version_of(session, found)


def _named(hours: int) -> Callable[[Ground], Ids]:
    """An offered contract that a person was asked to sign, so many hours ago."""

    def fresh(ground: Ground) -> Ids:
        contract, lead = ground.contract("lab-founder", "offered"), ground.story.actor("lab-founder")
        with ground.house.store.write("ground") as unit:
            person = {"name": "Bea Bound", "email": f"{uuid4().hex}@lab.example"}
            signatories.name_signatory(unit, lead, contract.id, **person, base_url=ground.base_url)
            named = open_request(unit.session, contract.id)
            assert named is not None
            named.created_at -= timedelta(hours=hours)
        return {"contract_id": contract.id}

    return fresh


def _network() -> str:
    """One that no other act bans."""
    return f"2001:db8:{uuid4().hex[:4]}::/48"


def _banned(ground: Ground, _ids: Ids) -> Mapping[str, Any]:
    network = _network()
    with ground.house.store.write("ground") as unit:
        banning.ban(unit, SYSTEM, network, timedelta(hours=1), "Went on after every hour.")
    return {"target": network}


def _bar(state: str) -> Callable[[Ground], Ids]:
    return lambda ground: {"bar_id": ground.bar(state)}


def _hold(state: str) -> Callable[[Ground], Ids]:
    return lambda ground: {"hold_id": ground.hold(state)}


def _proposal(ground: Ground) -> Ids:
    return {"proposal_id": ground.proposal()}


def _policy(ground: Ground) -> Ids:
    return {"policy_id": ground.wider_policy()}


def _reasoned(state: str) -> Callable[[Ground], Ids]:
    return lambda ground: {"request_id": ground.reasoned_request(state)}


def _numbered(
    of: Ground, table: type[Bar] | type[Hold] | type[PolicyChange] | type[ReasonedRequest], ids: Ids, **more: Any
) -> Mapping[str, Any]:
    with of.house.store.read() as session:
        found = session.get(table, next(iter(ids.values())))
    return {"revision": str(found.revision if found else 1), **more}


def _received(ground: Ground, **more: Any) -> Mapping[str, Any]:
    told = ground.received()
    said = {name: str(getattr(told, name)) for name in ("coordinator", "reference", "received_on", "project", "text", "starts", "ends")}
    return {**said, "dataset": "trees", "fields": list(told.fields), **more}


_SIGNED = {"name": "Zephyrine Founder", "capacity": "Head of laboratory", "authority": "office", "read": "yes"}
_PROJECT = "/partner/applications/{application_id}"
_LOOKED = {"member_reason": "The institute confirmed it by telephone."}


def _changing(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    with ground.house.store.read() as session:
        contract = session.get(Contract, ids["contract_id"]) or session.get_one(Contract, ground.lab.contracts["active"])
        terms = from_json(version_of(session, contract).terms_json)
    changed = {**terms_form.shown(terms).values, **_read_text(ground), "records_per_day": "7"}
    return _revision(ground, ids, **changed, reason="Fewer records are enough.", act="create")


def _amendment(state: str) -> Callable[[Ground], Ids]:
    return lambda ground: {"amendment_id": later_life.amendment(ground, state).id}


def _ended(certified: bool) -> Callable[[Ground], Ids]:
    return lambda ground: {"contract_id": later_life.ended(ground, certified=certified).id}


def _agreement(state: str) -> Callable[[Ground], Ids]:
    return lambda ground: {"agreement_id": later_life.agreement(ground, state)}


def _no_text(ground: Ground) -> Ids:
    later_life.stop_texts(ground)
    return {}


_REASON = {"reason": "It was looked at with care."}

_APPLICATION, _CARE = "/desk/applications/{application_id}", "It was looked at with care."


def _reviewed_by(ground: Ground) -> Ids:
    """An application for which the second steward was asked for a review."""
    made, actor = ground.applied("lab-founder"), ground.story.actor("steward")
    with ground.house.store.write("ground") as unit:
        applications.ask_review(unit, actor, made.id, ground.account_of("second-steward"))
    return {"application_id": made.id}


def _countersigning(ground: Ground, ids: Ids) -> Mapping[str, Any]:
    return {"chosen": later_life.boxes(ground, ids["round_id"]), **_SIGNED}


def _later(ground: Ground) -> str:
    return (ground.house.clock.now() + timedelta(days=60)).date().isoformat()


_REVIEW: dict[str, Act] = {
    "approve": Act("steward", _application("in_review"), lambda g, ids: _revision(g, ids, code="as-asked", reason=_CARE)),
    "decline": Act("steward", _application("submitted"), lambda g, ids: _revision(g, ids, decline_code="other", decline_reason=_CARE)),
    "check": Act("steward", _application("submitted"), _revision),
    "return": Act("steward", _application("submitted"), lambda g, ids: _revision(g, ids, return_code="unclear", return_reason=_CARE)),
    "claim": Act("steward", _application("submitted"), lambda g, ids: {}),
    "assign": Act("steward", _application("submitted"), lambda g, ids: {"assignee": g.account_of("second-steward")}),
    "recuse": Act("compliance", _application("submitted"), lambda g, ids: {"recuse_reason": _CARE}),
    "reviews": Act("steward", _application("submitted"), lambda g, ids: {"reviewer": g.account_of("second-steward")}),
    "reviews/release": Act("steward", _reviewed_by, lambda g, ids: {"reviewer": g.account_of("second-steward")}),
    "remarks": Act("compliance", _application("submitted"), lambda g, ids: {"remark": _CARE, "advice": "neutral"}),
    "extend": Act("steward", _application("submitted"), lambda g, ids: _revision(g, ids, until=_later(g), extend_reason=_CARE)),
    "basis": Act("compliance", _application("submitted"), lambda g, ids: _revision(g, ids, basis="public-task", basis_reason=_CARE)),
}

ACTS: dict[str, Act] = {
    "/account/password": Act("lab-reader", _nothing, lambda g, ids: {"password": PASSWORD, "new_password": PASSWORD}),
    "/account/sessions/end-others": Act("lab-reader", _another_session, lambda g, ids: {}),
    "/account/sessions/{session_ref}/end": Act("lab-reader", _another_session, lambda g, ids: {}),
    "/account/second-factor": Act("lab-reader", _nothing, _code),
    "/account/second-factor/app": Act("lab-reader", _nothing, _new_app),
    "/account/second-factor/passkey": Act("lab-reader", _nothing, _shown_passkey),
    "/account/passkeys": Act("lab-reader", _nothing, _new_passkey),
    "/account/passkeys/{passkey_id}/remove": Act(
        "lab-reader", lambda ground: {"passkey_id": ground.registered("lab-reader", ground.authenticator())}, lambda g, ids: {}
    ),
    "/desk/lost/{lost_id}/agree": Act("steward", _lost, lambda g, ids: {"how_known": "Called the number that we had before."}),
    "/desk/lost/{lost_id}/stop": Act("steward", _lost, lambda g, ids: {}),
    "/partner/team/lost/{lost_id}/stop": Act("lab-lead", _lost, lambda g, ids: {}),
    "/account/recovery-codes": Act("lab-reader", _nothing, lambda g, ids: {}),
    "/account/recovery-codes/file": Act("lab-reader", _nothing, _own_codes),
    "/apply": Act("lab-lead", _nothing, lambda g, ids: {"dataset": "trees"}),
    "/partner/applications/{application_id}": Act("lab-lead", _application("draft"), _asking),
    "/partner/applications/{application_id}/withdraw": Act("lab-lead", _application("submitted"), _revision),
    "/partner/applications/{application_id}/evidence": Act(
        "lab-lead", _application("draft"), lambda g, ids: {"document": "ethics", "file": ("ethics.txt", b"Approved by the board.")}
    ),
    "/partner/evidence/{evidence_id}/remove": Act("lab-lead", _document, lambda g, ids: {}),
    "/partner/applications/{application_id}/sections/{section_id}": Act(
        "lab-reader", _section, lambda g, ids: {**typed(()), "act": "done"}
    ),
    f"{_PROJECT}/members": Act(
        "lab-lead",
        lambda ground: {"application_id": ground.applied("lab-founder", "draft").id},
        lambda g, ids: {"email": f"{uuid4().hex}@lab.example", "name": "Zephyrine Colleague"},
    ),
    f"{_PROJECT}/members/{{member_id}}/remove": Act("lab-lead", _member("draft", "invited"), lambda g, ids: {}),
    f"{_PROJECT}/membership": Act(
        "lab-reader", _on_project("draft", "invited"), lambda g, ids: {"position": "doctoral researcher", "agreed": "yes"}
    ),
    f"{_PROJECT}/membership/leave": Act("lab-reader", _on_project("draft", "invited"), lambda g, ids: {}),
    "/partner/contracts/{contract_id}/membership": Act(
        "lab-reader", _ready_to_accept, lambda g, ids: {"name": "Zephyrine Reader", "read": "yes"}
    ),
    "/desk/applications/{application_id}/members/{member_id}/admit": Act("steward", _member("submitted", "review"), lambda g, ids: _LOOKED),
    "/desk/applications/{application_id}/members/{member_id}/refuse": Act(
        "steward", _member("submitted", "review"), lambda g, ids: _LOOKED
    ),
    "/partner/contracts/{contract_id}/renew": Act("lab-lead", _contract("active"), lambda g, ids: {}),
    "/partner/contracts/{contract_id}/certificate": Act(
        "lab-signatory", _ended(False), lambda g, ids: _revision(g, ids, **_SIGNED, statement="Everything was overwritten.")
    ),
    "/partner/amendments/{amendment_id}/sign": Act("lab-signatory", _amendment("offered"), lambda g, ids: _revision(g, ids, **_SIGNED)),
    "/partner/amendments/{amendment_id}/decline": Act("lab-lead", _amendment("offered"), lambda g, ids: _revision(g, ids, **_REASON)),
    "/desk/contracts/{contract_id}/amend": Act("steward", _contract("active"), _changing),
    "/desk/contracts/{contract_id}/send-back": Act(
        "compliance", _ended(True), lambda g, ids: _revision(g, ids, back_reason="Which copies were there?")
    ),
    "/desk/contracts/{contract_id}/register": Act(
        "steward", _contract("active"), lambda g, ids: _revision(g, ids, withheld=["title"], register_reason="Asked for by the partner.")
    ),
    "/desk/amendments/{amendment_id}/countersign": Act("second-steward", _amendment("signed"), lambda g, ids: _revision(g, ids, **_SIGNED)),
    "/desk/amendments/{amendment_id}/withdraw": Act("steward", _amendment("signed"), lambda g, ids: _revision(g, ids, **_REASON)),
    "/desk/texts": Act("steward", _no_text, lambda g, ids: {"kind": "research", "accept_by": "2099-01-01", **_REASON}),
    "/desk/texts/{round_id}/stop": Act("steward", lambda ground: {"round_id": later_life.new_text(ground)}, lambda g, ids: {}),
    "/desk/texts/{round_id}/countersign": Act(
        "second-steward", lambda ground: {"round_id": later_life.text_signed(ground)}, _countersigning
    ),
    "/desk/agreements/{agreement_id}/confirm": Act("second-steward", _agreement("confirmed"), lambda g, ids: _revision(g, ids, read="yes")),
    "/desk/agreements/{agreement_id}/reject": Act("steward", _agreement("staged"), lambda g, ids: _revision(g, ids, **_REASON)),
    "/desk/agreements/{agreement_id}/remind": Act("steward", _agreement("brought_in"), lambda g, ids: {}),
    "/partner/applications/{application_id}/appeal": Act(
        "lab-lead", _application("declined"), lambda g, ids: _revision(g, ids, appeal_reason=_CARE)
    ),
    "/partner/contracts/{contract_id}/sign": Act("lab-signatory", _contract("offered"), lambda g, ids: _revision(g, ids, **_SIGNED)),
    "/partner/contracts/{contract_id}/signed-pdf": Act(
        "lab-signatory",
        _contract("offered"),
        lambda g, ids: _revision(g, ids, **_SIGNED, file=("signed.pdf", signed_elsewhere(_version(g, ids).pdf, now=g.house.clock.now()))),
    ),
    "/desk/contracts/{contract_id}/paper": Act(
        "second-steward",
        _contract("offered"),
        lambda g, ids: _revision(g, ids, **_SIGNED, file=("scan.png", PNG), short_hash=_version(g, ids).text_sha256[:16]),
    ),
    "/partner/contracts/{contract_id}/signatory": Act(
        "lab-lead", _contract("offered"), lambda g, ids: {"signatory_name": "Bea Bound", "signatory_email": f"{uuid4().hex}@lab.example"}
    ),
    "/partner/contracts/{contract_id}/signatory/remind": Act("lab-lead", _named(26), lambda g, ids: {}),
    "/partner/contracts/{contract_id}/signatory/withdraw": Act("lab-lead", _named(0), lambda g, ids: {}),
    **{
        f"{base}{path}": Act(key, _webhook(founder, *names), lambda g, ids, form=form: form)
        for base, key, founder in (
            ("/partner/webhooks", "lab-developer", "lab-founder"),
            ("/desk/webhooks", "administrator", "administrator"),
        )
        for path, names, form in (
            ("", (), {"url": f"https://hooks.lab.example/{uuid4().hex}/again"}),
            ("/{webhook_id}", ("webhook_id",), {"url": "https://hooks.lab.example/changed/again"}),
            ("/{webhook_id}/rotate", ("webhook_id",), {}),
            ("/{webhook_id}/test", ("webhook_id",), {}),
            ("/{webhook_id}/end", ("webhook_id",), {}),
            ("/{webhook_id}/messages/{message_id}/resend", ("webhook_id", "message_id"), {}),
        )
    },
    "/partner/contracts/{contract_id}/clients": Act(
        "lab-developer", _contract("active"), lambda g, ids: {"name": "a program", "audience": "api"}
    ),
    "/partner/contracts/{contract_id}/clients/{client_id}/end-earlier": Act("lab-developer", _rotated_client, lambda g, ids: {}),
    "/partner/contracts/{contract_id}/clients/{client_id}/revoke": Act("lab-developer", _client, lambda g, ids: {}),
    "/consent/{authorization_id}": Act("lab-developer", _consent, lambda g, ids: {"answer": "deny"}),
    "/partner/contracts/{contract_id}/clients/{client_id}/rotate": Act("lab-developer", _client, lambda g, ids: {"overlap": "24"}),
    "/partner/contracts/{contract_id}/clients/{client_id}/proof": Act(
        "lab-developer", _client, lambda g, ids: {"jwks_uri": "https://keys.lab.example/jwks", "tokens": "bound"}
    ),
    "/partner/contracts/{contract_id}/registration": Act("lab-developer", _contract("active"), lambda g, ids: {"uses": "1", "days": "7"}),
    "/partner/contracts/{contract_id}/registration/{registration_id}/end": Act("lab-developer", _registration, lambda g, ids: {}),
    "/partner/contracts/{contract_id}/crawlers": Act(
        "lab-developer", _contract("active"), lambda g, ids: {"name": "Zephyr", "keys": crawler_key()[0]}
    ),
    "/partner/contracts/{contract_id}/crawlers/{crawler_id}/prove": Act("lab-developer", _crawler, _crawler_proof),
    "/partner/contracts/{contract_id}/crawlers/{crawler_id}/revoke": Act("lab-developer", _crawler, lambda g, ids: {}),
    "/partner/organisation": Act("lab-lead", _nothing, lambda g, ids: {"organisation_kind": "university", "country": "SE"}),
    "/partner/sandbox": Act("lab-developer", _room_in_the_sandbox, lambda g, ids: {"name": "a program", "dataset": "trees"}),
    "/partner/sandbox/{sandbox_id}/renew": Act("lab-developer", _sandbox, lambda g, ids: {}),
    "/partner/sandbox/{sandbox_id}/revoke": Act("lab-developer", _sandbox, lambda g, ids: {}),
    "/partner/team": Act("lab-lead", _nothing, lambda g, ids: {"email": f"{uuid4().hex}@lab.example", "role": "reader"}),
    "/partner/team/leave": Act("third-reader", _third(), lambda g, ids: {}),
    "/partner/team/{account_id}/roles": Act("third-lead", _third("account_id"), lambda g, ids: {"roles": ["reader", "billing"]}),
    "/partner/team/{account_id}/remove": Act("third-lead", _third("account_id"), lambda g, ids: {}),
    "/partner/team/{account_id}/lead": Act("third-lead", _third("account_id"), lambda g, ids: {}),
    "/partner/leadership/{hand_over_id}/accept": Act("third-reader", _third("hand_over_id", hand_over="offered"), lambda g, ids: {}),
    "/partner/leadership/{hand_over_id}/decline": Act("third-reader", _third("hand_over_id", hand_over="offered"), lambda g, ids: {}),
    "/partner/leadership/{hand_over_id}/withdraw": Act("third-lead", _third("hand_over_id", hand_over="offered"), lambda g, ids: {}),
    "/desk/partners/{organisation_id}/lead": Act(
        "steward",
        _third("organisation_id"),
        lambda g, ids: {"named": g.member_of(ids["organisation_id"], Role.READER), "reason": "Mail to the lead comes back."},
    ),
    "/desk/partners/{organisation_id}/lead/{hand_over_id}/confirm": Act(
        "second-steward", _third("organisation_id", "hand_over_id", hand_over="proposed"), lambda g, ids: {}
    ),
    "/desk/partners/{organisation_id}/lead/{hand_over_id}/withdraw": Act(
        "compliance", _third("organisation_id", "hand_over_id", hand_over="proposed"), lambda g, ids: {}
    ),
    **{f"{_APPLICATION}/{name}": act for name, act in _REVIEW.items()},
    "/desk/applications/{application_id}/draft": Act("steward", _application("approved"), _drafting),
    "/desk/clauses/{clause}/confirm": Act("compliance", _own_clause, _confirming),
    "/partner/contracts/{contract_id}/counter": Act("lab-signatory", _contract("offered"), _wishing),
    "/partner/contracts/{contract_id}/recall": Act("lab-lead", _countered, _revision),
    "/desk/contracts/{contract_id}/revise": Act("steward", _contract("offered"), _revising),
    "/desk/contracts/{contract_id}/decline": Act(
        "second-steward", _countered, lambda g, ids: _revision(g, ids, decline_reason="It was looked at with care.")
    ),
    "/desk/contracts/{contract_id}/offer": Act("steward", _contract("draft"), _revision),
    "/desk/contracts/{contract_id}/countersign": Act("second-steward", _contract("signed"), lambda g, ids: _revision(g, ids, **_SIGNED)),
    "/desk/contracts/{contract_id}/suspend": Act("steward", _contract("active"), lambda g, ids: _revision(g, ids, **_REASON)),
    "/desk/contracts/{contract_id}/ask-lift": Act(
        "compliance", _contract("suspended"), lambda g, ids: _revision(g, ids, lift_reason="It was looked at with care.")
    ),
    "/desk/contracts/{contract_id}/lift": Act("second-steward", _contract("lift_asked"), _revision),
    "/desk/contracts/{contract_id}/terminate": Act("steward", _contract("active"), _titled),
    "/desk/contracts/{contract_id}/clients/{client_id}/revoke": Act("compliance", _client, lambda g, ids: {}),
    "/desk/bars": Act(
        "compliance", _third("organisation_id"), lambda g, ids: {"barred": ids["organisation_id"], "bar_reason": "Records were sold on."}
    ),
    "/desk/bars/{bar_id}/ask-lift": Act(
        "compliance", _bar("in_force"), lambda g, ids: _numbered(g, Bar, ids, lift_reason="It was settled.")
    ),
    "/desk/bars/{bar_id}/keep": Act("compliance", _bar("lift_asked"), lambda g, ids: _numbered(g, Bar, ids)),
    "/desk/bars/{bar_id}/lift": Act("second-steward", _bar("lift_asked"), lambda g, ids: _numbered(g, Bar, ids)),
    "/desk/policies/{policy_id}/confirm": Act("steward", _policy, lambda g, ids: _numbered(g, PolicyChange, ids)),
    "/desk/policies/{policy_id}/decline": Act("compliance", _policy, lambda g, ids: _numbered(g, PolicyChange, ids, **_REASON)),
    "/desk/requests": Act("steward", _nothing, lambda g, ids: _received(g, organisation=g.organisation_of("lab-reader"))),
    "/desk/requests/{request_id}/adopt": Act("steward", _reasoned("entered"), lambda g, ids: _numbered(g, ReasonedRequest, ids)),
    "/desk/requests/{request_id}/ask-amendment": Act(
        "steward",
        _reasoned("entered"),
        lambda g, ids: _numbered(g, ReasonedRequest, ids, ground="no_access", amendment="We hold no such data; heights would do."),
    ),
    "/desk/requests/{request_id}/answer": Act(
        "steward",
        _reasoned("amendment_asked"),
        lambda g, ids: {**_received(g), **_numbered(g, ReasonedRequest, ids, answer="The request is upheld as it stands.")},
    ),
    "/desk/requests/{request_id}/withdraw": Act("steward", _reasoned("entered"), lambda g, ids: _numbered(g, ReasonedRequest, ids)),
    "/desk/people/proposals/{proposal_id}/agree": Act("steward", _proposal, lambda g, ids: {}),
    "/desk/people/proposals/{proposal_id}/decline": Act("steward", _proposal, lambda g, ids: {}),
    "/desk/people": Act("administrator", _nothing, lambda g, ids: {"email": f"{uuid4().hex}@agora.example", "role": "operator"}),
    "/compliance/verify": Act("compliance", _nothing, lambda g, ids: {}),
    "/compliance/deliveries": Act("compliance", _nothing, lambda g, ids: {"person": "keeper-1"}),
    "/compliance/deliveries/letter": Act("compliance", _nothing, lambda g, ids: {"person": "keeper-1"}),
    "/compliance/values": Act("compliance", _nothing, lambda g, ids: {"value": "203.0.113.0/24"}),
    "/compliance/erasure": Act("compliance", _nothing, lambda g, ids: {"dataset": "trees", "key": "3", **_REASON}),
    "/compliance/holds": Act("compliance", _nothing, _hold_form),
    "/compliance/holds/{hold_id}/confirm": Act("steward", _hold("proposed"), lambda g, ids: _numbered(g, Hold, ids)),
    "/compliance/holds/{hold_id}/decline": Act("steward", _hold("proposed"), lambda g, ids: _numbered(g, Hold, ids)),
    "/compliance/holds/{hold_id}/ask-lift": Act(
        "compliance", _hold("in_force"), lambda g, ids: _numbered(g, Hold, ids, lift_reason="The case is closed.")
    ),
    "/compliance/holds/{hold_id}/keep": Act("steward", _hold("lift_asked"), lambda g, ids: _numbered(g, Hold, ids)),
    "/compliance/holds/{hold_id}/lift": Act("steward", _hold("lift_asked"), lambda g, ids: _numbered(g, Hold, ids)),
    "/compliance/visits": Act("compliance", _nothing, _visit_form),
    "/compliance/visits/{visit_id}/end": Act("compliance", lambda g: {"visit_id": g.visit("lab-reader")[0]}, lambda g, ids: {}),
    "/operator/appeals/{appeal_id}": Act(
        "operator",
        lambda g: {"appeal_id": g.appeal()},
        lambda g, ids: {"revision": "1", "act": "uphold", "words": "You read more than a person does."},
    ),
    "/operator/mode": Act("operator", _nothing, lambda g, ids: {"mode": "enforce"}),
    "/operator/bans": Act("operator", _nothing, lambda g, ids: {"target": _network(), "length": "a day", **_REASON}),
    "/operator/bans/lift": Act("operator", _nothing, _banned),
    "/operator/rules": Act("operator", _nothing, lambda g, ids: {"anonymous_budget": "400", "network_factor": "5"}),
}

CHANGES_NOTHING = frozenset({"/partner/organisation", "/compliance/verify", "/account/recovery-codes/file"})

_CONTRACT = "/partner/contracts/{contract_id}"
_HOOKS = ("/partner/webhooks", "/desk/webhooks")

ASKS: dict[str, Kind] = {
    "/account/second-factor/app": Kind.FACTOR,
    "/account/passkeys": Kind.FACTOR,
    "/account/passkeys/{passkey_id}/remove": Kind.FACTOR,
    "/account/recovery-codes": Kind.FACTOR,
    "/desk/lost/{lost_id}/agree": Kind.LOST_FACTOR,
    f"{_CONTRACT}/sign": Kind.SIGN,
    f"{_CONTRACT}/signatory": Kind.MEMBER,
    f"{_CONTRACT}/signed-pdf": Kind.SIGN,
    "/desk/contracts/{contract_id}/paper": Kind.COMPARE,
    f"{_CONTRACT}/certificate": Kind.SIGN,
    "/partner/amendments/{amendment_id}/sign": Kind.SIGN,
    "/desk/amendments/{amendment_id}/countersign": Kind.COUNTERSIGN,
    "/desk/agreements/{agreement_id}/confirm": Kind.COUNTERSIGN,
    "/desk/contracts/{contract_id}/countersign": Kind.COUNTERSIGN,
    f"{_CONTRACT}/clients": Kind.CREDENTIAL,
    f"{_CONTRACT}/clients/{{client_id}}/rotate": Kind.CREDENTIAL,
    f"{_CONTRACT}/clients/{{client_id}}/proof": Kind.CREDENTIAL,
    f"{_CONTRACT}/clients/{{client_id}}/end-earlier": Kind.STOP_CREDENTIAL,
    f"{_CONTRACT}/clients/{{client_id}}/revoke": Kind.STOP_CREDENTIAL,
    "/desk/contracts/{contract_id}/clients/{client_id}/revoke": Kind.STOP_CREDENTIAL,
    f"{_CONTRACT}/registration": Kind.CREDENTIAL,
    f"{_CONTRACT}/registration/{{registration_id}}/end": Kind.STOP_CREDENTIAL,
    f"{_CONTRACT}/crawlers": Kind.CREDENTIAL,
    f"{_CONTRACT}/crawlers/{{crawler_id}}/prove": Kind.CREDENTIAL,
    f"{_CONTRACT}/crawlers/{{crawler_id}}/revoke": Kind.STOP_CREDENTIAL,
    f"{_PROJECT}/members": Kind.MEMBER,
    f"{_PROJECT}/members/{{member_id}}/remove": Kind.MEMBER,
    **dict.fromkeys((f"{base}{path}" for base in _HOOKS for path in ("", "/{webhook_id}", "/{webhook_id}/rotate")), Kind.WEBHOOK),
    **dict.fromkeys(
        (f"{base}/{{webhook_id}}{path}" for base in _HOOKS for path in ("/test", "/end", "/messages/{message_id}/resend")),
        Kind.KEEP_WEBHOOK,
    ),
    "/partner/team": Kind.MEMBER,
    "/partner/team/{account_id}/roles": Kind.MEMBER,
    "/partner/team/{account_id}/remove": Kind.MEMBER,
    "/partner/team/{account_id}/lead": Kind.MEMBER,
    "/partner/leadership/{hand_over_id}/accept": Kind.MEMBER,
    "/desk/people": Kind.MEMBER,
    "/desk/people/proposals/{proposal_id}/agree": Kind.MEMBER,
    "/desk/policies/{policy_id}/confirm": Kind.WIDEN,
}
"""The kind of each act that asks for a second factor (contracts.people.assurance); staff give one before every act."""

FREE = frozenset(
    {
        *("/account/password", "/account/sessions/end-others", "/account/sessions/{session_ref}/end"),
        *("/account/second-factor", "/account/second-factor/passkey", "/account/recovery-codes/file"),
        *(f"{_PROJECT}/membership", f"{_PROJECT}/membership/leave", "/partner/contracts/{contract_id}/membership"),
        *("/partner/applications/{application_id}/evidence", "/partner/evidence/{evidence_id}/remove"),
        *("/partner/contracts/{contract_id}/counter", "/partner/contracts/{contract_id}/recall"),
        *("/apply", "/partner/applications/{application_id}", "/partner/applications/{application_id}/withdraw"),
        *("/partner/contracts/{contract_id}/signatory/remind", "/partner/contracts/{contract_id}/signatory/withdraw"),
        "/partner/applications/{application_id}/sections/{section_id}",
        *("/partner/contracts/{contract_id}/renew", "/partner/amendments/{amendment_id}/decline"),
        "/partner/applications/{application_id}/appeal",
        *("/consent/{authorization_id}", "/partner/organisation", "/partner/team/lost/{lost_id}/stop"),
        *("/partner/team/leave", "/partner/leadership/{hand_over_id}/decline", "/partner/leadership/{hand_over_id}/withdraw"),
        *("/partner/sandbox", "/partner/sandbox/{sandbox_id}/renew", "/partner/sandbox/{sandbox_id}/revoke"),
    }
)
"""What partners' people and everyone upon their own account do by a password alone."""


@dataclass(frozen=True)
class Foreign:
    """A parameter that names a thing: those of a partner, and one like them that nobody has."""

    theirs: Callable[[Ground, Things], Sequence[str]]
    missing: Callable[[], str]


def _entries(ground: Ground, things: Things) -> list[str]:
    found = ground.entries(*things.contracts.values())
    return [*found[:3], *found[-4:]]


PARAMETERS: dict[str, Foreign] = {
    "application_id": Foreign(lambda g, things: list(things.applications.values()), lambda: new_id("app")),
    "contract_id": Foreign(lambda g, things: list(things.contracts.values()), lambda: new_id("ctr")),
    "amendment_id": Foreign(lambda g, things: things.amendments, lambda: new_id("amd")),
    "round_id": Foreign(lambda g, things: things.rounds, lambda: new_id("rnd")),
    "agreement_id": Foreign(lambda g, things: things.agreements, lambda: new_id("agr")),
    "client_id": Foreign(lambda g, things: [each.client_id for each in things.clients.values()], lambda: new_id("cli")),
    "crawler_id": Foreign(lambda g, things: [things.crawler], lambda: new_id("bot")),
    "registration_id": Foreign(lambda g, things: [things.registration], lambda: new_id("iat")),
    "sandbox_id": Foreign(lambda g, things: things.sandboxes, lambda: new_id("cli")),
    "authorization_id": Foreign(lambda g, things: things.authorizations, lambda: new_id("aut")),
    "section_id": Foreign(lambda g, things: ["money"], lambda: "mandolin"),
    "entry_id": Foreign(_entries, lambda: new_id("ent")),
    "search_id": Foreign(lambda g, things: [things.search], lambda: new_id("ent")),
    "member_id": Foreign(lambda g, things: [things.member], lambda: new_id("prm")),
    "webhook_id": Foreign(lambda g, things: [things.webhook], lambda: new_id("whe")),
    "message_id": Foreign(lambda g, things: [things.message], lambda: new_id("msg")),
    "evidence_id": Foreign(lambda g, things: things.evidence, lambda: new_id("evd")),
    "session_ref": Foreign(
        lambda g, things: g.sessions_of("lab-founder" if things is g.lab else "rival-founder")[:2], lambda: new_id("ses")
    ),
    "account_id": Foreign(lambda g, things: [g.account_of("lab-reader" if things is g.lab else "rival-reader")], lambda: new_id("acc")),
    "hand_over_id": Foreign(lambda g, things: things.hand_overs, lambda: new_id("hnd")),
    "organisation_id": Foreign(
        lambda g, things: [g.organisation_of("lab-reader" if things is g.lab else "rival-reader")], lambda: new_id("org")
    ),
    # Who has a link has what it gives; what the store keeps of links must open none.
    "token": Foreign(lambda g, things: g.link_hashes()[:3], lambda: new_secret("ln")),
    "bar_id": Foreign(lambda g, things: [things.bar], lambda: new_id("bar")),
    "proposal_id": Foreign(lambda g, things: [things.proposal], lambda: new_id("prp")),
    "policy_id": Foreign(lambda g, things: [things.policy], lambda: new_id("pol")),
    "hold_id": Foreign(lambda g, things: [things.hold], lambda: new_id("hld")),
    "appeal_id": Foreign(lambda g, things: [things.appeal], lambda: new_id("apl")),
    "visit_id": Foreign(lambda g, things: [things.visit], lambda: new_id("vis")),
    "request_id": Foreign(lambda g, things: [things.request], lambda: new_id("dsc")),
    "lost_id": Foreign(lambda g, things: things.lost, lambda: new_id("los")),
    "passkey_id": Foreign(lambda g, things: things.passkeys, lambda: "f" * 64),
    # Outside the API datasets are public. There one is foreign that only another's contract names.
    "dataset_id": Foreign(lambda g, things: ["benches"], lambda: "nothing"),
}
"""Every parameter of a path that names something of somebody."""

NOBODYS: dict[str, str] = {
    "GET /sign-in/with/{provider_id}": "an institution of the settings, for everyone",
    "GET /sign-in/with/{provider_id}/back": "an institution of the settings, for everyone",
    "GET /datasets/{dataset_id}": "the catalogue is for everyone",
    "GET /desk/templates/{template}": "one of a few words",
    "GET /decision/{decision_id}": "sealed by the house, and told to whoever was stopped alone; names nobody",
    "POST /decision/{decision_id}": "sealed by the house, and told to whoever was stopped alone; names nobody",
    "POST /desk/clauses/{clause}/confirm": "a file of the operator's own",
    "GET /apply/{dataset_id}": "the questions are for everyone",
    "GET /desk/forms/{dataset_id}/{kind}": "what everyone is asked, for staff",
    "GET /consent/refused/{code}": "one of the house's own codes",
    "GET /ledger/consistency/{old}": "a size of the tree, which is for everyone",
    "GET /ledger/tile/{level}/{place:path}": "hashes of the tree are for everyone; bundles of entries are for nobody here",
    **dict.fromkeys(
        ("GET /ledger/logs/{number}/checkpoint", "GET /ledger/logs/{number}/tile/{level}/{place:path}"),
        "what a closed log published is for everyone",
    ),
    "POST /demo/become/{key}": "the demo's invented people, and only there",
    **dict.fromkeys(
        (f"{method} /gate/envoy/{{target:path}}" for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
        "a page of the main site, as its proxy asks",
    ),
}
"""Routes whose parameters name nothing of anybody, and why."""

NAMES: dict[str, str] = {
    **dict.fromkeys(("iss", "error", "link"), "of a provider's answer, compared or one of a few words"),
    **dict.fromkeys(
        (
            "name",
            "capacity",
            "email",
            "password",
            "new_password",
            "country",
            "organisation_name",
            "organisation_kind",
            "read",
            "authority",
            "signatory_name",
            "signatory_email",
        ),
        "of the person",
    ),
    **dict.fromkeys(("project", "kind", "purpose", "purpose_text", "fields", "crawl", "starts", "ends"), "what is applied for"),
    **dict.fromkeys(
        ("prohibited", "erasure_hours", "territory", "named_users", "bound_tokens", "oauth_only"),
        "terms that staff write",
    ),
    **dict.fromkeys(
        ("aggregates", "aggregate_people", "aggregates_alone"),
        "terms that staff write",
    ),
    **dict.fromkeys(
        ("since", "price", "currency", "retention_days", "records_in_period", "distinct_records", "concurrent_requests"),
        "terms that staff write",
    ),
    **dict.fromkeys(
        ("bytes_per_day", "bytes_in_period"),
        "terms that staff write",
    ),
    **dict.fromkeys(
        ("refresh_days", "certificate_days", "audits_per_year", "audit_notice_days", "publish_free"),
        "terms that staff write",
    ),
    **dict.fromkeys(("reason", "end_reason", "lift_reason", "title", "note", "decline_reason"), "words of an act"),
    **dict.fromkeys(("older", "newer"), "numbers of versions of the own contract that were offered"),
    **dict.fromkeys(("form", "ask", "days"), "one of a few words"),
    "asked_on": "of a letter to somebody outside",
    "take": "one of a few words",
    **dict.fromkeys(("return_reason", "recuse_reason", "extend_reason", "basis_reason", "appeal_reason", "remark"), "words of an act"),
    **dict.fromkeys(("decline_code", "return_code", "basis", "advice", "shared"), "one of a few words"),
    **dict.fromkeys(("assignee", "reviewer"), "read on pages of staff alone, and looked up among staff"),
    **dict.fromkeys(
        ("reason", "end_reason", "lift_reason", "back_reason", "register_reason", "statement", "accept_by", "title"), "words of an act"
    ),
    "withheld": "some of a few words",
    "short_hash": "compared with our own, on a page of staff alone",
    "application": "read on a page of staff alone",
    **dict.fromkeys(
        ("act", "audience", "who", "mode", "role", "done", "decision", "effect", "show", "state", "format"), "one of a few words"
    ),
    **dict.fromkeys(
        ("after", "case", "key", "q", "until", "organisation", "contract", "event", "person", "value"), "read on pages of staff alone"
    ),
    **dict.fromkeys(("networks", "last_day", "overlap", "datasets", "scopes"), "bounds of an own client, checked against its contract"),
    **dict.fromkeys(("roles",), "some of a few words"),
    "named": "read on a page of staff alone",
    **dict.fromkeys(
        ("target", "length", "anonymous_budget", "network_factor", "classes", "open_classes"), "read on a page of operators alone"
    ),
    **dict.fromkeys(("url", "events"), "of an own webhook: an address, and some of a few words"),
    "redirect_uris": "addresses of the partner's own programs",
    **dict.fromkeys(("keys", "directory_url", "signature"), "public keys of the partner's own crawlers, and what they sign"),
    "revision": "a number that is compared",
    "section": "a section of the form of the own application",
    **dict.fromkeys(("code", "codes"), "secrets of the person, looked up under the own account alone"),
    **dict.fromkeys(("how_known", "words"), "words of an act"),
    **dict.fromkeys(("sha256", "text_read"), "a hash that is compared"),
    "chosen": "read on a page of staff alone",
    **dict.fromkeys(("barred", "bar_reason"), "read on pages of staff alone"),
    **dict.fromkeys(
        ("coordinator", "reference", "received_on", "text", "modalities", "amendment", "ground"), "read on pages of staff alone"
    ),
    **dict.fromkeys(("slice", "partner", "scope", "owner"), "read on a page of compliance alone"),
    "credential": "an answer to a challenge, checked against the own account's passkeys",
    "sealed": "a secret that opens for the account alone for which it was sealed",
    "to": "the mailbox page of tests and demos, which shows every mail to everyone",
    "dataset": "the catalogue is for everyone",
    "dataset_id": "walked",
    "entry_id": "walked",
    "before": "test_a_place_in_another_partners_list_shows_nothing_of_it",
    "cursor": "test_a_cursor_of_another_contract_is_no_cursor",
    "answer": "one of a few words",
    "document": "one of a few words",
    **dict.fromkeys(("position", "agreed", "member_reason"), "words of an act"),
    "tokens": "one of a few words",
    **dict.fromkeys(("jwks", "jwks_uri"), "keys of an own client, which are public"),
    "token": "test_a_token_of_another_partner_is_none_to_ask_about_and_none_to_give_back",
    **dict.fromkeys(
        ("token_type_hint", "grant_type", "code_challenge_method", "response_type", "license_type", "client_assertion_type"),
        "one of a few words",
    ),
    **dict.fromkeys(("code_challenge", "dpop_jkt"), "a hash that is compared"),
    "authorization_details": "narrowed to the own contract",
    **dict.fromkeys(("limit", "uses", "days"), "a number"),
    **dict.fromkeys(("sample", "seed"), "numbers, hashed under the own contract's key"),
    "next": "test_the_next_page_lies_on_this_portal_and_gives_no_right",
    "client_id": "test_a_client_of_another_partner_is_unknown_without_its_secret",
    **dict.fromkeys(("resource", "license"), "compared with our own"),
}
"""Every name that a page or endpoint reads: why it carries nobody's id, or the test that carries another's."""
