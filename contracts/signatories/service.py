"""Who signs for a partner: the lead names the person, who gets a link by mail, reads, makes an account, and signs under it.

Everything works in the caller's unit of work. The contract's row is held, so that two leads who name somebody take turns.
"""

from __future__ import annotations

from collections.abc import Mapping

from contracts.addresses import address
from contracts.clock import long_day
from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.queries import visible_to
from contracts.lifecycle.tables import Contract
from contracts.notices import audience, send
from contracts.people import assurance, links
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.decide import tidy
from contracts.people.invitations import accept_invitation
from contracts.people.links import LinkKind
from contracts.people.queries import platform_name
from contracts.people.roles import Role
from contracts.people.tables import Account, OneTimeLink, Organisation
from contracts.settings import Settings
from contracts.signatories.decide import decide_naming, decide_reminder
from contracts.signatories.queries import asked_by, open_request
from contracts.signatories.tables import SigningRequest
from contracts.store.unit import Unit


def name_signatory(unit: Unit, actor: Actor, contract_id: str, *, name: str, email: str, base_url: str) -> str:
    """Ask a person to sign; returns the link, which a page shows only where no mail leaves.

    Raises `role_required`, `command_not_possible`, `invalid_input`, and what `Act.MEMBER` asks for: the person gets a role.
    """
    contract, email = _theirs(unit, actor, contract_id), address(email)
    _insist(decide_naming(contract, open_request(unit.session, contract.id), actor, tidy(name), email))
    assurance.insist(actor, Act.MEMBER, unit.now)
    token, link = _link(unit, actor.account_id, email, contract)
    unit.session.flush()
    row = SigningRequest(
        id=new_id("sgr"),
        contract_id=contract.id,
        name=tidy(name),
        email=email,
        named_by=actor.account_id,
        link_id=link.id,
        created_at=unit.now,
    )
    unit.session.add(row)
    _note(unit, actor, contract, row, "signatory.named", email=email)
    return _mail(unit, actor.name, contract, row, "contract-to-sign", f"{base_url}/sign/{token}", link, base_url)


def remind(unit: Unit, actor: Actor, contract_id: str, base_url: str) -> str:
    """Send the person another mail; the earlier link ends where they did not use it. Returns the link as `name_signatory` does."""
    contract = _theirs(unit, actor, contract_id)
    row = open_request(unit.session, contract.id)
    _insist(decide_reminder(contract, row, unit.now))
    if row is None:
        raise refuse("not_found", "There is no such thing here.")
    row.reminded_at, row.reminders = unit.now, row.reminders + 1
    if row.accepted_by is None:
        links.void(unit, LinkKind.SIGNATORY, row.email, next_path=_path(contract))
        token, link = _link(unit, actor.account_id, row.email, contract)
        unit.session.flush()
        row.link_id, url = link.id, f"{base_url}/sign/{token}"
    else:
        link, url = unit.session.get_one(OneTimeLink, row.link_id), f"{base_url}{_path(contract)}"
    unit.session.add(row)
    _note(unit, actor, contract, row, "signatory.reminded")
    return _mail(unit, actor.name, contract, row, "contract-to-sign-again", url, link, base_url)


def withdraw(unit: Unit, actor: Actor, contract_id: str) -> None:
    """Take back who is to sign: the link ends and the person is told. A role that the person took up stays the lead's to take."""
    contract = _theirs(unit, actor, contract_id)
    row = open_request(unit.session, contract.id)
    if row is None:
        raise refuse("command_not_possible", "Nobody is asked to sign this contract now.")
    row.withdrawn_at = unit.now
    unit.session.add(row)
    links.void(unit, LinkKind.SIGNATORY, row.email, next_path=_path(contract))
    facts = {"name": row.name, "by": actor.name, "organisation": _organisation(unit, contract), "title": contract.title}
    send(unit, to=row.email, template="contract-not-to-sign", facts=facts)
    _note(unit, actor, contract, row, "signatory.withdrawn")


