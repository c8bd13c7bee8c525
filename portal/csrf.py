"""Forms belong to the browser that got them: an HMAC over the session's cookie, and the browser's own Sec-Fetch-Site.

For people who are not signed in the HMAC is over a random visitor cookie, which is set only when a page holds a form.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading

from contracts.errors import Refusal
from contracts.keys import KeyRing, Purpose, newest
from contracts.store.unit import Store

FIELD = "csrf"
_LABEL = b"licet/csrf/v1\0"


class Csrf:
    """Makes and checks tokens; opens its key once, on first use."""

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self._store, self._keys = store, keys
        self._lock = threading.Lock()
        self._key: bytes | None = None

    def token(self, cookie: str) -> str:
        """The token of one cookie value (session or visitor), in hex."""
        return hmac.new(self._opened(), _LABEL + cookie.encode(), hashlib.sha256).hexdigest()

    def check(self, cookie: str, given: str, fetch_site: str | None) -> Refusal | None:
        """Refuse a form from elsewhere. `fetch_site` is the Sec-Fetch-Site header; browsers without it are judged by the token."""
        elsewhere = fetch_site not in (None, "", "same-origin", "none")
        if elsewhere or not cookie or not hmac.compare_digest(self.token(cookie).encode(), given.encode()):
            return Refusal("csrf_failed", "Go back, load the page again and send the form once more. Nothing was changed.")
        return None

    def _opened(self) -> bytes:
        with self._lock:
            if self._key is None:
                self._key = self._load()
            return self._key

    def _load(self) -> bytes:
        with self._store.read() as session:
            row = newest(session, Purpose.SESSION)
        if row is None:
            with self._store.write("session-key") as unit:
                row = self._keys.ensure(unit, Purpose.SESSION)
        return self._keys.open(row)


def new_visitor() -> str:
    """A value for the visitor cookie."""
    return secrets.token_urlsafe(24)
