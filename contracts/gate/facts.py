"""What is known of one request to the main site, and how its target is read. Pure.

What is made anew for each request is not frozen, here and beside: that would cost more than the rest of reading it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from contracts.networks import VISITORS, prefix

MAX_TARGET = 8192
MAX_AGENT = 512

_SIMPLE = re.compile(r"(/[A-Za-z0-9_~@-][A-Za-z0-9._~@-]*)*/?")
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
# Looked for in this order: later browsers name earlier ones in their own strings.
_FAMILIES = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))


@dataclass(frozen=True, slots=True)
class Signed:
    """The headers of a signed request as they came (RFC 9421 sections 4.1 and 4.2); empty where one was not sent."""

    input: str
    signature: str
    agent: str = ""
    content_digest: str = ""


@dataclass(slots=True)
class Facts:
    """One request as the proxy saw it.

    `target` is the raw path and query, undecoded. `address` is the client's as `contracts.networks.client_address` found it, empty
    where unknown. `authorization` is the whole header, `cookie` the value of the site's identity cookie alone, `purpose` that of
    `Sec-Purpose`.
    """

    method: str
    host: str
    target: str
    address: str
    user_agent: str = ""
    authorization: str = field(default="", repr=False)
    scheme: str = "https"
    signature: Signed | None = None
    cookie: str = field(default="", repr=False)
    purpose: str = ""

    @property
    def shows_something(self) -> bool:
        """Whether there is anything by which somebody may be known beside address and user agent, good or not."""
        return bool(self.authorization or self.cookie or self.signature is not None)


@dataclass(slots=True)
class Page:
    """A target, read. `key` is one spelling for one page (decoded path, then query); `path` the decoded path.

    `plain` is false for a path that servers may read in different ways (dot segments, doubled or encoded slashes, backslashes,
    parameters, a second encoding): no open path and no contract ever covers such a one.
    """

    key: str
    path: str
    plain: bool


def read_target(target: str) -> Page | None:
    """The page that a target names; None where it is no path (RFC 9112 section 3.2.1) or longer than 8,192 characters."""
    return _page(target) if len(target) <= _SHORT else _read(target)


def _read(target: str) -> Page | None:
    if not target.startswith("/") or len(target) > MAX_TARGET or _CONTROL.search(target):
        return None
    path, mark, query = target.partition("?")
    if _SIMPLE.fullmatch(path):
        return Page(target, path, True)
    decoded = unquote(path, errors="replace")
    return Page(f"{decoded}{mark}{query}", decoded, _is_plain(path, decoded))


# Most requests are for few pages; long targets would fill the memory.
_SHORT = 200
_page = lru_cache(maxsize=8_192)(_read)


def covers(allowed: str, page: Page) -> bool:
    """Whether a path prefix covers a page, at the border of a segment: `/posts` covers `/posts/1` and not `/postscript`."""
    if not page.plain:
        return False
    return page.path == allowed or page.path.startswith(allowed if allowed.endswith("/") else f"{allowed}/")


@lru_cache(maxsize=VISITORS)
def network_of(address: str) -> str:
    """The prefix that may be kept of an address (/24, /48), remembered because visitors come again."""
    return prefix(address)


def identity_of(address: str, user_agent: str) -> str:
    """A visitor without a licence: hash of the network (/24, /48) and the user agent, in hex."""
    return hashlib.blake2b(f"{network_of(address)}\0{user_agent[:MAX_AGENT]}".encode(errors="replace"), digest_size=10).hexdigest()


@lru_cache(maxsize=4096)
def agent_label(user_agent: str) -> str:
    """What may be kept and shown of a user agent: a browser's family, or a tool's own name without its version."""
    if user_agent.startswith("Mozilla/"):
        return next((name for mark, name in _FAMILIES if mark in user_agent), "a browser")
    product = _PRODUCT.match(user_agent.partition("/")[0].strip())
    return product.group() if product else "nothing that names itself"


def _is_plain(raw: str, decoded: str) -> bool:
    lowered = raw.lower()
    if "%2f" in lowered or "%5c" in lowered or "%" in decoded or "\\" in decoded or ";" in decoded or "#" in decoded:
        return False
    if "//" in decoded or "\ufffd" in decoded or _CONTROL.search(decoded.replace(" ", "")):
        return False
    return not any(segment in (".", "..") for segment in decoded.split("/"))
