"""The pure decision: what passes, what stops, and that only what a contract names passes under it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.gate.budgets import Standing
from contracts.gate.decide import Decision, Verdict, for_licence, for_pace, for_visitor, open_to_all
from contracts.gate.facts import Facts, read_target
from contracts.gate.policy import Policy
from contracts.gate.reasons import REASONS, document
from contracts.terms.grant import Grant
from tests.harness.gates import CRAWL, GRANT, TERMS

CLAIMS = Claims("cli_1", "ctr_1", 1, frozenset({"site:fetch"}), "tok_1", datetime(2027, 1, 1, tzinfo=UTC), "http://127.0.0.1:8401")
TODAY = date(2026, 11, 2)
POLICY = Policy(anonymous_budget=3, network_budget=9, free_paths=("/static/", "/favicon.ico"))


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/robots.txt", "open_path"),
        ("/robots.txt/posts/1", None),
        ("/license.xml", "open_path"),
        ("/.well-known/anything/below", "open_path"),
        ("/.well-known/../posts/1", None),
        ("/static/site.css", "not_a_page"),
        ("/static/..%2fposts/1", None),
        ("/favicon.ico", "not_a_page"),
        ("/favicon.ico/posts", None),
        ("/posts/1", None),
    ],
)
def test_open_paths_are_open_and_nothing_hides_behind_them(target: str, reason: str | None) -> None:
    page = read_target(target)
    assert page is not None
    assert open_to_all(page, POLICY) == (Verdict(reason) if reason else None)


@pytest.mark.parametrize(
    ("own", "network", "verdict"),
    [
        (Standing(0, False, 0), Standing(0, False, 0), Verdict("within_budget")),
        (Standing(2, False, 60), Standing(8, False, 60), Verdict("within_budget")),
        (Standing(3, False, 60), Standing(3, False, 60), Verdict("budget_exceeded", 60)),
        (Standing(3, True, 60), Standing(3, True, 60), Verdict("within_budget")),
        (Standing(0, False, 0), Standing(9, False, 50), Verdict("network_budget_exceeded", 50)),
        (Standing(0, False, 0), Standing(9, True, 50), Verdict("within_budget")),
    ],
)
def test_visitors_pass_while_both_budgets_last(own: Standing, network: Standing, verdict: Verdict) -> None:
    assert for_visitor(own, network, POLICY) == verdict


def _licence(grant: Grant | Refusal = GRANT, claims: Claims = CLAIMS, host: str = "127.0.0.1:8401", target: str = "/posts/1") -> str:
    page = read_target(target)
    assert page is not None
    return for_licence(claims, grant, Facts("GET", host, target, "192.0.2.7"), page, TODAY).reason


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        (GRANT, "licensed"),
        (Refusal("contract_not_active", "Suspended."), "contract_not_active"),
        (Refusal("seal_broken", "Broken."), "seal_broken"),
        (Refusal("not_found", "None."), "contract_not_active"),
        (replace(GRANT, clients={}), "contract_not_active"),
        (replace(GRANT, clients={"cli_1": frozenset({"records:read"})}), "scope_not_granted"),
        (replace(GRANT, terms=TERMS.model_copy(update={"crawl": None})), "crawl_not_in_contract"),
        (replace(GRANT, terms=TERMS.model_copy(update={"starts": date(2026, 12, 1)})), "contract_not_active"),
        (replace(GRANT, terms=TERMS.model_copy(update={"ends": date(2026, 11, 1)})), "contract_not_active"),
        (replace(GRANT, terms=TERMS.model_copy(update={"networks": ("198.51.100.0/24",)})), "network_not_in_contract"),
        (replace(GRANT, terms=TERMS.model_copy(update={"networks": ("192.0.2.0/24",)})), "licensed"),
    ],
)
def test_a_licence_is_worth_what_its_grant_says(grant: Grant | Refusal, reason: str) -> None:
    assert _licence(grant) == reason


@pytest.mark.parametrize(
    ("hosts", "host", "reason"),
    [
        (("127.0.0.1",), "127.0.0.1:8401", "licensed"),
        (("127.0.0.1:8401",), "127.0.0.1:8401", "licensed"),
        (("Site.example",), "site.EXAMPLE", "licensed"),
        (("127.0.0.1:9",), "127.0.0.1:8401", "site_not_in_contract"),
        (("site.example",), "evil.site.example", "site_not_in_contract"),
        (("site.example",), "", "site_not_in_contract"),
        (("[::1]",), "[::1]", "licensed"),
        (("[::1]",), "[::1]:8401", "licensed"),
    ],
)
def test_hosts_are_those_that_the_contract_names(hosts: tuple[str, ...], host: str, reason: str) -> None:
    terms = TERMS.model_copy(update={"crawl": CRAWL.model_copy(update={"hosts": hosts})})
    assert _licence(replace(GRANT, terms=terms), host=host) == reason


@pytest.mark.parametrize("target", ["/authors/a", "/posts", "/posts/../authors/a", "/posts/%2e%2e/authors/a", "/posts//1"])
def test_paths_outside_the_contract_stop(target: str) -> None:
    assert _licence(target=target) == "path_not_in_contract"


def test_a_token_without_the_scope_stops() -> None:
    assert _licence(claims=replace(CLAIMS, scopes=frozenset({"records:read"}))) == "scope_not_granted"


def test_pace_tells_when_to_come_back() -> None:
    made = (for_pace(0.0, 5), for_pace(0.2, 5), for_pace(1.2, 5))
    assert made == (Verdict("licensed"), Verdict("rate_exceeded", 1, 5), Verdict("rate_exceeded", 2, 5))


@pytest.mark.parametrize("reason", REASONS)
def test_shadow_passes_everything_and_says_what_it_would_stop(reason: str) -> None:
    shadow, enforced = Decision("dec_1", reason, "shadow"), Decision("dec_1", reason, "enforce")
    stops = REASONS[reason].status != 200
    assert (shadow.allow, shadow.would_stop, shadow.status) == (True, stops, 200)
    assert (enforced.allow, enforced.would_stop, enforced.status) == (not stops, False, REASONS[reason].status)


def test_the_documentation_is_the_table() -> None:
    assert (Path(__file__).parents[3] / "docs/gate/reasons.md").read_text(encoding="utf-8") == document()
