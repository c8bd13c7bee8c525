"""What is asked of the gate: half by licensed crawlers, half by visitors; lists that show no single record."""

from __future__ import annotations

from collections.abc import Sequence

CRAWLERS = 100  # crawl at the same time
REQUESTS = 100_000


def visitor(number: int) -> tuple[str, str, str]:
    """Address, user agent and page of one visitor; four share a network."""
    network = number // 4
    address = f"{11 + (network >> 16)}.{network >> 8 & 255}.{network & 255}.{1 + number % 4}"
    agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:{100 + number % 40}.0) Gecko/20100101 Firefox/{100 + number % 40}.0"
    return address, agent, f"/lists/{number % 1_000}"


def requests(host: str, tokens: Sequence[str], visitors: int) -> list[bytes]:
    """So many requests, by crawlers and visitors in turn; each visitor opens the page that it opened before."""
    made = []
    for number in range(REQUESTS):
        address, agent, page = visitor(number * 7919 % visitors)
        lines = [f"GET {page} HTTP/1.1", f"host: {host}", f"x-address: {address}"]
        if number % 2:
            lines += ["user-agent: Example-Crawler/1.0", f"authorization: Bearer {tokens[number // 2 % len(tokens)]}"]
        else:
            lines.append(f"user-agent: {agent}")
        made.append(("\r\n".join(lines) + "\r\n\r\n").encode())
    return made
