"""Has checkpoints stamped by the operator's authority for time-stamps (RFC 3161), and keeps the tokens."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlmodel import col, select

from contracts.anchors.settings import Anchors
from contracts.anchors.tables import CheckpointStamp
from contracts.errors import Refused
from contracts.ledger.source import latest_checkpoint
from contracts.store.unit import Store

log = structlog.get_logger()


class Stamping:
    """Asks for a time-stamp of the newest checkpoint where the last is old enough."""

    def __init__(self, store: Store, anchors: Anchors) -> None:
        self._store, self._anchors = store, anchors

    def tick(self) -> int:
        """One look; always 0, because there is nothing left to do at once. A time-stamp that does not hold is not kept."""
        url = self._anchors.timestamp_url
        if url is None:
            return 0
        with self._store.read() as session:
            newest = latest_checkpoint(session)
            last = session.exec(select(CheckpointStamp).order_by(col(CheckpointStamp.size).desc()).limit(1)).first()
        early = last is not None and self._store.clock.now() - last.at < timedelta(minutes=self._anchors.timestamp_minutes)
        if newest is not None and not early and (last is None or last.size < newest.size):
            self._stamped(url, newest.size, newest.note)
        return 0

    def _stamped(self, url: str, size: int, note: str) -> None:
        from contracts.signing import stamps  # noqa: PLC0415 - pyHanko takes most of a second, and most have no time-stamps

        try:
            token = stamps.stamp(url, note)
            at, by = stamps.checked(token, note, self._anchors.timestamp_certificate)
        except (Refused, ValueError) as error:
            log.warning("ledger.not_stamped", size=size, error=str(error))
            return
        with self._store.write("time-stamp") as unit:
            if unit.session.get(CheckpointStamp, size) is None:
                unit.session.add(CheckpointStamp(size=size, token=token, by=by, at=at))
