"""`licet pull`: pages into a file, at the platform's pace, renewed tokens, and a run that stopped goes on where it was."""

from __future__ import annotations

import io
import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import Unserved
from portal.commands import signed
from portal.commands.pull import Pages, pull, query, show
from tests.portal.commands.platforms import Platform, Said, platform

EXHAUSTED = {"code": "quota_exhausted", "detail": "The contract's records for the day are used up."}


@pytest.fixture
def served() -> Iterator[Platform]:
    with platform() as made:
        yield made


def page(first: int, following: str | None, **headers: str) -> Said:
    return 200, headers, {"data": [{"id": first}, {"id": first + 1}], "next": following, "entry": "ent_1"}


def refused(status: int, body: dict[str, str], **headers: str) -> Said:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body


def run(served: Platform, home: Path, out: Path, asked: list[tuple[str, str]] | None = None) -> tuple[int, list[float], list[str]]:
    """Pull; how many records, what was waited, and what was said."""
    waited: list[float] = []
    said: list[str] = []
    pages = Pages(home, "trees", asked or [], waited.append)
    try:
        return pull(pages, asked or [], out, said.append), [each for each in waited if each], said
    finally:
        pages.close()


def lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_every_page_lands_in_the_file_with_the_persons_token_and_a_proof(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path)
    served.records = [page(0, "c1"), page(2, None)]
    out = tmp_path / "trees.ndjson"
    count, waited, said = run(served, tmp_path, out, [("fields", "id")])
    assert (count, waited, said) == (4, [], ["2 records", "4 records"])
    assert lines(out) == [{"id": number} for number in range(4)]
    assert served.asked == [
        {"fields": "id", "limit": "1000", "token": "DPoP at-1", "proofs": "1"},
        {"fields": "id", "limit": "1000", "cursor": "c1", "token": "DPoP at-1", "proofs": "1"},
    ]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["lock", "sign-in.json", "trees.ndjson"]
    with pytest.raises(Unserved, match="is there already"):
        run(served, tmp_path, out)


def test_the_pace_is_the_platforms(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path)
    full = '"requests";r=0;t=1, "records";r=90;t=3000'
    served.records = [
        page(0, "c1", ratelimit=full),
        refused(429, {"detail": "Slower."}, retry_after="2"),
        refused(503, {"detail": "A moment."}, retry_after="3"),
        page(2, "c2", ratelimit='"requests";r=1;t=1'),
        page(4, None, ratelimit="no such header"),
    ]
    assert run(served, tmp_path, tmp_path / "out")[:2] == (6, [1.0, 2.0, 3.0])


def test_a_day_that_is_used_up_ends_the_run_and_the_next_goes_on(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path)
    out, started = tmp_path / "out", tmp_path / "out.part"
    served.records = [page(0, "c1"), refused(429, EXHAUSTED, retry_after="7300")]
    with pytest.raises(Unserved, match=r"used up\. Run the same line again in 3 hours; it goes on where this stopped\."):
        run(served, tmp_path, out)
    assert (lines(started), out.exists()) == ([{"id": 0}, {"id": 1}], False)
    with started.open("a") as half:
        half.write('{"id": 2, "half a li')
    with pytest.raises(Unserved, match="started with another query"):
        run(served, tmp_path, out, [("fields", "id")])
    served.records = [page(2, None)]
    count, _, said = run(served, tmp_path, out)
    assert (count, said, lines(out)) == (4, ["Going on behind 2 records.", "4 records"], [{"id": number} for number in range(4)])
    assert (served.asked[-1]["cursor"], started.exists()) == ("c1", False)


