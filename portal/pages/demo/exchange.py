"""Real requests of the tour: what was sent, as the command that sends it, and what came back. Over HTTP, as a partner's program would."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

SHOWN_RECORDS = 3
SHOWN_HEADERS = ("content-type", "ratelimit", "ratelimit-policy", "retry-after", "www-authenticate")
TRIES, PAUSE = 12, 0.5


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `command` is for a shell, with the secret or token shortened; `body` is indented JSON, shortened."""

    title: str
    command: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: str
    milliseconds: int

    @property
    def fine(self) -> bool:
        """Whether it was answered and not refused."""
        return self.status < 400


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that one press of the button sent. `entry` is the ledger entry of the last answer, empty where it named none."""

    exchanges: tuple[Exchange, ...]
    entry: str
    token: str


@dataclass(frozen=True, slots=True)
class Reader:
    """A client of the API at an address, with the path and query that it asks for."""

    base_url: str
    client_id: str
    client_secret: str
    path: str


def read(reader: Reader, token: str = "") -> Reading:
    """Ask for records; for a token first where none is given. A token that is refused ends the reading.

    Pseudonyms of a contract are made in the seconds after it came into force; until then the answer is 503 and is asked again.
    """
    done: list[Exchange] = []
    with httpx.Client(base_url=reader.base_url, timeout=15, trust_env=False) as http:
        if not token:
            answer, taken = _timed(
                http, "POST", "/oauth/token", auth=(reader.client_id, reader.client_secret), data={"grant_type": "client_credentials"}
            )
            done.append(_exchange("Ask for a token", _token_command(reader), answer, taken))
            token = str(_json(answer).get("access_token", ""))
            if not token:
                return Reading(tuple(done), str(_json(answer).get("entry", "")), "")
        answer, taken = _ask(http, reader.path, token)
        done.append(_exchange("Ask for records", _records_command(reader, token), answer, taken))
    return Reading(tuple(done), str(_json(answer).get("entry", "")), token)


def site_token(base_url: str, client_id: str, client_secret: str) -> str:
    """A token of a client, or empty where it is refused."""
    with httpx.Client(base_url=base_url, timeout=15, trust_env=False) as http:
        answer = http.post("/oauth/token", auth=(client_id, client_secret), data={"grant_type": "client_credentials"})
    return str(_json(answer).get("access_token", ""))


def _ask(http: httpx.Client, path: str, token: str) -> tuple[httpx.Response, int]:
    answer, taken = _timed(http, "GET", path, headers={"authorization": f"Bearer {token}"})
    for _ in range(TRIES):
        if answer.status_code != 503:
            break
        time.sleep(PAUSE)
        answer, taken = _timed(http, "GET", path, headers={"authorization": f"Bearer {token}"})
    return answer, taken


def _timed(http: httpx.Client, method: str, path: str, **parts: Any) -> tuple[httpx.Response, int]:
    answer = http.request(method, path, **parts)
    return answer, round(answer.elapsed.total_seconds() * 1000)


def _exchange(title: str, command: str, answer: httpx.Response, taken: int) -> Exchange:
    headers = tuple((name, answer.headers[name]) for name in SHOWN_HEADERS if name in answer.headers)
    return Exchange(title, command, answer.status_code, answer.reason_phrase, headers, _shortened(_json(answer)), taken)


def _shortened(body: Mapping[str, Any]) -> str:
    shown = dict(body)
    if isinstance(records := shown.get("data"), list) and len(records) > SHOWN_RECORDS:
        shown["data"] = [*records[:SHOWN_RECORDS], f"… and {len(records) - SHOWN_RECORDS} more records"]
    for name in ("access_token", "next"):
        if isinstance(value := shown.get(name), str) and len(value) > 40:
            shown[name] = f"{value[:24]}…"
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _token_command(reader: Reader) -> str:
    return f"curl -u {reader.client_id}:{reader.client_secret[:14]}… -d grant_type=client_credentials {reader.base_url}/oauth/token"


def _records_command(reader: Reader, token: str) -> str:
    return f'curl -H "Authorization: Bearer {token[:18]}…" "{reader.base_url}{reader.path}"'
