"""The tour's crawler: reads the small site without a licence and then with one, in the background, while the page shows how far it came."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace

import httpx

from contracts.settings import Settings
from portal.demo.scrape import Result, scrape
from portal.pages.demo.exchange import site_token

AGENT = "licet-tour-crawler/1.0"  # its own, so that `licet demo scrape` begins with a whole budget
BEYOND = 20  # pages past the place where the unlicensed crawler was stopped


@dataclass(frozen=True, slots=True)
class Crawl:
    """How a crawl stands. `without` and `licensed` are results once there are any; `problem` says why it could not run."""

    running: bool = False
    read: int = 0
    wanted: int = 0
    without: Result | None = None
    licensed: Result | None = None
    partner: str = ""
    problem: str = ""

    @property
    def proved(self) -> bool:
        """Whether the one was stopped and the other was not."""
        return self.without is not None and not self.without.finished and self.licensed is not None and self.licensed.finished


class Crawler:
    """One crawl at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._now = Crawl()

    @property
    def now(self) -> Crawl:
        """How it stands."""
        with self._lock:
            return self._now

    def start(self) -> None:
        """Begin, unless one is running."""
        with self._lock:
            if self._now.running:
                return
            self._now = Crawl(running=True)
        threading.Thread(target=self._run, name="tour-crawl", daemon=True).start()

    def _run(self) -> None:
        try:
            self._both()
        except (httpx.HTTPError, OSError) as error:
            self._set(running=False, problem=f"The small site did not answer ({type(error).__name__}). Is it running beside this portal?")

    def _both(self) -> None:
        site, base = self._settings.platform.site, self._settings.base_url
        most = self._settings.gate.anonymous_budget + BEYOND
        self._set(wanted=most)
        without = scrape(site, base, None, most, on_page=self._read, agent=AGENT)
        self._set(without=without, read=0, wanted=without.fetched + BEYOND)
        licensed = self._licensed_client()
        if licensed is None:
            self._set(running=False, problem="No partner of the demo has a client for the site.")
            return
        self._set(partner=licensed["name"])
        token = site_token(base, licensed["client_id"], licensed["client_secret"])
        licensed_pages = scrape(site, base, token, without.fetched + BEYOND, on_page=self._read, agent=AGENT)
        self._set(licensed=licensed_pages, running=False)

    def _licensed_client(self) -> dict[str, str] | None:
        file = self._settings.home / "demo.json"
        known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return next((each for each in known.get("clients", []) if "site:fetch" in each["scopes"]), None)

    def _read(self, count: int) -> None:
        self._set(read=count)

    def _set(self, **change: object) -> None:
        with self._lock:
            self._now = replace(self._now, **change)  # type: ignore[arg-type]  # names are those of the fields above
