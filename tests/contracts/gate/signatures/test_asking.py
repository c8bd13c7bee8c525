"""What the gate asks for is what its own profile takes."""

from __future__ import annotations

import re

import http_sf

from contracts.gate.signatures.asking import accept_signature
from tests.contracts.gate.signatures.test_profile import BOT, NOW, WELL_KNOWN, judged, of


def test_a_signature_as_it_is_asked_for_counts_and_no_two_are_asked_for_alike() -> None:
    asked = accept_signature()
    items, params = http_sf.parse(asked.encode(), tltype="dictionary")["sig1"]
    assert [name for name, _ in items] == ["@method", "@authority", "@path", "@query", "signature-agent"]
    assert (params["tag"], params["created"], params["expires"], params["keyid"]) == ("web-bot-auth", True, True, True)
    assert re.fullmatch(r"[\w-]{22}", params["nonce"]) and accept_signature() != asked
    covered = ("@method", "@authority", "@path", "@query", "agent")
    assert judged(BOT.ask(NOW, covered=covered, nonce=params["nonce"]), of(BOT, WELL_KNOWN)) == "verified"
