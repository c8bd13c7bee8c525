"""How the gate asks for a signature: the field `Accept-Signature` (RFC 9421 section 5.1)."""

from __future__ import annotations

import secrets

from contracts.gate.signatures.profile import TAG

_COVERED = '("@method" "@authority" "@path" "@query" "signature-agent";key="sig1")'


def accept_signature() -> str:
    """A value that no two answers share: with its nonce nobody can use what another one was asked for."""
    return f'sig1={_COVERED};created;expires;keyid;nonce="{secrets.token_urlsafe(16)}";tag="{TAG}"'
