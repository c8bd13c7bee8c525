"""People signed in at the main site, known by a cookie that the site signs and that the gate verifies.

The cookie is a JWT (RFC 7519): header `typ` "account+jwt" and `alg` HS256 or ES256, claims `sub` (the account), `since` (seconds
since 1970 when it was made) and `exp` (at most 30 days ahead). The type keeps whatever else the site signs with the same key from
passing for one. Of the account only a keyed hash is kept.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from contracts.gate.facts import Facts, identity_of
from contracts.gate.identity import NOBODY, Identity
from contracts.gate.recognition import SiteAccounts

TYPE = "account+jwt"
LONGEST = timedelta(days=30)
SKEW_SECONDS = 30
MOST_CHARACTERS = 2_048
MOST_ACCOUNT = 200
MOST_KNOWN = 50_000


@dataclass(frozen=True, slots=True)
class Account:
    """A verified cookie: the account's hash, when it was made and when the cookie ends, in seconds since 1970."""

    key: str
    since: int
    ends: int


class Accounts:
    """Verifies the site's cookies; one that was verified is remembered, at most 50,000. Safe from any thread."""

    def __init__(self, settings: SiteAccounts, salt: bytes) -> None:
        """`salt` keys the hashes of accounts and is the same in every process."""
        self._salt = salt
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Account] = OrderedDict()
        self._key: OctKey | ECKey | None = None
        self._algorithm = "HS256" if settings.secret else "ES256"
        if settings.secret is not None:
            self._key = OctKey.import_key(settings.secret.get_secret_value().encode())
        elif settings.public_key is not None:
            self._key = ECKey.import_key(settings.public_key)

    def known(self, facts: Facts, now: datetime) -> Identity:
        """The account of the request's cookie; nobody where there is none, invalid where it is wrong or has ended."""
        if not facts.cookie or self._key is None:
            return NOBODY
        # By its hash, so that no cookie stays in memory.
        digest = hashlib.blake2b(facts.cookie.encode(errors="replace"), digest_size=16).digest()
        account = self._known.get(digest) or self._opened(facts.cookie, self._key, now)
        if account is None or account.ends <= now.timestamp():
            return Identity("account", identity_of(facts.address, facts.user_agent), "invalid")
        self._keep(digest, account)
        return Identity("account", account.key, "verified", since=account.since)

    async def verify(self, facts: Facts, now: datetime) -> Identity:
        """As `known`: nothing has to be looked up."""
        return self.known(facts, now)

    def _opened(self, cookie: str, key: OctKey | ECKey, now: datetime) -> Account | None:
        if len(cookie) > MOST_CHARACTERS or not cookie.isascii():
            return None
        try:
            if jws.extract_compact(cookie.encode()).protected.get("typ") != TYPE:
                return None
            claims = jwt.decode(cookie, key, algorithms=[self._algorithm]).claims
        except (JoseError, ValueError):
            return None
        return self._read(claims, now)

    def _read(self, claims: dict[str, Any], now: datetime) -> Account | None:
        account, since, ends = claims.get("sub"), claims.get("since"), claims.get("exp")
        if not isinstance(account, str) or not 0 < len(account) <= MOST_ACCOUNT or type(since) is not int or type(ends) is not int:
            return None
        seconds = now.timestamp()
        if since > seconds + SKEW_SECONDS or not seconds < ends <= seconds + LONGEST.total_seconds():
            return None
        hashed = hashlib.blake2b(account.encode(errors="replace"), digest_size=10, key=self._salt).hexdigest()
        return Account(f"account:{hashed}", since, ends)

    def _keep(self, digest: bytes, account: Account) -> None:
        with self._lock:
            self._known[digest] = account
            self._known.move_to_end(digest)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
