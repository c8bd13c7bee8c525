"""`licet gate ranges`: fetches the networks that search engines publish for their crawlers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from contracts.errors import Misconfigured, Refused
from contracts.gate import ranges
from contracts.guarded import GuardedClient
from contracts.settings import Settings
from portal.commands.finding import Finding

MEND = "What was fetched before goes on counting; try again later."


def fetch_all(settings: Settings, client: GuardedClient | None = None) -> Iterator[Finding]:
    """Fetch every list that the settings name, check it, and put it in the place of the one before."""
    asking = client or GuardedClient(most_bytes=1 << 20)
    for name, crawler in settings.gate.search_crawlers.items():
        if crawler.ranges is not None:
            yield _fetch(settings.home, name, crawler.ranges, asking)


def check_all(settings: Settings) -> Iterator[Finding]:
    """Each file that is there, for `licet doctor`; one that is not there is no fault, because names tell most crawlers as well."""
    for name in settings.gate.search_crawlers:
        file = ranges.file_of(settings.home, name)
        if file.exists():
            yield _checked(name, file)


def _checked(name: str, file: Path) -> Finding:
    try:
        found = ranges.read(file.read_bytes(), str(file))
    except Misconfigured as error:
        return Finding(f"networks of {name}", False, error.problem, error.mend)
    except OSError as error:
        return Finding(f"networks of {name}", False, f"{file} cannot be read ({type(error).__name__}).", "Let Licet read it.")
    return Finding(f"networks of {name}", True, f"{len(found):,} in {file}")


def _fetch(home: Path, name: str, url: str, client: GuardedClient) -> Finding:
    where = f"networks of {name}"
    try:
        content = client.get(url, "application/json").body
        found = ranges.read(content, url)
    except Refused as refused:
        return Finding(where, False, f"{url}: {refused.refusal.reason}", MEND)
    except Misconfigured as error:
        return Finding(where, False, f"{url} {error.problem}", MEND)
    _put(ranges.file_of(home, name), content)
    return Finding(where, True, f"{len(found):,} from {url}")


def _put(file: Path, content: bytes) -> None:
    """Write it whole or not at all, because the gate may read it at this very moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as written:
        written.write(content)
    made = Path(written.name)
    made.chmod(0o644)
    made.replace(file)
