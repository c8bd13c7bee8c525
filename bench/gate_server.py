"""Licet as `bench/gate.py` measures it: the production listener of an installation whose memory is filled before it serves.

`GATE_CREDENTIALS` live credentials, each with a verified token; `GATE_VISITORS` budgets in use; `GATE_BANS` bans in force. Writes the
tokens of some crawlers, one a contract in turn, into `tokens` beside the settings.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from sqlmodel import Session, col, select

from bench.gate_mix import CRAWLERS, visitor
from contracts.credentials.kept import keep_all
from contracts.credentials.tables import Client
from contracts.credentials.tokens import ClientFacts, IssuedToken
from contracts.gate.facts import Facts
from contracts.gate.rule_tables import GateBan
from contracts.house import House
from contracts.ids import new_ids
from contracts.settings import load
from contracts.store.many import Insertion
from portal.ground import door
from portal.serve import build, serve_forever

BATCH = 2_000
_BANS = Insertion(GateBan, "target", "id", "reason", "ends_at", "set_at", "changed_at")


def main() -> None:
    """Fill, then serve."""
    file = Path(sys.argv[1])
    settings = load(file, {})
    own = door(settings.host, settings.port)
    house = build(settings)
    house.tokens.prepare()
    house.watch.poll()
    _ban(house, int(os.environ["GATE_BANS"]))
    tokens = _credentials(house, int(os.environ["GATE_CREDENTIALS"]))
    for each in tokens:
        house.tokens.verify(each.token, house.tokens.audiences["site"])
    for number in range(int(os.environ["GATE_VISITORS"])):
        address, agent, page = visitor(number)
        house.gate.decide_now(Facts("GET", "127.0.0.1", page, address, agent))
    for each in tokens[:: max(1, len(tokens) // CRAWLERS)]:
        fetch = Facts("GET", settings.platform.site.removeprefix("http://"), "/lists/1", "11.0.0.1", "", f"Bearer {each.token}")
        house.gate.deadline_seconds, kept = 60.0, house.gate.deadline_seconds
        asyncio.run(house.gate.decide(fetch))
        house.gate.deadline_seconds = kept
    house.gate.flush_counts()
    (file.parent / "tokens").write_text("\n".join(each.token for each in tokens[:: max(1, len(tokens) // CRAWLERS)]))
    serve_forever(house, own)


def _credentials(house: House, count: int) -> list[IssuedToken]:
    """As many credentials of the contracts that crawl, and a token of each."""
    with house.store.read() as session:
        crawlers = _crawlers(session)
    each = count // len(crawlers)
    made: list[IssuedToken] = []
    for model in crawlers:
        ids = [model.id, *new_ids("cli", each - 1)]
        row = {name: getattr(model, name) for name in Client.model_fields}
        _keep(
            house,
            lambda connection, some: connection.execute(insert(Client), some),
            [row | {"id": new, "secret_sha256": new} for new in ids[1:]],
        )
        facts = [ClientFacts(new, model.contract_id, model.organisation_id, "site", frozenset(model.scopes)) for new in ids]
        tokens = [house.tokens.issue(fact, 1, " ".join(model.scopes)) for fact in facts]
        for start in range(0, len(tokens), BATCH):
            with house.store.write("bench") as unit:
                keep_all(unit, tokens[start : start + BATCH])
        made += tokens
    return made


def _crawlers(session: Session) -> list[Client]:
    return list(session.exec(select(Client).where(Client.audience == "site").order_by(col(Client.id))).all())


def _ban(house: House, count: int) -> None:
    now, ids = house.clock.now(), new_ids("ban", count)
    targets = [f"100.{64 + (n >> 16)}.{n >> 8 & 255}.0/24" if n % 256 == 0 else f"{n:020x}" for n in range(count)]
    rows = [(target, new, "bench", now + timedelta(days=1), now, now) for target, new in zip(targets, ids, strict=True)]
    _keep(house, _BANS.execute, rows)
    house.gate.reload()


def _keep(house: House, insertion: Callable[[Connection, Sequence[Any]], object], rows: Sequence[Any]) -> None:
    for start in range(0, len(rows), BATCH):
        with house.store.write("bench") as unit:
            insertion(unit.connection, rows[start : start + BATCH])


if __name__ == "__main__":
    main()
