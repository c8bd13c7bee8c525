"""Targets are read in one way, and ambiguous ones are nobody's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.gate.facts import Page, agent_label, covers, identity_of, read_target


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("/", Page("/", "/", True)),
        ("/posts/1", Page("/posts/1", "/posts/1", True)),
        ("/posts/1?x=2", Page("/posts/1?x=2", "/posts/1", True)),
        ("/posts/%31", Page("/posts/1", "/posts/1", True)),
        ("/authors/j%C3%B8rgen", Page("/authors/jørgen", "/authors/jørgen", True)),
        ("/a b", None),
        ("posts/1", None),
        ("", None),
        ("http://other.example/posts/1", None),
        ("/" + "a" * 8192, None),
        ("/posts\r\nx: y", None),
    ],
)
def test_a_target_is_read_as_one_page(target: str, page: Page | None) -> None:
    assert read_target(target) == page


@pytest.mark.parametrize(
    "target",
    [
        "/static/../posts/1",
        "/static/%2e%2e/posts/1",
        "/static/%2E./posts/1",
        "/static/..%2fposts/1",
        "/static/..%5cposts/1",
        "/static\\..\\posts",
        "/static/%252e%252e/posts/1",
        "/static//posts/1",
        "/static/.;/posts/1",
        "/static/./a",
        "/static/a%00b",
        "/static/#x",
        "/static/%ff",
    ],
)
def test_what_servers_read_differently_is_covered_by_no_path(target: str) -> None:
    page = read_target(target)
    assert page is not None
    assert (page.plain, covers("/static/", page), covers("/", page)) == (False, False, False)


@pytest.mark.parametrize(
    ("allowed", "target", "covered"),
    [
        ("/", "/posts/1", True),
        ("/posts", "/posts", True),
        ("/posts", "/posts/1?x=1", True),
        ("/posts", "/postscript", False),
        ("/posts/", "/posts/1", True),
        ("/posts/", "/posts", False),
        ("/posts/", "/POSTS/1", False),
        ("/posts/1", "/posts/12", False),
    ],
)
def test_a_prefix_ends_at_a_segment(allowed: str, target: str, covered: bool) -> None:
    page = read_target(target)
    assert page is not None
    assert covers(allowed, page) is covered


@given(st.text(min_size=1, max_size=40).map(lambda text: "/" + text))
def test_a_covered_page_never_climbs(target: str) -> None:
    page = read_target(target)
    if page is not None and covers("/posts/", page):
        assert page.path.startswith("/posts/")
        assert not {".", ".."} & set(page.path.split("/"))


def test_an_identity_is_network_and_agent() -> None:
    same = identity_of("192.0.2.1", "curl/8.0")
    assert same == identity_of("192.0.2.254", "curl/8.0")
    assert len({same, identity_of("192.0.3.1", "curl/8.0"), identity_of("192.0.2.1", "curl/8.1"), identity_of("", "curl/8.0")}) == 4


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        ("python-httpx/0.28.1", "python-httpx"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge"),
        ("Mozilla/5.0 (somebody@example.org)", "a browser"),
        ("", "nothing that names itself"),
        ("<script>", "nothing that names itself"),
    ],
)
def test_an_agent_is_kept_as_a_label(agent: str, label: str) -> None:
    assert agent_label(agent) == label
