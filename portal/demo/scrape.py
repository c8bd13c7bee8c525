"""`licet demo scrape`: reads the small site as a crawler does, following links, with or without a licence's token."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

START = "/posts/"
MOST_WAITS = 200
MOST_TRIES = 5

_LINK = re.compile(r'<([^>]+)>[^,]*?;\s*rel="?([\w-]+)"?')


@dataclass(frozen=True)
class Result:
    """How far the crawler came.

    `fetched` counts different pages read; `stopped_at` is the page at which it was stopped, empty where it was not, with the last
    `status`, the gate's `reason` and `decision`, and `links` from rel to address that the refusal named.
    """

    fetched: int
    stopped_at: str = ""
    status: int = 200
    reason: str = ""
    decision: str = ""
    links: dict[str, str] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether nobody stopped it."""
        return not self.stopped_at


def scrape(
    site_url: str,
    base_url: str,
    token: str | None,
    pages: int,
    on_page: Callable[[int], None] | None = None,
    wait: Callable[[float], None] = time.sleep,
    agent: str = "licet-demo-crawler/1.0",
) -> Result:
    """Read up to `pages` different pages of the site, beginning at `/posts/`.

    With a token it keeps the contract's pace: told to slow down (429), or to come again (503), it waits as long as `Retry-After` says
    and goes on. `base_url` stands behind `agent` in its user agent, as a crawler should say where it comes from. `on_page` is told
    after each page how many were read.
    """
    headers = {"user-agent": f"{agent} (+{base_url}/demo)"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    seen, waiting, fetched = {START}, deque([START]), 0
    with httpx.Client(base_url=site_url, headers=headers, timeout=10, trust_env=False) as client:
        while waiting and fetched < pages:
            path = waiting.popleft()
            answer = _fetch(client, path, wait)
            if answer.status_code in (401, 403, 429, 503):
                return _stopped(fetched, path, answer)
            fetched += 1
            if on_page is not None:
                on_page(fetched)
            for link in _links(site_url, path, answer.text):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)
    return Result(fetched)


def _fetch(client: httpx.Client, path: str, wait: Callable[[float], None]) -> httpx.Response:
    answer = client.get(path)
    for waited in range(MOST_WAITS):
        told = answer.headers.get("retry-after", "")
        slower, later = answer.status_code == 429, answer.status_code == 503 and waited < MOST_TRIES
        if not (slower or later) or not told.isdecimal():
            break
        wait(min(float(told), 5.0))
        answer = client.get(path)
    return answer


def _stopped(fetched: int, path: str, answer: httpx.Response) -> Result:
    links = {rel: address for address, rel in _LINK.findall(", ".join(answer.headers.get_list("link")))}
    reason, decision = answer.headers.get("x-gate-reason", ""), answer.headers.get("x-gate-decision", "")
    return Result(fetched, path, answer.status_code, reason, decision, links)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href") if tag == "a" else None
        if target:
            self.found.append(target)


def _links(site_url: str, path: str, html: str) -> list[str]:
    """Links of a page to posts on the same site, as path and query, in their order."""
    anchors = _Anchors()
    anchors.feed(html)
    here, found = urlsplit(site_url).netloc, []
    for target in anchors.found:
        parts = urlsplit(urljoin(urljoin(site_url, path), target))
        if parts.netloc == here and parts.path.startswith(START):
            found.append(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    return found
