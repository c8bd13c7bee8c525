"""A new password: chosen by who knows the old one, or by who has the account's mail. Every other session ends with the old one.

A new password is one factor and no more: whoever signs in after gives the second one as ever (NIST SP 800-63B-4, 4.2).
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from contracts.addresses import address
from contracts.ledger.stage import Entry, record
from contracts.notices import send
from contracts.people import links
from contracts.people.accounts import home_of, locked_account
from contracts.people.actor import Actor
from contracts.people.links import LinkKind
from contracts.people.queries import platform_name
from contracts.people.sessions import close_sessions_of, reauthenticate
from contracts.people.tables import Account, OneTimeLink
from contracts.store.unit import Unit

MAILS_AN_HOUR = 3


def change_password(unit: Unit, actor: Actor, token: str, password_hash: str, base_url: str) -> str:
    """Keep the new password of a person whose old one the edge has verified; returns the new token of this session.

    Every other session of the person ends, and the person gets a mail. Raises `sign_in_required` where this session has ended.
    """
    account = unit.lock(Account, actor.account_id)
    fresh = reauthenticate(unit, token)
    close_sessions_of(unit, account.id, but=fresh)
    _keep(unit, account, password_hash, base_url, {"network": actor.network})
    return fresh


def ask_reset(unit: Unit, email: str, *, network: str, base_url: str) -> None:
    """Send a link that sets a new password to a confirmed account; nothing is sent for any other address, and the caller cannot tell.

    The link works once, for an hour, and ends earlier ones. An address gets at most three such mails an hour.
    """
    kept = address(email)
    account = locked_account(unit, kept)
    asked = {"email": kept[:254], "network": network}
    if account is None or account.confirmed_at is None or account.disabled_at is not None or _sent(unit, kept) >= MAILS_AN_HOUR:
        record(unit, Entry(event="account.reset_asked", decision="refuse", rule="link_unusable", personal=asked))
        return
    links.void(unit, LinkKind.RESET, kept)
    token, _ = links.make(unit, LinkKind.RESET, kept, account_id=account.id)
    facts = {"name": account.name, "platform": platform_name(unit.session, base_url), "link": f"{base_url}/reset/{token}"}
    send(unit, to=kept, template="reset-password", facts=facts)
    personal = {"account": account.id, "network": network}
    record(unit, Entry(event="account.reset_asked", subject=account.id, organisation=home_of(unit, account.id), personal=personal))


def reset_password(unit: Unit, token: str, password_hash: str, *, network: str, base_url: str) -> None:
    """Keep the new password that the link's owner chose. Signs nobody in and ends every session. Raises `link_unusable`."""
    link = links.find(unit.session, token, unit.now, LinkKind.RESET)
    account = unit.lock(Account, link.account_id)
    links.use(unit, token, LinkKind.RESET)
    if account.disabled_at is not None or account.confirmed_at is None:
        raise links.unusable()
    close_sessions_of(unit, account.id)
    _keep(unit, account, password_hash, base_url, {"network": network})


def _keep(unit: Unit, account: Account, password_hash: str, base_url: str, personal: dict[str, str]) -> None:
    account.password_hash = password_hash
    links.void(unit, LinkKind.RESET, account.email)
    facts = {"name": account.name, "platform": platform_name(unit.session, base_url)}
    send(unit, to=account.email, template="password-changed", facts=facts, path="/account")
    known = {"account": account.id, **{name: value for name, value in personal.items() if value}}
    record(unit, Entry(event="account.password_changed", subject=account.id, organisation=home_of(unit, account.id), personal=known))


def _sent(unit: Unit, email: str) -> int:
    query = select(OneTimeLink.id).where(OneTimeLink.kind == LinkKind.RESET.value, OneTimeLink.email == email)
    return len(unit.session.exec(query.where(col(OneTimeLink.created_at) > unit.now - timedelta(hours=1))).all())
