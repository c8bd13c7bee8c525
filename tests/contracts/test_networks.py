"""Whom a request came from: spoofed headers never count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.networks import client_address, prefix, walked, within

PROXIES = ("127.0.0.1/32", "10.0.0.0/8", "unix")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_only_proxies_are_believed(peer: str, forwarded: str, client: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


def test_a_unix_socket_is_believed_only_where_configured() -> None:
    assert client_address("", "203.0.113.9", ("127.0.0.1/32",)) == ""


@pytest.mark.parametrize(
    ("address", "kept"),
    [("198.51.100.7", "198.51.100.0/24"), ("2001:db8:1:2::9", "2001:db8:1::/48"), ("::ffff:198.51.100.7", "198.51.100.0/24"), ("x", "")],
)
def test_only_a_prefix_is_kept(address: str, kept: str) -> None:
    assert prefix(address) == kept


def test_an_empty_list_of_networks_allows_none() -> None:
    assert not within("198.51.100.7", [])
    assert within("198.51.100.7", ["203.0.113.0/24", "198.51.100.0/24"])


@given(
    st.from_regex(r"(?:[0-9]{1,3}|2[5-6][0-9]|0[0-9])(?:\.(?:[0-9]{1,3}|25[0-9])){2,4}\s?(?:, ?[0-9.]+)?", fullmatch=True)
    | st.ip_addresses().map(str)
    | st.text(max_size=20),
    st.sampled_from(("", "127.0.0.1")),
    st.sampled_from((("unix",), ("127.0.0.1/32",), ("unix", "10.0.0.0/8"))),
)
def test_a_plain_address_is_read_as_by_the_walk(forwarded: str, peer: str, proxies: tuple[str, ...]) -> None:
    assert client_address(peer, forwarded, proxies) == walked(peer, forwarded, proxies)
