"""Forgetting what has ended: denials, requests of programs, families of tokens, and what was used once."""

from __future__ import annotations

from contracts.credentials.authorizations import sweep_authorizations
from contracts.credentials.families import sweep_families
from contracts.credentials.issued import sweep
from contracts.credentials.pushed import sweep_pushed
from contracts.credentials.spent import sweep_spent
from contracts.store.unit import Store


def sweep_credentials(store: Store) -> int:
    """One run of all; returns how many rows went."""
    return sweep(store) + sweep_authorizations(store) + sweep_families(store) + sweep_spent(store) + sweep_pushed(store)
