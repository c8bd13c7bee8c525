"""Second factors: setting up an authenticator app, giving a code, and what a person has.

Whoever has an account hears by mail of each change of its factors, so that who did not make it hears of it as well.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from contracts.errors import Misconfigured, Refused, refuse
from contracts.keys import KeyRing
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people import recovery, totp
from contracts.people.factor_tables import Passkey, TotpFactor
from contracts.store.unit import Unit

ENROLMENT_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person can prove beside the password."""

    app_since: datetime | None
    passkeys: tuple[Passkey, ...]
    codes_left: int


def factors_of(session: Session, account_id: str) -> Factors:
    """The person's factors."""
    app = session.get(TotpFactor, account_id)
    keys = session.exec(select(Passkey).where(Passkey.account_id == account_id).order_by(col(Passkey.created_at))).all()
    return Factors(app.created_at if app else None, tuple(keys), recovery.codes_left(session, account_id))


def has_factor(session: Session, account_id: str) -> bool:
    """Whether the person has set up an app or a passkey. Recovery codes alone are none: they stand in for one."""
    keys = select(Passkey.id).where(Passkey.account_id == account_id).limit(1)
    return session.get(TotpFactor, account_id) is not None or session.exec(keys).first() is not None


def begin_app(keys: KeyRing, account_id: str, now: datetime) -> tuple[bytes, str]:
    """A fresh seed for an app, and the same sealed for the form that confirms it: nothing is stored before that."""
    seed = totp.new_seed()
    told = json.dumps({"seed": totp.as_text(seed), "at": now.isoformat()}).encode()
    return seed, base64.urlsafe_b64encode(keys.wrap(told, _enrolment(account_id))).decode()


def begun_app(keys: KeyRing, account_id: str, sealed: str, now: datetime) -> bytes:
    """The seed that `begin_app` sealed for this person within the hour; raises `link_unusable` for anything else."""
    try:
        told = json.loads(keys.unwrap(base64.urlsafe_b64decode(sealed), _enrolment(account_id)))
    except (Misconfigured, binascii.Error, ValueError) as error:
        raise _stale() from error
    if now - datetime.fromisoformat(told["at"]) > ENROLMENT_LIFETIME:
        raise _stale()
    return totp.from_text(told["seed"])


def add_app(unit: Unit, keys: KeyRing, account_id: str, seed: bytes, code: str) -> list[str] | None:
    """Keep the app whose code confirms it, in place of an earlier one; None where the code is not its own.

    Returns the person's first recovery codes, to be shown once, and an empty list where there are some already.
    """
    step = totp.matching_step(seed, _digits(code), unit.now, after=0)
    if step is None:
        record_factor(unit, "account.second_factor_given", account_id, "app", refused=True)
        return None
    unit.connection.execute(delete(TotpFactor).where(col(TotpFactor.account_id) == account_id))
    sealed = keys.wrap(seed, _app(account_id))
    unit.session.add(TotpFactor(account_id=account_id, sealed=sealed, last_step=step, created_at=unit.now))
    record_factor(unit, "account.second_factor_added", account_id, "app")
    tell_owner(unit, account_id, "app-added")
    return first_codes(unit, account_id)


def first_codes(unit: Unit, account_id: str) -> list[str]:
    """Recovery codes for who has none; an empty list for everyone else."""
    return _make_codes(unit, account_id) if recovery.codes_left(unit.session, account_id) == 0 else []


def new_codes(unit: Unit, account_id: str) -> list[str]:
    """Ten recovery codes in place of those before, of which the person gets a mail."""
    tell_owner(unit, account_id, "recovery-codes-made")
    return _make_codes(unit, account_id)


def give_code(unit: Unit, keys: KeyRing, account_id: str, typed: str, network: str = "") -> str:
    """What the code was: "app", "recovery_code", or "" where it is refused, which is an entry as well.

    Each code works once, however many try it at the same moment (RFC 6238 section 5.2).
    """
    is_short = totp.looks_like_code(typed)
    worked = _use_app(unit, keys, account_id, _digits(typed)) if is_short else recovery.use_code(unit, account_id, typed)
    method = "app" if is_short else "recovery_code"
    record_factor(unit, "account.second_factor_given", account_id, method, network, refused=not worked)
    if worked and not is_short:
        tell_owner(unit, account_id, "recovery-code-used", left=str(recovery.codes_left(unit.session, account_id)))
    return method if worked else ""


def tell_owner(unit: Unit, account_id: str, template: str, **facts: str) -> None:
    """A mail to the person whose factors have changed."""
    for reader in audience.account(unit.session, account_id):
        send(unit, to=reader.email, template=template, facts={"name": reader.name, **facts}, path="/account")


def _make_codes(unit: Unit, account_id: str) -> list[str]:
    codes = recovery.make_codes(unit, account_id)
    record_factor(unit, "account.recovery_codes_made", account_id, "recovery_code")
    return codes


def _use_app(unit: Unit, keys: KeyRing, account_id: str, code: str) -> bool:
    row = unit.session.get(TotpFactor, account_id, populate_existing=True)
    if row is None:
        return False
    step = totp.matching_step(keys.unwrap(row.sealed, _app(account_id)), code, unit.now, row.last_step)
    if step is None:
        return False
    unused = update(TotpFactor).where(col(TotpFactor.account_id) == account_id, col(TotpFactor.last_step) < step)
    return unit.connection.execute(unused.values(last_step=step)).rowcount == 1


def _digits(typed: str) -> str:
    return "".join(typed.split())


def _app(account_id: str) -> str:
    return f"totp|{account_id}"


def _enrolment(account_id: str) -> str:
    return f"totp-enrolment|{account_id}"


def _stale() -> Refused:
    return refuse("link_unusable", "This page was open too long. Start the set-up again.")


def record_factor(unit: Unit, event: str, account_id: str, method: str, network: str = "", *, refused: bool = False) -> None:
    """The entry of something about a person's factor; `method` is app, passkey or recovery_code."""
    personal = {name: value for name, value in (("account", account_id), ("network", network)) if value}
    decision, rule = ("refuse", "code_wrong") if refused else ("done", "")
    facts = {"method": method}
    record(unit, Entry(event=event, decision=decision, rule=rule, subject=account_id, facts=facts, personal=personal))
