"""`licet pull`: read a dataset page by page into a file of JSON lines, at the pace that the platform allows; a run that stopped goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import http_sf
import httpx
import orjson

from contracts.errors import Unserved
from portal.commands.signed import fresh
from portal.commands.wire import told

PAGE = 1_000
# Longer waits are for another day: the file is kept and the same line goes on.
LONGEST_WAIT_SECONDS = 120
TRIES = 6

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Place:
    """How far a file has come: the query, the cursor of the next page, what of the file is sure, and whether that is all."""

    query: list[list[str]]
    cursor: str = ""
    records: int = 0
    octets: int = 0
    whole: bool = False


class Pages:
    """Pages of one query, each asked for with a token that is good then. `wait` pauses so many seconds."""

    def __init__(self, home: Path, dataset: str, query: Params, wait: Callable[[float], None] = time.sleep) -> None:
        self._home, self._dataset, self._query, self._wait = home, dataset, list(query), wait
        self._signed, self._pause = fresh(home), 0.0
        self._wire = self._signed.wire()

    def close(self) -> None:
        """Let go of connections."""
        self._wire.close()

    def after(self, cursor: str) -> Iterator[tuple[list[Any], str]]:
        """Records and the cursor behind them, page by page; an empty cursor is the first page, and behind the last."""
        while True:
            body = self._page(cursor)
            cursor = body["next"] or ""
            yield body["data"], cursor
            if not cursor:
                return

    def _page(self, cursor: str) -> dict[str, Any]:
        params = [*self._query, ("limit", str(PAGE)), *([("cursor", cursor)] if cursor else [])]
        self._wait(self._pause)
        for _ in range(TRIES):
            if self._signed.is_over:
                self._signed = fresh(self._home)
            answer = self._wire.get(f"{self._signed.api}/datasets/{self._dataset}/records", params, self._signed.access_token)
            if answer.status_code == 200:
                self._pause = pause(answer)
                found: dict[str, Any] = answer.json()
                return found
            if answer.status_code == 401:
                self._signed = fresh(self._home, refused=self._signed.access_token)
            else:
                self._wait(held_up(answer))
        raise Unserved("The platform refuses again and again. Run the same line later; it goes on where this stopped.")


def query(fields: str, purpose: str, where: Sequence[str]) -> Params:
    """The query's parameters as the API takes them. Raises `Unserved` for a condition without a value."""
    if wrong := next((each for each in where if "=" not in each), None):
        raise Unserved(f"{wrong} is no condition. Write it as field=value or field.gte=value.")
    conditions = [(name, value) for name, _, value in (each.partition("=") for each in where)]
    return [(name, value) for name, value in (("fields", fields), ("purpose", purpose)) if value] + conditions


def pull(pages: Pages, query: Params, out: Path, say: Callable[[str], None]) -> int:
    """Write every record to the file, and return how many it has. Until it is whole it has `.part` behind its name.

    What was written of a run that stopped is kept, to the last whole page. Raises `Unserved` for a file that is there already and for
    a started one of another query.
    """
    part, noted = out.with_name(out.name + ".part"), out.with_name(out.name + ".place")
    if out.exists():
        raise Unserved(f"{out} is there already. Give another file, or remove it first.")
    place = _place(noted, part, query)
    if place.records:
        say(f"Going on behind {place.records:,} records.")
    with part.open("r+b" if part.exists() else "x+b") as file:
        file.truncate(place.octets)
        file.seek(place.octets)
        for records, cursor in () if place.whole else pages.after(place.cursor):
            _write(file, records)
            count = place.records + len(records)
            place = replace(place, cursor=cursor, records=count, octets=file.tell(), whole=not cursor)
            _note(noted, place)
            say(f"{place.records:,} records")
    part.rename(out)
    noted.unlink()
    return place.records


def show(pages: Pages, out: BinaryIO) -> int:
    """Write every record to a stream; returns how many."""
    count = 0
    for records, _ in pages.after(""):
        out.writelines(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in records)
        out.flush()
        count += len(records)
    return count


def pause(answer: httpx.Response) -> float:
    """Seconds to wait before the next request: until a policy of requests that has nothing left has room again (RateLimit header)."""
    try:
        limits: Any = http_sf.parse(answer.headers.get("ratelimit", "").encode(), tltype="list")
    except ValueError:
        return 0.0
    waits = [float(left.get("t", 0)) for name, left in limits if str(name) == "requests" and left.get("r") == 0]
    return min(max(waits, default=0.0), float(LONGEST_WAIT_SECONDS))


def held_up(answer: httpx.Response) -> float:
    """Seconds to wait before the same request again, as `Retry-After` says. Raises `Unserved` where waiting does not help, or for long."""
    after = answer.headers.get("retry-after", "")
    if answer.status_code not in (429, 503) or not after.isdecimal():
        raise Unserved(told(answer))
    if int(after) > LONGEST_WAIT_SECONDS:
        raise Unserved(f"{told(answer)} Run the same line again in {_hours(int(after))}; it goes on where this stopped.")
    return float(after)


def _hours(seconds: int) -> str:
    return f"{-(-seconds // 3600)} hours" if seconds > 3600 else f"{-(-seconds // 60)} minutes"


def _place(noted: Path, part: Path, query: Params) -> Place:
    asked = [list(each) for each in query]
    if not noted.exists() or not part.exists():
        part.unlink(missing_ok=True)
        return Place(asked)
    place = Place(**orjson.loads(noted.read_bytes()))
    if place.query != asked:
        raise Unserved(f"{part} was started with another query. Remove it and {noted.name}, or ask as before.")
    return place


def _write(file: BinaryIO, records: list[Any]) -> None:
    file.writelines(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in records)
    file.flush()
    os.fsync(file.fileno())


def _note(noted: Path, place: Place) -> None:
    """Note the place after its records are on the disk, never half: a crash in between repeats a page, and the file is cut back."""
    fresh_one = noted.with_name(noted.name + ".new")
    fresh_one.write_bytes(orjson.dumps(asdict(place)))
    fresh_one.replace(noted)
