"""A person at a browser without pictures: cookies, forms with their CSRF token, an address of their own. Real HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

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
        self._http = httpx.Client(base_url=self.base_url, headers=headers, timeout=30, trust_env=False)
        self._csrf = ""

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page; redirects are not followed."""
        return self._kept(self._http.get(path, headers=headers))

    def post(self, path: str, fields: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        """A form with this browser's CSRF token, unless the fields hold another."""
        return self._kept(self._http.post(path, data={"csrf": self.csrf, **(fields or {})}, headers=headers))

    @property
    def csrf(self) -> str:
        """The token that this browser's forms carry; read once from a page that has a form."""
        if not self._csrf:
            found = _TOKEN.search(self.get("/account").text) or _TOKEN.search(self.get("/sign-in").text)
            assert found is not None, "no page shows this browser a form"
            self._csrf = found.group(1)
        return self._csrf

    def sign_in(self, email: str, password: str) -> None:
        """Through the page."""
        answer = self.post("/sign-in", {"email": email, "password": password})
        assert answer.status_code == 303, answer.text
        self.changed_hands()

    def become(self, session: str) -> None:
        """Go on with a session that was opened elsewhere."""
        self._http.cookies.set("licet_session", session)
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
