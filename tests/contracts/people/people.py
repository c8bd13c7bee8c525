"""Ways to make people and to read what a unit left behind, for the tests of this folder."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from sqlmodel import col, select

from contracts.errors import Refused
from contracts.ids import new_id
from contracts.ledger.tables import LedgerEntry
from contracts.notices import send
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.roles import ROLES, Role
from contracts.people.tables import Account, Membership, Organisation
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store

BASE = "https://data.agora.example"
Result = TypeVar("Result")


def person(store: Store, email: str, *roles: Role, organisation: str = "", given_by: str | None = None) -> Actor:
    """A confirmed person who holds the roles in an organisation, which is made where it is missing."""
    side = ROLES[roles[0]].side.value
    with store.write() as unit:
        home = unit.session.get(Organisation, organisation or f"org_{side}")
        if home is None:
            home = Organisation(id=organisation or f"org_{side}", name=f"The {side}", side=side, created_at=unit.now)
            unit.session.add(home)
        name = email.partition("@")[0].title()
        account = Account(id=new_id("acc"), email=email, name=name, password_hash="x", created_at=unit.now, confirmed_at=unit.now)
        unit.session.add(account)
        unit.session.flush()
        for role in roles:
            member = Membership(id=new_id("mem"), account_id=account.id, organisation_id=home.id, role=role, created_at=unit.now)
            member.given_by = given_by
            unit.session.add(member)
    given = frozenset({given_by} if given_by else ())
    return Actor(account.id, home.id, account.name, email, frozenset(roles), given, second_factor_at=unit.now)


def sign_up(store: Store, email: str = "Ada@Northfield.example ", **changed: str) -> None:
    """Sign up with plausible values."""
    values = {
        "name": "Ada  Moss",
        "password_hash": "hash-1",
        "organisation_name": "Northfield University",
        "organisation_kind": "university",
        "country": "ie",
        "next_path": "/apply?dataset=posts",
    }
    with store.write() as unit:
        people.sign_up(unit, send, email=email, base_url=BASE, **(values | changed))


def invite(store: Store, actor: Actor, email: str, role: Role) -> str:
    """Invite; returns the token of the link."""
    with store.write() as unit:
        return people.invite(unit, actor, email=email, role=role, base_url=BASE).rpartition("/")[2]


def accept(store: Store, token: str, name: str = "New Person", password_hash: str = "hash-new") -> Account:
    """Accept an invitation."""
    with store.write() as unit:
        return people.accept_invitation(unit, token, name=name, password_hash=password_hash)


def mails(store: Store) -> list[dict[str, Any]]:
    """Payloads of the mails asked for, oldest first."""
    with store.read() as session:
        rows = session.exec(select(OutboxRow).where(OutboxRow.kind == "mail").order_by(col(OutboxRow.id))).all()
    return [row.payload for row in rows]


def link_in(mail: dict[str, Any], what: str) -> str:
    """The token of the link in a mail."""
    (found,) = re.findall(rf"{re.escape(BASE)}/{what}/(\S+)", mail["body"])
    return str(found)


def entries(store: Store) -> list[tuple[str, str]]:
    """Event and subject of each entry staged, in order."""
    with store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
    return [(leaf["event"], leaf.get("subject", "")) for leaf in (json.loads(row.leaf) for row in rows)]


def refused(act: Callable[[], object]) -> str:
    """The code that the act is refused with."""
    try:
        act()
    except Refused as error:
        return error.refusal.code
    raise AssertionError("nothing was refused")


def race(act: Callable[[int], Result], racers: int = 8) -> list[Result | str]:
    """Results of the act run by several threads at once; a refusal counts as its code. Unexpected errors are raised."""
    barrier = threading.Barrier(racers)
    results: list[Result | str] = []
    failures: list[BaseException] = []

    def run(number: int) -> None:
        barrier.wait()
        try:
            results.append(act(number))
        except Refused as error:
            results.append(error.refusal.code)
        except BaseException as error:  # shown by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results
