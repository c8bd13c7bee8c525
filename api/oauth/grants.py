"""The grants: Authlib's, with PKCE by S256 for every client (RFC 7636, RFC 9700 section 2.1.1) and our own rows.

Authlib saves a new token before it drops the old credential. Here the credential is spent by one conditional update before
anything is issued, so that of any number of attempts one wins.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from api.oauth.client import AUTH_METHODS
from contracts.credentials.tables import Authorization, TokenFamily

CHALLENGE_CHARACTERS = 43


class Asked:
    """A redeemable code as Authlib asks for it."""

    code_challenge_method = "S256"

    def __init__(self, row: Authorization) -> None:
        self.row, self.code_challenge = row, row.code_challenge

    def get_redirect_uri(self) -> str:
        """Where the person was sent back to; the token request names the same."""
        return self.row.redirect_uri

    def get_scope(self) -> str:
        """What the person allowed."""
        return self.row.scope


class Renewable:
    """A family that may be renewed, as Authlib asks for it."""

    def __init__(self, row: TokenFamily) -> None:
        self.row = row

    def check_client(self, _client: object) -> bool:
        """True: only the client's own families are found."""
        return True

    def get_scope(self) -> str:
        """What the person allowed."""
        return self.row.scope


class ClientCredentials(ClientCredentialsGrant):
    """A client for itself."""

    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = AUTH_METHODS

    def validate_token_request(self) -> None:
        super().validate_token_request()
        self.server.check_contract()
        self.server.check_alone()


class Code(AuthorizationCodeGrant):
    """A client for a person who allowed it."""

    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = AUTH_METHODS

    def validate_token_request(self) -> None:
        super().validate_token_request()
        self.server.check_contract()

    def query_authorization_code(self, code: str, client: Any) -> Asked | None:
        return self.server.find_code(code, client)  # type: ignore[no-any-return]  # Authlib's grants do not know their server's type

    def authenticate_user(self, authorization_code: Asked) -> str:
        return authorization_code.row.account_id or ""

    def delete_authorization_code(self, authorization_code: Asked) -> None:
        """Nothing: it was spent before the token was made."""

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Nothing: codes are made where the person decides."""


class Refresh(RefreshTokenGrant):
    """A client for a person once more, with a token that rotates."""

    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def validate_token_request(self) -> None:
        super().validate_token_request()
        self.server.check_contract()

    def authenticate_refresh_token(self, refresh_token: str) -> Any:
        return self.server.find_refresh(refresh_token)

    def authenticate_user(self, refresh_token: Renewable) -> str:
        return refresh_token.row.account_id

    def revoke_old_credential(self, refresh_token: Any) -> None:
        """Nothing: it was spent before the token was made."""


class Pkce(CodeChallenge):
    """S256 alone, and never optional: Authlib would let confidential clients go without, and take `plain`."""

    DEFAULT_CODE_CHALLENGE_METHOD = ""

    def __init__(self) -> None:
        super().__init__(required=True)
        self.SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]
        self.CODE_CHALLENGE_METHODS = {"S256": verifies}

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != CHALLENGE_CHARACTERS:
            raise InvalidRequestError("Send a code_challenge of 43 characters with code_challenge_method=S256.")
        super().validate_code_challenge(grant, redirect_uri)


def verifies(verifier: str, challenge: str) -> bool:
    """Whether the challenge was made from the verifier (RFC 7636 section 4.6), in constant time."""
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii", "replace")).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode("ascii", "replace"))
