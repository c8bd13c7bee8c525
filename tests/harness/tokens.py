"""Access tokens as the token address gives them out: signed, and kept."""

from __future__ import annotations

from contracts.credentials.kept import keep
from contracts.credentials.tokens import ClientFacts, IssuedToken, Tokens
from contracts.store.unit import Store


def issued(tokens: Tokens, store: Store, client: ClientFacts, version: int = 1, scope: str = "") -> IssuedToken:
    """A token that was issued; with all scopes of the client by default."""
    made = tokens.issue(client, version, scope or " ".join(sorted(client.scopes)))
    with store.write("token") as unit:
        keep(unit, made)
    return made
