"""Passkeys (WebAuthn level 2): registered, used and removed. The one place that knows the library.

A challenge is random, sealed for one purpose and one browser, good for five minutes and answered once: its hash is kept from the first
answer on. Verifying takes no lock and happens before the unit of work that keeps what follows from it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import delete, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from contracts.errors import Misconfigured, Refused, refuse
from contracts.ids import secret_hash
from contracts.keys import KeyRing
from contracts.networks import parse
from contracts.people.decide import name_problem, tidy
from contracts.people.factor_tables import Passkey, PasskeyChallenge
from contracts.people.factors import first_codes, record_factor, tell_owner
from contracts.people.tables import Account
from contracts.settings import Settings
from contracts.store.unit import Store, Unit

CHALLENGE_LIFETIME = timedelta(minutes=5)
MAX_PASSKEYS = 10
Purpose = Literal["register", "confirm", "sign-in"]


@dataclass(frozen=True, slots=True)
class Party:
    """The portal as browsers know it: host, origin, and the name that they show (WebAuthn section 4, relying party)."""

    id: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a browser has to answer, and to what it is bound: `browser` is SHA-256 of the cookie."""

    value: bytes
    purpose: Purpose
    browser: str


@dataclass(frozen=True, slots=True)
class Used:
    """A passkey that answered: whose it is, its new count, and whether it made sure of its owner by itself."""

    passkey_id: str
    account_id: str
    sign_count: int
    verified: bool


def party_of(settings: Settings) -> Party:
    """The portal as a relying party."""
    at = urlsplit(settings.base_url)
    return Party(at.hostname or "", f"{at.scheme}://{at.netloc}", settings.platform.name)


def takes_passkeys(settings: Settings) -> bool:
    """Whether browsers make passkeys at the portal's address: by https or on localhost, and never under a bare address."""
    at = urlsplit(settings.base_url)
    return parse(at.hostname or "") is None and (at.scheme == "https" or at.hostname == "localhost")


def new_challenge(keys: KeyRing, purpose: Purpose, browser: str, now: datetime) -> tuple[Challenge, str]:
    """A challenge, and the same sealed for the form that brings the answer; `browser` is the cookie that it is bound to."""
    challenge = Challenge(secrets.token_bytes(32), purpose, secret_hash(browser))
    told = json.dumps({"challenge": challenge.value.hex(), "at": now.isoformat()}).encode()
    return challenge, base64.urlsafe_b64encode(keys.wrap(told, _context(purpose, challenge.browser))).decode()


def opened_challenge(keys: KeyRing, purpose: Purpose, browser: str, sealed: str, now: datetime) -> Challenge:
    """The challenge that was sealed for this purpose and browser within five minutes; raises `link_unusable` for anything else."""
    try:
        told = json.loads(keys.unwrap(base64.urlsafe_b64decode(sealed), _context(purpose, secret_hash(browser))))
    except (Misconfigured, binascii.Error, ValueError) as error:
        raise _stale() from error
    if now - datetime.fromisoformat(told["at"]) > CHALLENGE_LIFETIME:
        raise _stale()
    return Challenge(bytes.fromhex(told["challenge"]), purpose, secret_hash(browser))


