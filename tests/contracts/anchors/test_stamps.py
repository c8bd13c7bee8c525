"""Time-stamps over checkpoints: asked for over HTTP, kept only where they hold, and counted as an anchor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from contracts.anchors.settings import Anchors
from contracts.anchors.stamping import Stamping
from contracts.anchors.status import Anchor, Standing, standing
from contracts.anchors.tables import CheckpointStamp
from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.ledger.sequencer import Sequencer
from contracts.signing.certificates import as_pem
from contracts.signing.stamps import checked, stamp
from contracts.store.unit import Store
from tests.contracts.ledger.conftest import ORIGIN, fill
from tests.harness.authority import TimeAuthority, time_authority
from tests.harness.signing import NOW

AT = NOW + timedelta(minutes=1)
BY = "Common Name: Time"


@pytest.fixture
def authority() -> Iterator[TimeAuthority]:
    with time_authority(AT) as found:
        yield found


def anchors(folder: Path, authority: TimeAuthority, url: str = "") -> Anchors:
    file = folder / "authority.pem"
    file.write_text(as_pem([authority.certificate]))
    return Anchors(timestamp_url=url or authority.url, timestamp_certificate=file)


def test_a_stamp_holds_over_its_note_alone_and_by_its_authority_alone(authority: TimeAuthority, tmp_path: Path) -> None:
    token, ours = stamp(authority.url, "a note\n"), anchors(tmp_path, authority)
    assert checked(token, "a note\n", ours.timestamp_certificate) == (AT, BY)
    with time_authority(AT) as stranger:
        strange = stamp(stranger.url, "a note\n")
    for wrong, note in (
        (token, "another note\n"),
        (strange, "a note\n"),
        (token[:-1] + bytes([token[-1] ^ 1]), "a note\n"),
        (token[:-9], "a note\n"),
        (b"", "a note\n"),
    ):
        with pytest.raises(ValueError, match=r"^it "):
            checked(wrong, note, ours.timestamp_certificate)


def test_an_authority_that_does_not_answer_gives_none(authority: TimeAuthority) -> None:
    with pytest.raises(Refused, match="gave none"):
        stamp(f"{authority.url}elsewhere", "a note\n")


def test_the_newest_checkpoint_is_stamped_once_an_hour(
    sqlite_store: Store, clock: FixedClock, authority: TimeAuthority, tmp_path: Path
) -> None:
    clock.advance(seconds=(AT - clock.now()).total_seconds())
    sequencer, ours = Sequencer(sqlite_store, KeyRing(b"m" * 32), ORIGIN), anchors(tmp_path, authority)
    stamping = Stamping(sqlite_store, ours)
    stamping.tick()
    sequencer.ensure_key()
    sequencer.integrate()
    stamping.tick()
    with sqlite_store.read() as session:
        assert standing(session, ours, ORIGIN) == Standing(Anchor(1, AT, BY), None)
    for minutes, stamped in ((59, [1]), (1, [1, 3])):
        clock.advance(minutes=minutes)
        fill(sqlite_store, 1)
        sequencer.integrate()
        stamping.tick()
        with sqlite_store.read() as session:
            assert session.exec(select(CheckpointStamp.size).order_by(CheckpointStamp.size)).all() == stamped


def test_a_stamp_that_does_not_hold_is_not_kept_and_a_changed_one_anchors_nothing(
    sqlite_store: Store, authority: TimeAuthority, tmp_path: Path
) -> None:
    sequencer = Sequencer(sqlite_store, KeyRing(b"m" * 32), ORIGIN)
    sequencer.ensure_key()
    sequencer.integrate()
    ours = anchors(tmp_path, authority)
    with time_authority(AT) as stranger:
        Stamping(sqlite_store, anchors(tmp_path, authority, stranger.url)).tick()
    Stamping(sqlite_store, anchors(tmp_path, authority, f"{authority.url}elsewhere")).tick()
    with sqlite_store.read() as session:
        assert session.exec(select(CheckpointStamp)).all() == []
    with sqlite_store.write() as unit:
        unit.session.add(CheckpointStamp(size=1, token=stamp(authority.url, "something else"), by=BY, at=AT))
    with sqlite_store.read() as session:
        stood = standing(session, ours, ORIGIN)
    said = "What is kept as the time-stamp at 1 entries does not hold: it is over something else, or not by the authority that is set."
    assert (stood.anchor, stood.problems) == (None, (said,))
