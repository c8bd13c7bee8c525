"""Tokens that a program holds for a person, for tests of what ends with the person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contracts.credentials.service import create_client
from contracts.credentials.tables import TokenFamily
from contracts.ids import new_id
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import contract_in_force


def family(store: Store, actor: Actor) -> str:
    """A family of tokens of this person, under a contract of their organisation; its id."""
    contract = contract_in_force(store, actor, actor)
    with store.write() as unit:
        maker = replace(actor, roles=frozenset({Role.LEAD}), reauthenticated_at=unit.now)
        client, _ = create_client(unit, maker, contract, name="a program", audience="api")
        made = TokenFamily(
            id=new_id("fam"),
            client_id=client.id,
            contract_id=contract.id,
            organisation_id=actor.organisation_id,
            account_id=actor.account_id,
            scope="records:read",
            created_at=unit.now,
            expires_at=unit.now + timedelta(days=30),
        )
        unit.session.add(made)
    return made.id