def creation_options(party: Party, account: Account, held: tuple[Passkey, ...], challenge: Challenge) -> str:
    """What the browser is asked for to make a passkey, as JSON (WebAuthn section 5.4)."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_name=account.email,
        user_id=account.id.encode(),
        user_display_name=account.name,
        challenge=challenge.value,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each.credential_id) for each in held],
    )
    return webauthn.options_to_json(options)


def request_options(party: Party, held: tuple[Passkey, ...], challenge: Challenge) -> str:
    """What the browser is asked for to show a passkey: one of those held, or any that makes sure of its owner where none are named."""
    verification = UserVerificationRequirement.PREFERRED if held else UserVerificationRequirement.REQUIRED
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge.value,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each.credential_id) for each in held],
        user_verification=verification,
    )
    return webauthn.options_to_json(options)


def verified_new(party: Party, challenge: Challenge, credential: str, account_id: str, name: str, now: datetime) -> Passkey:
    """The passkey that the browser made for a person, not kept yet (WebAuthn section 7.1). Raises `code_wrong` and `invalid_input`."""
    if problem := name_problem(tidy(name), "Give the passkey a name, for example the device that holds it."):
        raise refuse("invalid_input", "Some fields need your attention.", fields={"name": problem})
    try:
        made = webauthn.verify_registration_response(
            credential=credential, expected_challenge=challenge.value, expected_rp_id=party.id, expected_origin=party.origin
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise _wrong() from error
    return Passkey(
        id=_id_of(made.credential_id),
        account_id=account_id,
        name=tidy(name),
        created_at=now,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        backed_up=made.credential_backed_up,
    )


def add_passkey(unit: Unit, challenge: Challenge, made: Passkey) -> list[str]:
    """Keep a passkey; returns the person's first recovery codes, and an empty list where there are some already.

    Raises `link_unusable` where the challenge was answered before, and `command_not_possible` above ten passkeys.
    """
    account_id = made.account_id
    unit.lock(Account, account_id)
    _spend(unit, challenge, account_id)
    if len(passkeys_of(unit.session, account_id)) >= MAX_PASSKEYS:
        raise refuse("command_not_possible", "You have ten passkeys. Remove one that you no longer use.")
    if unit.session.get(Passkey, made.id) is not None:
        raise refuse("command_not_possible", "This passkey is registered already.")
    unit.session.add(made)
    record_factor(unit, "account.second_factor_added", account_id, "passkey")
    tell_owner(unit, account_id, "passkey-added", passkey=made.name)
    return first_codes(unit, account_id)


def verified_use(session: Session, party: Party, challenge: Challenge, credential: str, account_id: str = "") -> Used:
    """Which passkey answered the challenge (WebAuthn section 7.2). Raises `code_wrong`.

    Where `account_id` is known the passkey must be that person's; where it is not, the passkey signs in by itself and must have made
    sure of its owner. A count that did not grow means that a copy exists, and is refused.
    """
    row = _named(session, credential)
    if row is None or (account_id and row.account_id != account_id):
        raise _wrong()
    try:
        used = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge.value,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=not account_id,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise _wrong() from error
    return Used(row.id, row.account_id, used.new_sign_count, used.user_verified)


def use_passkey(unit: Unit, challenge: Challenge, used: Used, network: str = "") -> None:
    """Keep that the passkey was used: the challenge is spent and the count moves on, in one unit however many try.

    Raises `link_unusable` for a challenge that was answered before, `code_wrong` for a passkey that was removed or used meanwhile.
    """
    _spend(unit, challenge, used.account_id)
    count = col(Passkey.sign_count)
    moves = update(Passkey).where(col(Passkey.id) == used.passkey_id, or_(count < used.sign_count, (count == 0) & (used.sign_count == 0)))
    if unit.connection.execute(moves.values(sign_count=used.sign_count, last_used_at=unit.now)).rowcount != 1:
        raise _wrong()
    record_factor(unit, "account.second_factor_given", used.account_id, "passkey", network)


def note_refused(unit: Unit, account_id: str, network: str) -> None:
    """Record that a passkey was refused; `account_id` is empty where nobody knows whose it was."""
    record_factor(unit, "account.second_factor_given", account_id, "passkey", network, refused=True)


def remove_passkey(unit: Unit, account_id: str, passkey_id: str) -> None:
    """Remove a passkey of the person; `not_found` for any other."""
    mine = delete(Passkey).where(col(Passkey.id) == passkey_id, col(Passkey.account_id) == account_id).returning(col(Passkey.name))
    name = unit.connection.execute(mine).scalar_one_or_none()
    if name is None:
        raise refuse("not_found", "There is no such passkey of yours.")
    record_factor(unit, "account.second_factor_removed", account_id, "passkey")
    tell_owner(unit, account_id, "passkey-removed", passkey=name)


def passkeys_of(session: Session, account_id: str) -> tuple[Passkey, ...]:
    """The person's passkeys, oldest first."""
    return tuple(session.exec(select(Passkey).where(Passkey.account_id == account_id).order_by(col(Passkey.created_at))).all())


def sweep_challenges(store: Store, most: int = 500) -> int:
    """Forget answered challenges that nobody could answer any more; returns how many."""
    with store.read() as session:
        old = session.exec(select(PasskeyChallenge.id).where(PasskeyChallenge.expires_at <= store.clock.now()).limit(most)).all()
    if old:
        with store.write("challenge sweep") as unit:
            unit.connection.execute(delete(PasskeyChallenge).where(col(PasskeyChallenge.id).in_(old)))
    return len(old)


def _named(session: Session, credential: str) -> Passkey | None:
    try:
        told = json.loads(credential)
        raw = webauthn.base64url_to_bytes(told["rawId"])
    except (ValueError, TypeError, KeyError):
        return None
    return session.get(Passkey, _id_of(raw))


def _spend(unit: Unit, challenge: Challenge, account_id: str) -> None:
    ends = unit.now + CHALLENGE_LIFETIME
    row = PasskeyChallenge(
        id=hashlib.sha256(challenge.value).hexdigest(),
        purpose=challenge.purpose,
        browser=challenge.browser,
        account_id=account_id,
        created_at=unit.now,
        expires_at=ends,
        used_at=unit.now,
    )
    try:
        with unit.session.begin_nested():
            unit.session.add(row)
    except IntegrityError as error:
        raise _stale() from error


def _id_of(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _context(purpose: Purpose, browser: str) -> str:
    return f"passkey|{purpose}|{browser}"


def _stale() -> Refused:
    return refuse("link_unusable", "The browser took too long, or this was answered before. Try again.")


def _wrong() -> Refused:
    return refuse("code_wrong", "This passkey was not accepted. Try again, or use another way.")
