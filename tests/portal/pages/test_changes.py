"""Announced changes of fields on the dataset's public page and on the pages of contracts that name the field."""

from __future__ import annotations

import pytest

from contracts.clock import FixedClock
from contracts.house import House
from contracts.store.unit import Store
from tests.portal.house import DATASETS, browser, settings, sign_in, small_house
from tests.portal.pages.test_public import FIRST, LEAD, SECOND, cast
from tests.portal.scene import contract

LANG = {"field": "lang", "date": "2026-12-01", "what": "Three letters instead of two."}
LIKES = {"field": "likes", "date": "2026-11-05", "what": "Counted anew."}
OVER = {"field": "lang", "date": "2026-11-01", "what": "Lower case."}


@pytest.fixture
def house(sqlite_store: Store, clock: FixedClock) -> House:
    """A small house that announces changes, one of them of a day that is over."""
    posts = {**DATASETS["posts"], "changes": [LANG, LIKES, OVER]}
    return small_house(sqlite_store, clock, settings(datasets={**DATASETS, "posts": posts}))


def test_everybody_sees_what_is_to_come(house: House) -> None:
    text = browser(house).get("/datasets/posts").text
    assert "Announced changes" in text and LANG["what"] in text and LIKES["what"] in text and OVER["what"] not in text
    told = browser(house).get("/datasets/posts", headers={"accept": "application/json"}).json()
    assert told["changes"] == [LIKES, LANG]
    assert "Announced changes" not in browser(house).get("/datasets/adverts").text


def test_a_partner_sees_what_concerns_its_contract(house: House) -> None:
    cast(house)
    made = contract(house, "active", lead=LEAD, stewards=(FIRST, SECOND))
    text = sign_in(house, LEAD).get(f"/partner/contracts/{made.id}").text
    assert "Fields that you read will change" in text and LANG["what"] in text
    assert LIKES["what"] not in text and OVER["what"] not in text
