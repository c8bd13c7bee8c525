"""What a stopped visitor is sent: a page that needs nothing beside itself, or two plain lines."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.gate.decide import Decision
from contracts.gate.reasons import REASONS
from contracts.gate.stopped import StoppedPage, own_path
from contracts.gate.telling import Telling
from contracts.settings import Platform, Settings
from tests.harness.gates import gate_settings

STOPPED = Decision("dec_1", "budget_exceeded", "enforce", 1800)


def own(home: Path, text: str) -> Settings:
    own_path(home).parent.mkdir()
    own_path(home).write_text(text, encoding="utf-8")
    return gate_settings(home)


def test_a_browser_gets_a_page_and_a_program_two_lines(tmp_path: Path) -> None:
    telling = Telling(gate_settings(tmp_path))
    page, lines = telling.answer(STOPPED, "text/html,application/xhtml+xml;q=0.9"), telling.answer(STOPPED, "*/*")
    assert lines.body.decode().splitlines() == [
        f"Stopped: {REASONS['budget_exceeded'].meaning} Apply: http://127.0.0.1:8400/apply",
        "Decision: http://127.0.0.1:8400/decision/dec_1",
    ]
    for wanted in ('href="http://127.0.0.1:8400/decision/dec_1"', "http://127.0.0.1:8400/apply", "mailto:", "in about 30 minutes"):
        assert wanted in page.body.decode()
    shared = [
        ("x-gate-decision", "dec_1"),
        ("x-gate-reason", "budget_exceeded"),
        ("link", '<http://127.0.0.1:8400/license.xml>; rel="license"; type="application/rsl+xml"'),
        ("link", '<http://127.0.0.1:8400/apply>; rel="register"'),
        ("cache-control", "private, no-store"),
        ("retry-after", "1800"),
        ("vary", "accept"),
        ("x-content-type-options", "nosniff"),
    ]
    assert (lines.status, lines.headers) == (403, [*shared, ("content-type", "text/plain; charset=utf-8")])
    [style] = re.findall(r"<style>(.*?)</style>", page.body.decode(), re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert page.headers == [*shared, ("content-type", "text/html; charset=utf-8"), ("content-security-policy", policy)]
    assert "<script" not in page.body.decode()


@pytest.mark.parametrize("reason", [code for code, each in REASONS.items() if each.stops])
def test_every_reason_has_its_page(tmp_path: Path, reason: str) -> None:
    telling, decision = Telling(gate_settings(tmp_path)), Decision("dec_1", reason, "enforce", 5)
    page, lines = telling.answer(decision, "text/html"), telling.answer(decision, "")
    assert (page.status, lines.status, lines.body.count(b"\n")) == (REASONS[reason].status, REASONS[reason].status, 2)
    assert "$" not in page.body.decode()


@pytest.mark.parametrize(
    ("decision", "headers"),
    [
        (
            Decision("dec_1", "rate_exceeded", "enforce", 1, limit=5),
            [("ratelimit-policy", '"requests";q=5;w=1'), ("ratelimit", '"requests";r=0;t=1')],
        ),
        (
            Decision("dec_1", "quota_exhausted", "enforce", 900, limit=1000),
            [("ratelimit-policy", '"records";q=1000;w=86400'), ("ratelimit", '"records";r=0;t=900')],
        ),
        (
            Decision("dec_1", "period_exhausted", "enforce", limit=1000),
            [("ratelimit-policy", '"records-in-period";q=1000'), ("ratelimit", '"records-in-period";r=0')],
        ),
        (STOPPED, []),
    ],
)
def test_a_limit_that_was_reached_is_told(tmp_path: Path, decision: Decision, headers: list[tuple[str, str]]) -> None:
    told = Telling(gate_settings(tmp_path)).answer(decision, "").headers
    assert [each for each in told if each[0].startswith("ratelimit")] == headers


def test_values_are_escaped(tmp_path: Path) -> None:
    settings = gate_settings(tmp_path).model_copy(update={"platform": Platform(name="<b>Tom & Söhne</b>")})
    assert "&lt;b&gt;Tom &amp; Söhne&lt;/b&gt;" in StoppedPage(settings).html(STOPPED).decode()


def test_the_operators_own_page_takes_its_place(tmp_path: Path) -> None:
    settings = own(tmp_path, "<title>Halt</title><p>$what <a href=$decision_link>Why</a> $apply_link $contact costs $$5")
    answer = Telling(settings).answer(STOPPED, "text/html")
    assert answer.body.decode().startswith(f"<title>Halt</title><p>{REASONS['budget_exceeded'].told} <a href=http")
    assert "costs $5" in answer.body.decode()
    assert "style-src 'none'" in dict(answer.headers)["content-security-policy"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("$decision_link $apply_link $contact $", "has a dollar sign that begins no name; write two for one."),
        (
            "$decision_link $apply_link $contact $address",
            "names $address, which this page does not have; it has $again, $apply_link, $contact, $decision, $decision_link, $platform, $what.",
        ),
        ("$apply_link $contact", "leaves out $decision_link, without which nobody can go on."),
        (
            "<style>a { color: $what }</style>$decision_link $apply_link $contact",
            "has a value inside its style, which browsers would then refuse.",
        ),
        ("$decision_link $apply_link $contact" + " " * 65_536, "is larger than 64 KiB."),
    ],
)
def test_a_page_that_cannot_be_used_keeps_the_gate_from_starting(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        Telling(own(tmp_path, text))
    assert refused.value.problem == problem
