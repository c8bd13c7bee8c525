"""Settings: whole, known and safe, or no start."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.settings import load, write_master_key


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "licet.toml"
    file.write_text(text)
    return file


def test_defaults_stand_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(environ={"LICET_PROFILE": "test"})
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8400, f"sqlite:///{tmp_path}/.licet/licet.db")
    assert (settings.mail.transport, settings.gate.mode) == ("none", "shadow")


def test_variables_go_over_the_file(tmp_path: Path) -> None:
    file = _file(tmp_path, 'profile = "test"\nport = 9000\n[platform]\nname = "Forum"\n')
    settings = load(file, {"LICET_PLATFORM__NAME": "Agora", "OTHER": "x"})
    assert (settings.port, settings.platform.name) == (9000, "Agora")


@pytest.mark.parametrize(
    ("text", "environ", "named"),
    [
        ("prot = 9000", {}, "setting prot"),
        ("[platform]\nnmae = 'x'", {}, "setting platform.nmae"),
        ("", {"LICET_PROT": "1"}, "setting prot"),
        ("port = 70000", {}, "setting port"),
        ("port = [", {}, "licet.toml"),
        ("clock_file = 'clock'", {}, "setting clock_file"),
        ("[mail]\ntransport = 'mailbox'", {}, "setting mail.transport"),
        ("[billing]\napi_base = 'http://127.0.0.1:1'", {}, "setting billing.api_base"),
        ("profile = 'demo'\nhost = '0.0.0.0'", {}, "setting host"),
        ("[datasets.d]\ntitle='D'\nlocation='d.csv'\nkey='id'\n[datasets.d.fields]\nname={type='string'}", {}, "setting datasets.d"),
        ("base_url = 'https://data.example.org/licet'", {}, "setting base_url"),
        ("[platform]\nsite = 'www.example.org'", {}, "setting platform.site"),
        ("[platform]\ncontact = 'nobody'", {}, "setting platform.contact"),
        ("[platform]\nname = 'A'\nlegal_name = 'A Ltd'\nsite = 'https://a.example'", {}, "setting platform.contact"),
    ],
)
def test_what_is_unknown_or_unsafe_is_named(tmp_path: Path, text: str, environ: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(_file(tmp_path, text), environ)
    assert named in caught.value.where
    assert caught.value.mend


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[platform]\nnmae = 'x'", "setting platform.nmae: is unknown. Did you mean name?"),
        ("qqqq = 1", "setting qqqq: is unknown. Read from"),
        ("[datasets.d]\ntitle='D'\nlocation='d.csv'\n[datasets.d.fields]\nid={type='string'}", "setting datasets.d.key: is missing."),
        ("[platform]\nsite = 'agora'", "setting platform.site: does not fit: Write a web address like https://www.example.org."),
    ],
)
def test_a_wrong_setting_is_said_in_plain_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(_file(tmp_path, text), {})
    assert str(caught.value).startswith(said)


def test_addresses_are_kept_in_one_form(tmp_path: Path) -> None:
    text = "profile = 'test'\nbase_url = ' https://data.example.org/ '\n[platform]\ncontact = ' Data@Example.org '\nsite = 'https://example.org/'"
    settings = load(_file(tmp_path, text), {})
    kept = (settings.base_url, settings.platform.contact, settings.platform.site)
    assert kept == ("https://data.example.org", "Data@Example.org", "https://example.org")


def test_holidays_are_days(tmp_path: Path) -> None:
    file = _file(tmp_path, "profile = 'test'\n[platform]\nholidays = [2026-12-25, '2026-12-26']")
    assert load(file, {}).platform.holidays == [date(2026, 12, 25), date(2026, 12, 26)]
    with pytest.raises(Misconfigured, match=r"platform\.holidays"):
        load(_file(tmp_path, "profile = 'test'\n[platform]\nholidays = ['Christmas']"), {})


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = "profile='test'\n[datasets.d]\ntitle='D'\nlocation='data/d.csv'\nkey='id'\n[datasets.d.fields]\nid={type='string', class='key'}"
    settings = load(_file(tmp_path, text), {})
    assert settings.datasets["d"].location == str(tmp_path / "data/d.csv")
    assert settings.home == tmp_path / ".licet"


def test_the_master_key_is_made_once_and_private(tmp_path: Path) -> None:
    file = write_master_key(tmp_path / "home")
    first = file.read_bytes()
    assert write_master_key(tmp_path / "home").read_bytes() == first
    assert (len(first), file.stat().st_mode & 0o777) == (32, 0o600)
