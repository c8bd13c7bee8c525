"""Countersigning several new versions of a round at once: one person, one proof of who it is, and each contract decided by itself."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.amendments import service
from contracts.amendments.tables import Amendment
from contracts.errors import Refusal, Refused, refuse
from contracts.keys import KeyRing
from contracts.people.actor import Actor
from contracts.people.assurance import Act, insist
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.store.unit import Store

MOST_AT_ONCE = 100


def countersign_chosen(
    store: Store, actor: Actor, keys: KeyRing, settings: Settings, round_id: str, chosen: Mapping[str, int], *, name: str, capacity: str
) -> dict[str, Refusal]:
    """Countersign the chosen amendments (id to revision), each in its own unit of work; those that were refused, with why.

    Two people stand under each contract as ever: what the actor offered or approved is refused, and the others go on. Raises
    `role_required`, what `Act.COUNTERSIGN` asks for, and `invalid_input` where none or more than 100 are chosen.
    """
    actor.require(Role.STEWARD)
    insist(actor, Act.COUNTERSIGN, store.clock.now())
    if not 1 <= len(chosen) <= MOST_AT_ONCE:
        raise refuse("invalid_input", "Choose what you countersign.", fields={"chosen": f"Choose from one to {MOST_AT_ONCE} new versions."})
    refused = {}
    for amendment_id, revision in chosen.items():
        try:
            with store.write("amendment") as unit:
                row = unit.session.get(Amendment, amendment_id)
                if row is None or row.round_id != round_id:
                    raise refuse("not_found", "This is no new version of this text.")
                service.countersign(unit, actor, keys, amendment_id, revision, settings, name=name, capacity=capacity)
        except Refused as error:
            refused[amendment_id] = error.refusal
    return refused
