"""What a request asks its token to be narrowed to: resources (RFC 8707) and authorization details (RFC 9396)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2 import OAuth2Error

from api.oauth.decision import plain
from contracts.credentials import details
from contracts.credentials.details import Details
from contracts.credentials.tokens import Audience
from contracts.terms.model import Terms


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The parameters as they came; `resources` may be given several times (RFC 8707 section 2)."""

    resources: tuple[str, ...] = ()
    details: str | None = None

    def check_target(self, own: str) -> None:
        """Raise `invalid_target` for any resource but the credential's one audience; another audience is another credential."""
        if any(resource != own for resource in self.resources):
            raise OAuth2Error(error="invalid_target", description=f"This credential is for {own} only.")

    def granted(self, allowed: Iterable[Mapping[str, Any]], terms: Terms, audience: Audience, own: str) -> Details:
        """What the token is narrowed to, within the contract and what a person allowed. Raises `invalid_authorization_details`."""
        if self.details is not None and audience != "api":
            raise _refused("Tokens for the site have no details.")
        found = details.granted(self.details, allowed, terms, own)
        if isinstance(found, str):
            raise _refused(found)
        return found


def _refused(problem: str) -> OAuth2Error:
    return OAuth2Error(error="invalid_authorization_details", description=plain(problem))