def accept(unit: Unit, token: str, *, name: str, password_hash: str) -> tuple[Account, str]:
    """The person comes by the link: an account where they have none, the role, and the path of the contract to sign."""
    asked = asked_by(unit.session, token, unit.now)
    account = accept_invitation(unit, token, name=name, password_hash=password_hash, kinds=(LinkKind.SIGNATORY,))
    row = unit.lock(SigningRequest, asked.request.id)
    row.accepted_by, row.accepted_at = account.id, unit.now
    unit.session.add(row)
    return account, f"{_path(asked.contract)}#sign"


def reoffered(unit: Unit, contract: Contract, note: str, settings: Settings) -> None:
    """Tell the person who was asked to sign and has not come yet of another version, by a fresh link; the earlier one ends.

    Who may sign already hears of it as everyone does who may. Where no mail leaves, the link that the lead handed over goes on.
    """
    row = open_request(unit.session, contract.id)
    if row is None or settings.mail.transport == "none" or row.email in _binders(unit, contract):
        return
    links.void(unit, LinkKind.SIGNATORY, row.email, next_path=_path(contract))
    lead, base_url = unit.session.get_one(Account, row.named_by), settings.base_url.rstrip("/")
    token, link = _link(unit, lead.id, row.email, contract)
    unit.session.flush()
    row.link_id = link.id
    unit.session.add(row)
    more = {"version": str(contract.version), "note": note}
    _mail(unit, lead.name, contract, row, "contract-to-sign-changed", f"{base_url}/sign/{token}", link, base_url, more)


def signed(unit: Unit, contract: Contract, signer: str) -> None:
    """Close the request, if there is one, because the contract was signed; the leads are told."""
    row = open_request(unit.session, contract.id)
    if row is None:
        return
    row.signed_at = unit.now
    unit.session.add(row)
    links.void(unit, LinkKind.SIGNATORY, row.email, next_path=_path(contract))
    known = {"signer": signer, "organisation": _organisation(unit, contract), "title": contract.title}
    for reader in audience.partners(unit.session, contract.organisation_id, Role.LEAD):
        send(unit, to=reader.email, template="signatory-signed", facts={"name": reader.name, **known}, path=_path(contract))


def _theirs(unit: Unit, actor: Actor, contract_id: str) -> Contract:
    contract = unit.lock(Contract, contract_id)
    if actor.is_staff or not visible_to(actor, contract):
        raise refuse("not_found", "There is no such thing here.")
    actor.require(Role.LEAD)
    return contract


def _link(unit: Unit, given_by: str, email: str, contract: Contract) -> tuple[str, OneTimeLink]:
    role, home = Role.SIGNATORY.value, contract.organisation_id
    return links.make(unit, LinkKind.SIGNATORY, email, organisation_id=home, role=role, given_by=given_by, next_path=_path(contract))


def _mail(
    unit: Unit,
    by: str,
    contract: Contract,
    row: SigningRequest,
    template: str,
    url: str,
    link: OneTimeLink,
    base_url: str,
    more: Mapping[str, str] | None = None,
) -> str:
    facts = {
        "name": row.name,
        "by": by,
        "organisation": _organisation(unit, contract),
        "title": contract.title,
        "platform": platform_name(unit.session, base_url),
        "until": long_day(link.expires_at.date()),
        "link": url,
        **(more or {}),
    }
    send(unit, to=row.email, template=template, facts=facts)
    return url


def _path(contract: Contract) -> str:
    return f"/partner/contracts/{contract.id}"


def _binders(unit: Unit, contract: Contract) -> set[str]:
    return {each.email for each in audience.partners(unit.session, contract.organisation_id, Role.LEAD, Role.SIGNATORY)}


def _organisation(unit: Unit, contract: Contract) -> str:
    return unit.session.get_one(Organisation, contract.organisation_id).name


def _note(unit: Unit, actor: Actor, contract: Contract, row: SigningRequest, event: str, **personal: str) -> None:
    entry = Entry(
        event=event,
        subject=contract.id,
        organisation=contract.organisation_id,
        contract=contract.id,
        facts={"request": row.id},
        personal=actor.personal(name=row.name, **personal),
    )
    record(unit, entry)


def _insist(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal)