def test_a_run_that_ended_between_its_last_page_and_the_new_name_asks_for_nothing_again(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path)
    served.records = [page(0, None)]
    out = tmp_path / "out"
    run(served, tmp_path, out)
    out.rename(tmp_path / "out.part")
    place = {"query": [], "cursor": "", "records": 2, "octets": (tmp_path / "out.part").stat().st_size, "whole": True}
    (tmp_path / "out.place").write_text(json.dumps(place))
    served.asked.clear()
    assert (run(served, tmp_path, out)[0], served.asked, len(lines(out))) == (2, [], 2)


def test_a_token_that_ended_or_was_refused_is_renewed_and_kept(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path, seconds=5)
    served.tokens = [
        (200, {}, {"access_token": "at-2", "refresh_token": "rt-2", "expires_in": 600}),
        (200, {}, {"access_token": "at-3", "refresh_token": "rt-3", "expires_in": 600}),
    ]
    served.records = [page(0, "c1"), refused(401, {"code": "token_invalid", "detail": "Over."}), page(2, None)]
    assert run(served, tmp_path, tmp_path / "out")[0] == 4
    assert [each["token"] for each in served.asked] == ["DPoP at-2", "DPoP at-2", "DPoP at-3"]
    assert [(each["refresh_token"], each["grant_type"], each["client_id"]) for each in served.posted] == [
        ("rt-1", "refresh_token", "cli_1"),
        ("rt-2", "refresh_token", "cli_1"),
    ]
    kept = signed.held(tmp_path)
    assert (kept.access_token, kept.refresh_token) == ("at-3", "rt-3")
    assert stat.S_IMODE((tmp_path / "sign-in.json").stat().st_mode) == 0o600


def test_of_many_runs_at_once_one_renews(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path, seconds=5)
    served.tokens = [(200, {}, {"access_token": "at-2", "refresh_token": "rt-2", "expires_in": 600})]
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(signed.fresh(tmp_path).access_token)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (found, len(served.posted)) == (["at-2"] * 8, 1)


def test_a_sign_in_that_has_ended_says_what_to_do(served: Platform, tmp_path: Path) -> None:
    with pytest.raises(Unserved, match="Nobody is signed in on this machine"):
        Pages(tmp_path, "trees", [])
    served.signed_in(tmp_path, seconds=5)
    served.tokens = [(400, {}, {"error": "invalid_grant", "error_description": "It has ended."})]
    with pytest.raises(Unserved, match=r"It has ended\. Sign in again with licet login\."):
        Pages(tmp_path, "trees", [])


def test_a_nonce_that_the_platform_wants_is_put_into_the_proof(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path)
    served.records = [refused(401, {"code": "dpop_nonce_required"}, dpop_nonce="n-1"), page(0, None)]
    assert (run(served, tmp_path, tmp_path / "out")[0], len(served.asked)) == (2, 2)


def test_what_waiting_does_not_mend_is_said(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path)
    served.records = [refused(403, {"code": "field_not_in_contract", "detail": "The contract does not name the field x."})]
    with pytest.raises(Unserved, match="does not name the field x"):
        run(served, tmp_path, tmp_path / "out")
    served.records = [refused(429, {"detail": "Slower."}, retry_after="1")]
    with pytest.raises(Unserved, match="again and again"):
        run(served, tmp_path, tmp_path / "out")


def test_records_go_to_a_stream_as_well(served: Platform, tmp_path: Path) -> None:
    served.signed_in(tmp_path)
    served.records = [page(0, "c1"), page(2, None)]
    pages, out = Pages(tmp_path, "trees", []), io.BytesIO()
    assert (show(pages, out), out.getvalue()) == (4, b'{"id":0}\n{"id":1}\n{"id":2}\n{"id":3}\n')
    pages.close()


def test_conditions_are_the_apis_own() -> None:
    assert query("id,lang", "research", ["lang.in=de,sv", "text=a=b"]) == [
        ("fields", "id,lang"),
        ("purpose", "research"),
        ("lang.in", "de,sv"),
        ("text", "a=b"),
    ]
    with pytest.raises(Unserved, match="is no condition"):
        query("", "", ["lang"])
