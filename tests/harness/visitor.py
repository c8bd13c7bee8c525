"""A person at a browser without pictures: cookies, forms with their CSRF token, an address of their own. Real HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.harness import leaks
from tests.harness.codes import code_of, learn

_SECRET, _SEALED = re.compile(r"<code>([A-Z2-7]{32})</code>"), re.compile(r'name="sealed" value="([^"]+)"')
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@dataclass
class Visitor:
    """Keeps every page that it was shown, in order, and every cookie that it held. `address` is told as a proxy would, so that people have networks of their own."""

    base_url: str
    address: str = "198.51.100.7"
    seen: list[httpx.Response] = field(default_factory=list)
    held: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        headers = {"x-forwarded-for": self.address, "sec-fetch-site": "same-origin", "accept": "text/html"}
        self._http = httpx.Client(base_url=self.base_url, headers=headers, timeout=60, trust_env=False, verify=False)
        self._csrf = ""

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page; redirects are not followed."""
        return self._kept(self._http.get(path, headers=headers))

    def post(self, path: str, fields: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        """A form with this browser's CSRF token, unless the fields hold another; a field that is a pair of name and bytes is a file."""
        data = {"csrf": self.csrf, **(fields or {})}
        files = {name: value for name, value in data.items() if isinstance(value, tuple)}
        text = {name: value for name, value in data.items() if name not in files}
        for name in text.keys() & {"password", "new_password"}:
            leaks.typed(self.base_url, str(text[name]))
        return self._kept(self._http.post(path, data=text, files=files or None, headers=headers))

    @property
    def csrf(self) -> str:
        """The token that this browser's forms carry; read once from a page that has a form."""
        if not self._csrf:
            pages = (self.get(path).text for path in ("/account", "/sign-in", "/sign-in/code", "/account/second-factor"))
            found = next(filter(None, map(_TOKEN.search, pages)), None)
            assert found is not None, "no page shows this browser a form"
            self._csrf = found.group(1)
        return self._csrf

    def sign_in(self, email: str, password: str) -> None:
        """Through the pages, with a code where the person has an app for codes."""
        answer = self.post("/sign-in", {"email": email, "password": password})
        assert answer.status_code == 303, answer.text
        self.changed_hands()
        if answer.headers["location"].startswith("/sign-in/code"):
            given = self.post("/sign-in/code", {"code": code_of(email, self.base_url)})
            assert given.status_code == 303, given.text
            self.changed_hands()

    def set_up_factor(self, email: str) -> list[httpx.Response]:
        """Set up an app for codes through the pages; the two pages that show secrets: the app's, and the recovery codes."""
        shown = self.get("/account/second-factor")
        secret, sealed = _SECRET.search(shown.text), _SEALED.search(shown.text)
        assert secret is not None and sealed is not None, shown.text
        learn(email, secret.group(1))
        answer = self.post("/account/second-factor/app", {"sealed": sealed.group(1), "code": code_of(email, self.base_url)})
        assert answer.status_code == 200, answer.text
        return [shown, answer]

    def become(self, session: str) -> None:
        """Go on with a session that was opened elsewhere."""
        self._http.cookies.set("licet_session", session, domain=httpx.URL(self.base_url).host)
        self.changed_hands()

    def forget(self, name: str) -> None:
        """Let a cookie go; the next page with a form sets another."""
        self._http.cookies.delete(name)
        self.changed_hands()

    def changed_hands(self) -> None:
        """Forget the token of the session before."""
        self._csrf = ""

    def cookie(self, name: str) -> str:
        """A cookie's value; empty where there is none."""
        return str(self._http.cookies.get(name, ""))

    def close(self) -> None:
        """Shut the browser."""
        self._http.close()

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        self.seen.append(answer)
        for name, value in answer.cookies.items():
            self.held.setdefault(name, set()).add(value)
            if name.endswith("licet_session"):
                self.changed_hands()
        return answer
