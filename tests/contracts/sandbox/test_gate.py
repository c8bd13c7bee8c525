"""The gate lets nothing of a sandbox through: neither its own token nor one that would be for the site."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

from contracts.access.grants import GrantCache
from contracts.clock import FixedClock
from contracts.credentials.tokens import Audience, ClientFacts
from contracts.gate.facts import Facts
from contracts.gate.service import Gate
from contracts.keys import KeyRing
from contracts.people.roles import Role
from contracts.sandbox import service as sandbox
from contracts.store.unit import Store
from contracts.terms.grant import Grant
from tests.contracts.people.people import person
from tests.contracts.sandbox.test_rows import dataset
from tests.harness.gates import gate_over, gate_settings
from tests.harness.tokens import issued


def test_the_gate_refuses_every_token_of_a_sandbox(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    parts = gate_over(store, clock, gate_settings(tmp_path))
    lead = person(store, "ada@northfield.example", Role.LEAD)
    with store.write() as unit:
        client, _ = sandbox.create(unit, lead, name="First try", today=date(2026, 11, 2))
    parts.watch.poll()
    cache = GrantCache(store, KeyRing(b"k" * 32), clock, parts.watch, [dataset()])
    gate = Gate(store, parts.watch, parts.tokens, cache, parts.settings, clock, KeyRing(b"k" * 32))
    place = f"sbx_{lead.organisation_id}"
    assert isinstance(asyncio.run(cache.get(place)), Grant)

    def reason(audience: Audience, scope: str) -> str:
        facts = ClientFacts(client.id, place, lead.organisation_id, audience, frozenset({scope}))
        token = issued(parts.tokens, store, facts).token
        asked = Facts("GET", "127.0.0.1", "/posts/1", "192.0.2.7", "program/1", f"Bearer {token}")
        decided = asyncio.run(gate.decide(asked))
        assert decided.allow is False
        return decided.reason

    # The second is one that the token address never issues.
    assert [reason("api", "records:read"), reason("site", "site:fetch")] == ["token_invalid", "scope_not_granted"]
