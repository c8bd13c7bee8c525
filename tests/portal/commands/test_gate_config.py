"""`licet gate config`: files from the settings, the same as the documentation shows, and which paths each of them keeps open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clock import SystemClock
from contracts.errors import Misconfigured
from contracts.gate import rules
from contracts.gate.facts import read_target
from contracts.gate.policy import Numbers, numbers_of
from contracts.people.roles import Role
from contracts.settings import Gate, Settings, load
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.commands.gate_config import FILES, Places, configuration, rules_of, write
from tests.contracts.people.people import person
from tests.portal.commands.conftest import Licet

ROOT = Path(__file__).parents[3]
CLASSES = {"/people/": "profile", "/people/*/photo$": "static", "/search": "search", "/search/about": "page", "/a.b*c$": "search"}
SETTINGS = Settings(profile="test", home=Path(), gate=Gate.model_validate({"classes": CLASSES, "free_paths": ["/static/", "/favicon.ico"]}))


def test_the_command_writes_a_proxys_files_and_never_over_others(folder: Path, licet: Licet) -> None:
    ended = licet(folder, "gate", "config", "nginx", "--site", "192.0.2.7:3000", "--listen", "8088", "--into", "gate")
    told = "Wrote gate/nginx.conf.\nWhat it does, and what to change in it: docs/gate/nginx.md.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, told, "")
    written = (folder / "gate/nginx.conf").read_text()
    assert ("server 192.0.2.7:3000;" in written, "listen 8088;" in written, "server 127.0.0.1:8080;" in written) == (True, True, False)
    again = licet(folder, "gate", "config", "nginx", "--into", "gate")
    assert (again.returncode, (folder / "gate/nginx.conf").read_text() == written, "is there already" in again.stderr) == (2, True, True)


def test_the_numbers_of_the_operators_page_hold_before_those_of_the_settings(folder: Path, licet: Licet) -> None:
    settings = load(folder / "licet.toml", {})
    numbers = Numbers(10, 2, {"/trees/": "profile"}, ("profile",))
    store = Store(open_engine(settings.database_url, settings.subject_folder), SystemClock())
    operator = person(store, "ola@airfield.example", Role.OPERATOR)
    with store.write() as unit:
        rules.set_numbers(unit, operator, numbers, settings)
    store.engine.dispose()
    assert licet(folder, "gate", "config", "caddy").returncode == 0
    written = (folder / "Caddyfile").read_text()
    assert ("~^/trees/ open" in written, "default closed" in written) == (True, True)


def test_the_documentation_shows_what_the_command_writes() -> None:
    for proxy, names in FILES.items():
        made = configuration(Settings(profile="test", home=Path()), numbers_of(Settings(profile="test", home=Path())), proxy, Places())
        assert {name: (ROOT / "docs/gate" / name).read_text(encoding="utf-8") for name in names} == made
        assert (ROOT / f"docs/gate/{proxy}.md").exists()


@pytest.mark.parametrize(
    ("proxy", "spelt"),
    [
        ("nginx", "server unix:/run/licet/gate.sock;"),
        ("caddy", "forward_auth unix//run/licet/gate.sock {"),
        ("haproxy", "server gate unix@/run/licet/gate.sock"),
        ("envoy", 'pipe: { path: "/run/licet/gate.sock" }'),
        ("traefik", 'url: "http://127.0.0.1:8400"'),
    ],
)
def test_a_gate_on_a_socket_is_asked_there(proxy: str, spelt: str) -> None:
    settings = Settings(profile="test", home=Path(), gate=Gate(listen=Path("/run/licet/gate.sock")))
    assert sum(spelt in text for text in configuration(settings, numbers_of(settings), proxy, Places()).values()) == 1


@pytest.mark.parametrize(
    ("proxy", "places", "where"),
    [
        ("apache", Places(), "apache"),
        ("nginx", Places(site="http://127.0.0.1:8080/"), "--site"),
        ("nginx", Places(site="127.0.0.1:8080; }"), "--site"),
        ("nginx", Places(listen="0"), "the port"),
        ("caddy", Places(listen="127.0.0.1:99999"), "the port"),
        ("caddy", Places(listen="here"), "--listen"),
    ],
)
def test_what_cannot_be_written_is_said(proxy: str, places: Places, where: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        write(SETTINGS, numbers_of(SETTINGS), proxy, places, tmp_path / "gate")
    assert (refused.value.where, (tmp_path / "gate").exists()) == (where, False)


def stays_open(target: str) -> bool:
    """As every proxy decides: the first rule that fits, else the last word."""
    rules, opens = rules_of(SETTINGS, numbers_of(SETTINGS))
    return next((rule.opens for rule in rules if re.search(rule.path, target)), opens)


@pytest.mark.parametrize(
    ("target", "opens"),
    [
        ("/", True),
        ("/posts/1?x=%2F../", True),
        ("/static/a.css", True),
        ("/favicon.ico", True),
        ("/favicon.ico?v=1", True),
        ("/.well-known/security.txt", True),
        ("/people/1", False),
        ("/people/1/photo", True),
        ("/people/1/photo?size=2", True),
        ("/people/1/photos", False),
        ("/search?q=x", False),
        ("/search/about", True),
        ("/axb1c", True),
        ("/a.b1c", False),
        ("/people", True),
        ("/static/../people/1", False),
        ("/static//people/1", False),
        ("/static/%2e%2e/people/1", False),
        ("/static/%2fa", False),
        ("/static\\..\\people", False),
        ("/static/.git/config", False),
        ("/.well-known/../people/1", False),
        ("/posts;/people/1", False),
        ("people/1", False),
        ("*", False),
    ],
)
def test_which_paths_stay_open_while_the_gate_cannot_be_asked(target: str, opens: bool) -> None:
    assert stays_open(target) is opens


@given(st.text(alphabet="/.%2efaposetic?;*ù\\", max_size=24).map(lambda text: f"/{text}"))
def test_nothing_stays_open_that_the_gate_itself_would_close(target: str) -> None:
    page, policy = read_target(target), numbers_of(SETTINGS).policy(("/static/", "/favicon.ico"))
    known = page is not None and (policy.stays_open(page) or page.path.startswith(("/.well-known/", "/static/")))
    assert known or not stays_open(target)


def test_the_patterns_hold_nothing_that_a_file_would_read_otherwise() -> None:
    rules, _opens = rules_of(SETTINGS, numbers_of(SETTINGS))
    assert [rule.path for rule in rules if re.search(r"[\\\"'`{} #]", rule.path)] == []
