"""A live client as Authlib asks for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from authlib.oauth2.rfc6749 import ClientMixin

from contracts.credentials.client_keys import PRIVATE_KEY_JWT
from contracts.credentials.directory import KnownClient
from contracts.credentials.redirects import matches

# How a client registered to prove itself, and what Authlib calls the ways that this allows.
METHODS = {
    "client_secret": ("client_secret_basic", "client_secret_post"),
    PRIVATE_KEY_JWT: (PRIVATE_KEY_JWT,),
    # Last: who sends a secret or an assertion is never taken for a client that proves nothing.
    "none": ("none",),
}
AUTH_METHODS = tuple(name for names in METHODS.values() for name in names)
# Where a public client has nothing to do.
CONFIDENTIAL = tuple(name for name in AUTH_METHODS if name != "none")


class OAuthClient(ClientMixin):
    """A live client at a moment. Its secret, and an earlier one until its cut-off, are compared by hash, in constant time."""

    def __init__(self, known: KnownClient, now: datetime) -> None:
        self.known, self._now = known, now

    def get_client_id(self) -> str:
        """The client's id."""
        return self.known.facts.client_id

    def get_default_redirect_uri(self) -> str:
        """The only registered address that people go back to; empty where there are several, or none."""
        registered = self.known.facts.redirect_uris
        return registered[0] if len(registered) == 1 else ""

    def get_allowed_scope(self, scope: Collection[str] | str | None) -> str:
        """Everything where nothing is asked for, else what is asked for; empty where that is more than the client has.

        Never a part of it: a caller who asks for too much is told, not served less.
        """
        asked = frozenset((scope if isinstance(scope, str) else " ".join(scope)).split()) if scope is not None else self.known.facts.scopes
        return " ".join(sorted(asked)) if asked <= self.known.facts.scopes else ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether people may be sent back there."""
        return matches(redirect_uri, self.known.facts.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether the secret is the client's."""
        return self.known.facts.opened_by(client_secret, self._now)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client may authenticate in this way; one without a secret learns nothing about tokens."""
        return method in METHODS.get(self.known.facts.auth_method, ()) and (method != "none" or endpoint != "introspection")

    def check_response_type(self, response_type: str) -> bool:
        """Whether people may be sent here by the client: for a code, and for nothing else."""
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may use the grant."""
        return grant_type in self.known.facts.grant_types
