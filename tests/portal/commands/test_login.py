"""`licet login`: who comes back to this machine is believed only with this run's state, from the platform that was asked."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from contracts.errors import Unserved
from portal.commands import signed
from portal.commands.login import sign_in
from portal.commands.wire import hashed
from tests.portal.commands.platforms import Platform, platform

TOKENS = {"access_token": "at-1", "refresh_token": "rt-1", "expires_in": 600}


@pytest.fixture
def served() -> Iterator[Platform]:
    with platform() as made:
        made.tokens = [(200, {}, TOKENS)]
        yield made


def visit(url: str) -> int:
    """The status that the waiting command answers a browser with."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def person(answer: Callable[[str, dict[str, str]], None]) -> Callable[[str], None]:
    """Somebody who is shown the address and answers it in a browser meanwhile."""

    def shown(url: str) -> None:
        asked = dict(parse_qsl(urlsplit(url).query))
        threading.Thread(target=answer, args=(asked["redirect_uri"], asked)).start()

    return shown


def test_a_code_becomes_a_sign_in_that_is_kept(served: Platform, tmp_path: Path) -> None:
    asked: dict[str, str] = {}

    def allow(back: str, given: dict[str, str]) -> None:
        asked.update(given)
        visit(f"{back}?{urlencode({'code': 'ac-1', 'state': given['state'], 'iss': served.base_url})}")

    sign_in(served.base_url, "cli_1", tmp_path, person(allow))
    (form,) = served.posted
    assert form == {
        "grant_type": "authorization_code",
        "code": "ac-1",
        "code_verifier": form["code_verifier"],
        "redirect_uri": asked["redirect_uri"],
        "client_id": "cli_1",
    }
    assert asked["redirect_uri"].startswith("http://127.0.0.1:") and asked["redirect_uri"].endswith("/licet")
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (hashed(form["code_verifier"]), "S256")
    assert (asked["resource"], asked["scope"]) == (f"{served.base_url}/v1", "records:read")
    kept = signed.held(tmp_path)
    assert (kept.issuer, kept.access_token, kept.refresh_token, kept.is_over) == (served.base_url, "at-1", "rt-1", False)


def test_an_answer_with_another_state_path_or_a_second_one_counts_for_nothing(served: Platform, tmp_path: Path) -> None:
    tried: list[int] = []

    def confused(back: str, given: dict[str, str]) -> None:
        right = {"code": "ac-1", "state": given["state"], "iss": served.base_url}
        tried.append(visit(f"{back}?{urlencode({**right, 'state': 'forged', 'code': 'theirs'})}"))
        tried.append(visit(f"{back}?{urlencode({'code': 'theirs'})}"))
        tried.append(visit(f"{back}/more?{urlencode({**right, 'code': 'theirs'})}"))
        tried.append(visit(f"{back}?{urlencode(right)}"))

    sign_in(served.base_url, "cli_1", tmp_path, person(confused))
    assert served.posted[0]["code"] == "ac-1"
    assert tried[:3] == [404, 404, 404]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "access_denied"}, "It was not allowed in the browser."),
        (
            {"error": "unauthorized_client", "error_description": "The contract is not active."},
            "The contract is not active. Ask your lead.",
        ),
        ({"code": "ac-1", "iss": "https://evil.example"}, "came from another platform"),
        ({"code": "ac-1", "iss": ""}, "came from another platform"),
    ],
)
def test_what_is_no_permission_signs_nobody_in(served: Platform, tmp_path: Path, answer: dict[str, str], said: str) -> None:
    def decide(back: str, given: dict[str, str]) -> None:
        visit(f"{back}?{urlencode({'state': given['state'], 'iss': served.base_url, **answer})}")

    with pytest.raises(Unserved, match=said):
        sign_in(served.base_url, "cli_1", tmp_path, person(decide))
    assert (served.posted, (tmp_path / "sign-in.json").exists()) == ([], False)


def test_nobody_waits_for_ever_and_a_refused_code_is_said(served: Platform, tmp_path: Path) -> None:
    with pytest.raises(Unserved, match="Nobody answered in the browser"):
        sign_in(served.base_url, "cli_1", tmp_path, lambda url: None, patience=0.05)
    served.tokens = [(400, {}, {"error": "invalid_grant", "error_description": "The code has ended."})]

    def allow(back: str, given: dict[str, str]) -> None:
        visit(f"{back}?{urlencode({'code': 'ac-1', 'state': given['state'], 'iss': served.base_url})}")

    with pytest.raises(Unserved, match=r"The code has ended\. Run licet login again\."):
        sign_in(served.base_url, "cli_1", tmp_path, person(allow))


@pytest.mark.parametrize(
    "changed",
    [{"issuer": "https://other.example"}, {"token_endpoint": "https://evil.example/token"}, {"protected_resources": []}],
)
def test_a_platform_that_names_addresses_elsewhere_is_not_believed(served: Platform, tmp_path: Path, changed: dict[str, object]) -> None:
    served.published |= changed
    with pytest.raises(Unserved, match="gives itself out as another platform"):
        sign_in(served.base_url, "cli_1", tmp_path, lambda url: None)


def test_secrets_never_travel_in_clear_to_another_machine(tmp_path: Path) -> None:
    for address in ("http://data.agora.example", "http://127.0.0.1.agora.example", "ftp://127.0.0.1", "data.agora.example"):
        with pytest.raises(Unserved, match="no https address"):
            sign_in(address, "cli_1", tmp_path, lambda url: None)
