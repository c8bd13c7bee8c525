"""Identifiers and secrets: a prefix that tells the kind, then random characters."""

from __future__ import annotations

import hashlib
import secrets
import time
import zlib

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [a + b for a in _CROCKFORD for b in _CROCKFORD]
_RANDOM_DIGITS = 12
# A digit for each byte: 256 is a multiple of 32, so that all digits are equally likely.
_DIGIT_OF = (_CROCKFORD * 8).encode()
_MILLISECOND = 1_000_000
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

PREFIXES = {
    "acc": "account",
    "agr": "agreement signed before Licet",
    "amd": "amendment",
    "apl": "appeal against a decision of the gate",
    "app": "application",
    "aut": "authorization request",
    "ban": "ban of the gate",
    "bar": "bar of an organisation, person or project",
    "bot": "key of a crawler",
    "cli": "OAuth client",
    "ctf": "counter-offer",
    "ctr": "contract",
    "dec": "decision of the gate",
    "dsc": "reasoned request of a Digital Services Coordinator",
    "ent": "ledger entry",
    "ers": "erasure",
    "evd": "document handed in with an application",
    "exp": "export",
    "fam": "family of tokens",
    "hld": "hold on entries of the ledger",
    "hnd": "hand-over of an organisation's leadership",
    "idn": "identity at an institution",
    "iat": "token to register programs with",
    "inc": "incident",
    "inv": "invitation",
    "key": "API key, or key that the house signs with",
    "los": "lost second factor",
    "mal": "mail",
    "mem": "membership",
    "msg": "message of a webhook",
    "ntc": "erasure notice",
    "org": "organisation",
    "out": "effect in the outbox",
    "pol": "change of a policy",
    "prp": "proposal of a role of staff",
    "prm": "member of a project",
    "req": "request",
    "ret": "run of retention",
    "rnd": "new text for many contracts",
    "rmk": "remark on an application",
    "rvw": "part of a member of staff in an application",
    "sbm": "submission of an application",
    "sbx": "sandbox of an organisation, in the place of a contract",
    "sec": "section of an application asked of a colleague",
    "ses": "sign-in session",
    "sgr": "request to sign a contract",
    "sig": "signature",
    "tok": "access token",
    "use": "usage row",
    "ver": "contract version",
    "whe": "webhook",
    "wht": "try to deliver a webhook's message",
    "vis": "visit of an auditor",
}

SECRETS = {
    "ac": "authorization code",
    "ak": "API key",
    "cs": "client secret",
    "ia": "token to register programs with",
    "ln": "one-time link",
    "pr": "authorization request sent ahead",
    "ra": "token that a registered program manages itself with",
    "rt": "refresh token",
    "sb": "sandbox secret",
    "ss": "sign-in session",
}


def new_id(prefix: str) -> str:
    """A new identifier in Crockford's base 32: prefix, 48 bits of milliseconds, 20 bits of nanoseconds within them, 60 random bits.

    Ids of one kind sort by the time they were made, those of one process within a millisecond too (RFC 9562, section 6.2, method 3);
    the random part keeps them from being guessed.
    """
    return new_ids(prefix, 1)[0]


def new_ids(prefix: str, count: int) -> list[str]:
    """As many new identifiers in order, for one look at the clock and one draw from the kernel."""
    if prefix not in PREFIXES:
        raise KeyError(prefix)
    now, drawn = time.time_ns(), secrets.token_bytes(_RANDOM_DIGITS * count).translate(_DIGIT_OF).decode("ascii")
    start, head = now // _MILLISECOND, f"{prefix}_{_moment(now // _MILLISECOND)}"
    made = []
    for place in range(count):
        milliseconds, nanoseconds = divmod(now + place, _MILLISECOND)
        if milliseconds != start:
            start, head = milliseconds, f"{prefix}_{_moment(milliseconds)}"
        tail = drawn[place * _RANDOM_DIGITS : (place + 1) * _RANDOM_DIGITS]
        made.append(f"{head}{_PAIRS[nanoseconds >> 10]}{_PAIRS[nanoseconds & 1023]}{tail}")
    return made


def new_secret(kind: str) -> str:
    """A secret of 256 random bits as `licet_<kind>_<43 characters><checksum>`.

    The six-character checksum (CRC-32) lets scanners for leaked secrets tell a real one from a look-alike. Raises `KeyError` for a
    kind that `SECRETS` does not know: what is not in the table, nobody would look for where it must not stand.
    """
    if kind not in SECRETS:
        raise KeyError(kind)
    body = f"licet_{kind}_{_base62(secrets.randbits(256), 43)}"
    return body + _checksum(body)


def is_well_formed_secret(secret: str) -> bool:
    """Whether prefix and checksum fit; says nothing about whether it was ever issued."""
    return secret.startswith("licet_") and len(secret) > 55 and secret[-6:] == _checksum(secret[:-6])


def secret_hash(secret: str) -> str:
    """SHA-256 of a 256-bit machine secret, in hex. Such secrets need no slow hash; passwords do."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), 6)


def _moment(milliseconds: int) -> str:
    """Ten digits of Crockford's base 32, two at a time."""
    return "".join([_PAIRS[(milliseconds >> shift) & 1023] for shift in (40, 30, 20, 10, 0)])


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))
