"""Mail and web addresses: what is accepted, and what is said of the rest."""

from __future__ import annotations

import pytest

from contracts.addresses import address, address_problem, site, site_problem

NO_SITE = "Write a web address like https://www.example.org."
NO_PATH = "Leave out what follows the host, as in https://www.example.org."


@pytest.mark.parametrize(
    ("typed", "kept", "problem"),
    [
        (" Ada@Example.org ", "ada@example.org", ""),
        ("ada+data@sub.example.co.uk", "ada+data@sub.example.co.uk", ""),
        ("ada@example", "ada@example", "Write a mail address like name@example.org."),
        ("ada", "ada", "Write a mail address like name@example.org."),
        ("", "", "Write a mail address like name@example.org."),
        ("a@b.example\r\nBcc: c@d.example", "a@b.example\r\nbcc: c@d.example", "Write a mail address like name@example.org."),
    ],
)
def test_a_mail_address_is_kept_in_one_form(typed: str, kept: str, problem: str) -> None:
    assert (address(typed), address_problem(address(typed))) == (kept, problem)


@pytest.mark.parametrize(
    ("typed", "kept", "problem"),
    [
        (" https://www.example.org/ ", "https://www.example.org", ""),
        ("http://127.0.0.1:8401", "http://127.0.0.1:8401", ""),
        ("http://[::1]:8401", "http://[::1]:8401", ""),
        ("www.example.org", "www.example.org", NO_SITE),
        ("ftp://example.org", "ftp://example.org", NO_SITE),
        ("https://", "https:", NO_SITE),
        ("https://exa mple.org", "https://exa mple.org", NO_SITE),
        ("https://me:secret@example.org", "https://me:secret@example.org", NO_SITE),
        ("https://example.org:99999", "https://example.org:99999", NO_SITE),
        ("https://example.org:0", "https://example.org:0", NO_SITE),
        ("https://example.org/shop", "https://example.org/shop", NO_PATH),
        ("https://example.org?x=1", "https://example.org?x=1", NO_PATH),
    ],
)
def test_the_address_of_a_site_is_scheme_and_host(typed: str, kept: str, problem: str) -> None:
    assert (site(typed), site_problem(site(typed))) == (kept, problem)
