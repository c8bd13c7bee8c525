"""What is remembered of requests for tokens: the words that a program repeats, and never a secret."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message

from api.oauth import form
from api.oauth.form import TokenForm, Unreadable, read_form

REPEATED = b"grant_type=client_credentials&resource=https%3A%2F%2Fdata.example%2Fv1"


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    form._REMEMBERED.clear()
    yield
    form._REMEMBERED.clear()


def read(body: bytes) -> TokenForm | Unreadable:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return asyncio.run(read_form({"type": "http", "headers": [(b"content-type", form.MEDIA_TYPE.encode())], "query_string": b""}, receive))


def test_the_same_words_are_read_alike_each_time() -> None:
    first, again = read(REPEATED), read(REPEATED)
    assert isinstance(first, TokenForm) and isinstance(again, TokenForm)
    assert (first.values, first.resources) == (again.values, again.resources)
    assert first.values == {"grant_type": "client_credentials", "resource": "https://data.example/v1"}
    first.values["resource"] = "changed by whoever got it"
    assert read(REPEATED) == again
    assert list(form._REMEMBERED) == [REPEATED]


@pytest.mark.parametrize(
    "more",
    [
        *(f"&{name}=x".encode() for name in ("client_secret", "client_s%65cret", "client_assertion", "code", "refresh_token", "token")),
        b"&unknown=x",
        b"&scope=" + b"a" * form.MAX_REMEMBERED_BYTES,
    ],
)
def test_what_may_hold_a_secret_or_is_long_is_not_kept(more: bytes) -> None:
    read(REPEATED + more)
    assert form._REMEMBERED == {}


def test_what_is_kept_stays_bounded() -> None:
    for number in range(form.MOST_REMEMBERED + 1):
        read(REPEATED + f"&scope=s{number}".encode())
    assert len(form._REMEMBERED) == 1
