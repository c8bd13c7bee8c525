"""Terms as they are hashed: a term that came later changes no hash of a contract that does not agree it."""

from __future__ import annotations

import json

from contracts.terms.model import from_json, terms_hash, to_json
from tests.contracts.credentials.sealed import terms


def test_a_term_that_came_later_is_left_out_where_it_is_not_agreed() -> None:
    # The hash of these terms as they were sealed before `oauth_only` existed.
    assert "oauth_only" not in json.loads(to_json(terms()))
    assert terms_hash(to_json(terms())) == "f05236eab9210989993fa1f3f2ae9a0e8984944747da92ae166378afb4aa42b9"
    agreed = to_json(terms(oauth_only=True))
    assert json.loads(agreed)["oauth_only"] is True
    assert from_json(agreed).oauth_only is True
    assert from_json(to_json(terms())) == terms()
