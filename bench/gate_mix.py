"""What is asked of the gate: the pages of visitors, and among them those that licensed crawlers fetch; lists that show no single record.

One request in 20 is a crawler's: twenty contracts that pace themselves beside the visitors of a site. Each crawler comes from a network
of its own, each visitor opens the page that it opened before.
"""

from __future__ import annotations

from collections.abc import Sequence

CRAWLERS = 100  # crawl at the same time
LICENSED_EVERY = 20
REQUESTS = 100_000


def visitor(number: int) -> tuple[str, str, str]:
    """Address, user agent and page of one visitor; four share a network."""
    network = number // 4
    address = f"{11 + (network >> 16)}.{network >> 8 & 255}.{network & 255}.{1 + number % 4}"
    agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:{100 + number % 40}.0) Gecko/20100101 Firefox/{100 + number % 40}.0"
    return address, agent, f"/lists/{number % 1_000}"


def requests(host: str, tokens: Sequence[str], visitors: int) -> list[bytes]:
    """So many requests in turn, the first of each 20 by a crawler."""
    made = []
    for number in range(REQUESTS):
        if number % LICENSED_EVERY == 0:
            made.append(fetch(host, tokens, number // LICENSED_EVERY))
        else:
            address, agent, page = visitor(number * 7919 % visitors)
            made.append(_request(host, page, address, agent))
    return made


def fetch(host: str, tokens: Sequence[str], number: int) -> bytes:
    """A fetch by one of the crawlers, in turn."""
    crawler = number % len(tokens)
    return _request(host, f"/lists/{number % 1_000}", f"10.0.{crawler % 256}.1", "Example-Crawler/1.0", f"Bearer {tokens[crawler]}")


def _request(host: str, page: str, address: str, agent: str, authorization: str = "") -> bytes:
    lines = [f"GET {page} HTTP/1.1", f"host: {host}", f"x-address: {address}", f"user-agent: {agent}"]
    lines += [f"authorization: {authorization}"] if authorization else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
