"""Recovery codes: ten, each good once, for the day on which the phone is gone.

A code is 80 random bits in Crockford's base 32, because people copy it from paper: no prefix, no letters that look alike. It is kept as
SHA-256 with the account's id, so that a copy of the table opens nothing and no code is tried against all accounts at once.
"""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from contracts.people.factor_tables import RecoveryCode
from contracts.store.unit import Unit

COUNT = 10
CHARACTERS = 16
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKS_LIKE = str.maketrans("ILO", "110")


def make_codes(unit: Unit, account_id: str) -> list[str]:
    """Ten new codes, to be shown once; earlier ones end."""
    unit.connection.execute(delete(RecoveryCode).where(col(RecoveryCode.account_id) == account_id))
    codes = [_new_code() for _ in range(COUNT)]
    unit.session.add_all(RecoveryCode(id=_hash(account_id, each), account_id=account_id, created_at=unit.now) for each in codes)
    unit.session.flush()
    return codes


def use_code(unit: Unit, account_id: str, typed: str) -> bool:
    """Use a code up; of several who try it at once exactly one succeeds."""
    unused = update(RecoveryCode).where(col(RecoveryCode.id) == _hash(account_id, typed), col(RecoveryCode.used_at).is_(None))
    return unit.connection.execute(unused.values(used_at=unit.now)).rowcount == 1


def codes_left(session: Session, account_id: str) -> int:
    """How many codes the person can still use."""
    unused = select(func.count()).where(col(RecoveryCode.account_id) == account_id, col(RecoveryCode.used_at).is_(None))
    return session.exec(unused).one()


def are_all_unused(session: Session, account_id: str, codes: list[str]) -> bool:
    """Whether each of these is a code of the person that still works."""
    ids = {_hash(account_id, each) for each in codes}
    rows = session.exec(select(RecoveryCode).where(col(RecoveryCode.id).in_(ids), col(RecoveryCode.used_at).is_(None))).all()
    return bool(codes) and len(rows) == len(codes)


def _new_code() -> str:
    plain = "".join(secrets.choice(_ALPHABET) for _ in range(CHARACTERS))
    return "-".join(plain[at : at + 4] for at in range(0, CHARACTERS, 4))


def _hash(account_id: str, typed: str) -> str:
    plain = "".join(typed.upper().translate(_LOOKS_LIKE).replace("-", " ").split())
    return hashlib.sha256(f"licet/recovery/v1\0{account_id}\0{plain}".encode()).hexdigest()
