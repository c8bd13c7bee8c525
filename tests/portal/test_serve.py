"""How the house is put before its door."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from contracts.settings import Mail, Settings, write_master_key
from portal.commands.demo import running
from portal.commands.init import prepare
from portal.parts import Part
from portal.serve import Rooms, build, config_of
from tests.harness import migrated


def test_tokens_are_answered_directly_where_the_api_is_served(tmp_path: Path) -> None:
    write_master_key(tmp_path)
    settings = Settings(profile="demo", home=tmp_path, mail=Mail(transport="mailbox"))
    migrated.copy_to(settings.home / "licet.db")
    prepare(settings)
    with running(build(settings)) as house:
        whole, pages = Rooms(house), Rooms(house, frozenset({Part.PORTAL}))
    assert (set(whole.direct), set(pages.direct)) == ({b"/oauth/token"}, set())
    protocol = config_of(whole).http
    assert isinstance(protocol, partial)
    assert protocol.keywords == {"direct": whole.direct}


def test_idle_connections_are_kept_longer_than_nginx_keeps_them() -> None:
    async def nobody_asks(*_: object) -> None:
        raise AssertionError

    # `keepalive_timeout` of an upstream, as nginx has it where nobody sets it: where both may close at once, a request is lost.
    assert config_of(nobody_asks).timeout_keep_alive > 60
