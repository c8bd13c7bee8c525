"""Where people may be sent back to: what may be registered, and what counts as registered."""

from __future__ import annotations

import pytest

from contracts.credentials.redirects import answer_uri, matches, origin_of, redirect_problem

HERE = "http://127.0.0.1/back"
TOOL = "https://tool.example/back?x=1"


@pytest.mark.parametrize("uri", [HERE, TOOL, "http://[::1]:8123/back", "http://127.0.0.1:8123/", "https://tool.example"])
def test_https_and_this_machine_may_be_registered(uri: str) -> None:
    assert redirect_problem(uri) == ""


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/back",
        "http://tool.example/back",
        "http://localhost/back",
        "http://127.0.0.1.tool.example/back",
        "https://tool.example/back#here",
        "https://tool.example/*",
        "https://user@tool.example/back",
        "https://tool.example\\@evil.example/",
        "https://tool.example/b\tack",
        "https://tool.exämple/back",
        "javascript:alert(1)",
        "com.tool:/back",
        "https://tool.example:99999/",
        "https:///back",
        "https://tool.example/" + "x" * 500,
    ],
)
def test_everything_else_may_not(uri: str) -> None:
    assert redirect_problem(uri) != ""


@pytest.mark.parametrize("asked", [HERE, "http://127.0.0.1:49152/back"])
def test_a_programs_own_port_on_this_machine_does_not_matter(asked: str) -> None:
    assert matches(asked, [TOOL, HERE])


@pytest.mark.parametrize(
    "asked",
    [
        TOOL + "&y=2",
        "https://tool.example/back",
        "https://tool.example:444/back?x=1",
        "https://TOOL.example/back?x=1",
        "https://tool.example/Back?x=1",
        "https://tool.example/back/?x=1",
        "https://tool.example/other/../back?x=1",
        "https://tool.example.evil.example/back?x=1",
        "http://127.0.0.1:80@evil.example/back",
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152/back?x=1",
        "http://[::1]:49152/back",
        "http://localhost:49152/back",
        "https://127.0.0.1/back",
        "http://127.0.0.1:49152/back#x",
        "",
    ],
)
def test_what_differs_in_anything_else_is_not_registered(asked: str) -> None:
    assert not matches(asked, [TOOL, HERE])


def test_an_answer_is_added_behind_what_the_address_has() -> None:
    assert answer_uri(TOOL, {"code": "a b", "state": "ä"}) == "https://tool.example/back?x=1&code=a+b&state=%C3%A4"
    assert answer_uri(HERE, {"error": "x"}) == "http://127.0.0.1/back?error=x"
    assert origin_of("http://127.0.0.1:8123/back?x=1") == "http://127.0.0.1:8123"
