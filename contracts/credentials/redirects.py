"""Where a program may have its people sent back to, pure (RFC 9700 section 4.1.3, RFC 8252 section 7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import SplitResult, urlencode, urlsplit

MAX_CHARACTERS = 500
LOOPBACK = ("127.0.0.1", "::1")
MAX_ADDRESSES = 10
# Where `licet login` waits; it finds a free port by itself.
OWN_MACHINE = "http://127.0.0.1/licet"


def redirect_problem(uri: str) -> str:
    """What is wrong with an address that a client wants to register; empty where nothing is.

    https anywhere, or http on this machine's own loopback address; no fragment, no user name.
    """
    parts = _parts(uri)
    if parts is None or len(uri) > MAX_CHARACTERS or not uri.isascii() or not uri.isprintable() or any(mark in uri for mark in ' #\\"*'):
        return "Give a whole address without a fragment, such as https://tool.example/back."
    if "@" in parts.netloc or not parts.hostname:
        return "The address names no host, or a user name."
    if parts.scheme == "https" or _is_loopback(parts):
        return ""
    return "The address is https, or http on 127.0.0.1 or [::1]."


def redirects_problem(uris: Sequence[str]) -> str:
    """What is wrong with the addresses that a client wants to register together, or empty; there is at least one."""
    if not uris or len(uris) > MAX_ADDRESSES or len(set(uris)) != len(uris):
        return f"Name 1 to {MAX_ADDRESSES} addresses, one a line, each once."
    return next((f"{each[:80]}: {problem}" for each in uris if (problem := redirect_problem(each))), "")


def matches(asked: str, registered: Iterable[str]) -> bool:
    """Whether the address is registered: compared as text, but for the port of a loopback address, which the program finds."""
    return any(asked == each or _same_loopback(asked, each) for each in registered)


def answer_uri(redirect_uri: str, answer: Mapping[str, str]) -> str:
    """The address with the answer's parameters behind those that it has (RFC 6749 section 4.1.2)."""
    return f"{redirect_uri}{'&' if urlsplit(redirect_uri).query else '?'}{urlencode(answer)}"


def origin_of(uri: str) -> str:
    """Scheme, host and port of a registered address, as a content security policy names them."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _same_loopback(asked: str, registered: str) -> bool:
    one, other = _parts(asked), _parts(registered)
    if one is None or other is None or redirect_problem(asked) or not _is_loopback(one) or not _is_loopback(other):
        return False
    return (one.hostname, one.path, one.query) == (other.hostname, other.path, other.query)


def _is_loopback(parts: SplitResult) -> bool:
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def _parts(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        return parts if parts.port != 0 else None
    except ValueError:
        return None
