"""People signed in at the site: only what the site signed for this, and not yet ended, is an account."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from pydantic import SecretStr, ValidationError

from contracts.gate.account import LONGEST, Accounts
from contracts.gate.facts import Facts, identity_of
from contracts.gate.identity import NOBODY, Identity
from contracts.gate.recognition import SiteAccounts

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
SECRET = "s" * 32
OURS, SALT = OctKey.import_key(SECRET.encode()), b"salt"
EC = ECKey.generate_key("P-256")
CLAIMS: dict[str, Any] = {"sub": "user-17", "since": SECONDS - 86_400, "exp": SECONDS + 600}


def cookie(
    claims: dict[str, Any] | None = None, key: OctKey | ECKey = OURS, algorithm: str = "HS256", typ: str | None = "account+jwt"
) -> str:
    return jwt.encode({"alg": algorithm, **({"typ": typ} if typ else {})}, claims or CLAIMS, key)


def accounts(**settings: Any) -> Accounts:
    return Accounts(SiteAccounts(**(settings or {"secret": SecretStr(SECRET)})), SALT)


def asked(value: str, made: Accounts | None = None, now: datetime = NOW) -> Identity:
    return (made or accounts()).known(Facts("GET", "site.example", "/", "192.0.2.7", "Firefox", cookie=value), now)


def state(value: str, now: datetime = NOW) -> str:
    return asked(value, now=now).state


def test_an_account_is_known_by_a_hash_and_by_how_old_it_is() -> None:
    found = asked(cookie())
    assert found == Identity("account", found.key, "verified", since=SECONDS - 86_400)
    assert found.key.startswith("account:") and "user-17" not in found.key
    other, same = asked(cookie({**CLAIMS, "sub": "user-18"})), asked(cookie({**CLAIMS, "exp": SECONDS + 60}))
    assert (other.key != found.key, same.key == found.key) == (True, True)


def confused(pem: bytes) -> str:
    """A cookie whose HMAC was made with what everyone knows: the public key."""
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in ({"alg": "HS256", "typ": "account+jwt"}, CLAIMS)]
    text = b".".join(parts)
    return b".".join([text, base64.urlsafe_b64encode(hmac.digest(pem, text, "sha256")).rstrip(b"=")]).decode()


def test_both_ways_of_signing_are_taken_and_neither_for_the_other() -> None:
    pem = EC.as_pem(private=False)
    public, signed = accounts(public_key=pem.decode()), cookie(key=EC, algorithm="ES256")
    assert [asked(each, public).state for each in (signed, confused(pem), cookie())] == ["verified", "invalid", "invalid"]
    assert state(signed) == "invalid"


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "a.b.c",
        "é.é.é",
        "x" * 5_000,
        cookie(typ=None),
        cookie(typ="JWT"),
        cookie(key=OctKey.import_key(b"t" * 32)),
        cookie({**CLAIMS, "sub": ""}),
        cookie({**CLAIMS, "sub": "x" * 201}),
        cookie({**CLAIMS, "sub": 7}),
        cookie({**CLAIMS, "since": SECONDS + 31}),
        cookie({**CLAIMS, "since": "1"}),
        cookie({**CLAIMS, "exp": SECONDS}),
        cookie({**CLAIMS, "exp": SECONDS + int(LONGEST.total_seconds()) + 1}),
        cookie({"sub": "user-17", "since": SECONDS}),
        cookie({"sub": "user-17", "exp": SECONDS + 600}),
        cookie()[:-4] + "AAAA",
    ],
    ids=range(17),
)
def test_anything_else_counts_as_none(value: str) -> None:
    assert asked(value) == Identity("account", identity_of("192.0.2.7", "Firefox"), "invalid")


def test_at_the_limits_it_counts() -> None:
    assert state(cookie({**CLAIMS, "exp": SECONDS + int(LONGEST.total_seconds())})) == "verified"
    assert state(cookie({**CLAIMS, "since": SECONDS + 30, "exp": SECONDS + 1})) == "verified"


def test_one_that_is_remembered_ends_all_the_same() -> None:
    made, value = accounts(), cookie()
    later = datetime.fromtimestamp(SECONDS + 600, UTC)
    assert [asked(value, made, now).state for now in (NOW, NOW, later)] == ["verified", "verified", "invalid"]


def test_without_a_cookie_or_a_key_there_is_no_account() -> None:
    assert (asked(""), asked(cookie(), Accounts(SiteAccounts(), SALT))) == (NOBODY, NOBODY)


@pytest.mark.parametrize(
    "settings",
    [
        {"secret": "s" * 31},
        {"public_key": "x"},
        {"public_key": ECKey.generate_key("P-384").as_pem(private=False).decode()},
        {"secret": "s" * 32, "public_key": EC.as_pem(private=False).decode()},
        {"cookie": "a-b"},
    ],
    ids=range(5),
)
def test_settings_that_could_verify_nothing_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SiteAccounts.model_validate(settings)


def test_settings_say_whether_anything_can_be_verified() -> None:
    assert [SiteAccounts().read, SiteAccounts(secret=SecretStr(SECRET)).read] == ["", "site_account"]
