"""The search for secrets that servers leave behind finds each kind in each form, and nothing else."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from contracts.ids import SECRETS, new_id, new_secret
from tests.harness import leaks

FORMS = {
    "plain": lambda secret: secret,
    "hex": lambda secret: secret.encode().hex(),
    "capital hex": lambda secret: secret.encode().hex().upper(),
    **{
        f"{name} after {before} bytes": lambda secret, encode=encode, before=before: encode(b"x" * before + secret.encode()).decode()
        for name, encode in (("base64", base64.b64encode), ("base64 of addresses", base64.urlsafe_b64encode))
        for before in (0, 1, 2, 31)
    },
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_in_whatever_form_it_stands(kind: str, form: str) -> None:
    written = FORMS[form](new_secret(kind))
    for content in (written, f'{{"of": "{written}", "more": 1}}', f"\0\0before {written}\nafter"):
        assert leaks.kinds_in(content.encode()) == {SECRETS[kind]}


def test_what_only_looks_like_a_secret_is_none() -> None:
    secret = new_secret("cs")
    changed = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    others = (changed, secret[:-1], "licet_cs_", new_id("cli"), base64.b64encode(changed.encode()).decode(), changed.encode().hex())
    assert [leaks.kinds_in(f"x{each}\n".encode()) for each in others] == [set()] * len(others)


def test_each_place_is_named_with_the_kinds_that_stand_there(tmp_path: Path) -> None:
    home, log, base_url = tmp_path / ".licet", tmp_path / "licet.log", "http://127.0.0.1:1"
    (home / "deeper").mkdir(parents=True)
    leaks.typed(base_url, "a person's password")
    log.write_text("all is well")
    for name, content in (("licet.db", new_secret("ln")), ("master.key", new_secret("cs"))):
        (home / name).write_text(content)
    leaks.check(home, log, base_url)
    log.write_text("GET /?next=a%20person%27s%20password")
    (home / "deeper" / "file").write_text(new_secret("ak"))
    (home / "licet.db").write_text(new_secret("ss"))
    with pytest.raises(leaks.Leaked) as found:
        leaks.check(home, log, base_url)
    assert found.value.args == ({"deeper/file": ["API key"], "licet.db": ["sign-in session"], "log": ["typed by a person"]},)


def test_a_demo_tells_what_its_invented_people_type(tmp_path: Path) -> None:
    home, log, base_url = tmp_path / ".licet", tmp_path / "licet.log", "http://127.0.0.1:2"
    home.mkdir()
    (home / "demo.json").write_text(new_secret("cs"))
    leaks.typed(base_url, "a person's password")
    log.write_text("Sign in with: a person's password")
    leaks.check(home, log, base_url)
    log.write_text(new_secret("cs"))
    with pytest.raises(leaks.Leaked):
        leaks.check(home, log, base_url)


def test_the_tables_of_a_postgresql_are_searched(new_postgres: str, tmp_path: Path) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(new_postgres)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (words text, sealed bytea)"))
        connection.execute(text("INSERT INTO kept VALUES (:link, :key)"), {"link": new_secret("ln"), "key": new_secret("rt").encode()})
    engine.dispose()
    with pytest.raises(leaks.Leaked) as found:
        leaks.check(tmp_path, tmp_path / "log", "", new_postgres)
    assert found.value.args == ({"table kept": ["refresh token"]},)
