"""Access tokens as the token address gives them out: signed, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.credentials.kept import keep
from contracts.credentials.tokens import ClientFacts, IssuedToken, Tokens
from contracts.store.unit import Store


def issued(
    tokens: Tokens, store: Store, client: ClientFacts, version: int = 1, scope: str = "", more: Mapping[str, Any] | None = None
) -> IssuedToken:
    """A token that was issued; with all scopes of the client by default. `more` are further claims."""
    made = tokens.issue(client, version, scope or " ".join(sorted(client.scopes)), more)
    with store.write("token") as unit:
        keep(unit, made)
    return made
