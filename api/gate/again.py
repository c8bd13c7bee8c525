"""Questions of nginx about visitors who came before. Most questions are such.

They are not read again. Without the target in its first header, a question is the bytes of one that was read in full before, that came
alone and left its connection open; and a target of printable ASCII is read as it stands, whatever stands around it.
"""

from __future__ import annotations

import re

from api.gate.asked import Asked
from api.gate.reply import on_the_wire, passed
from contracts.gate.decide import Decision
from contracts.gate.facts import Facts
from contracts.gate.service import Gate
from contracts.gate.visited import Seat
from contracts.networks import VISITORS

# As the configuration that `licet gate config nginx` writes begins it; others are read each time.
BEGIN = b"GET /gate/nginx HTTP/1.1\r\nX-Original-URI: "
PAGES = 8_192
# In bytes: what is longer would fill the memory, and is seldom.
MAX_TARGET, MAX_REST = 200, 512

_TARGET = re.compile(rb"/[!-~]{0,%d}" % (MAX_TARGET - 1))
_START = len(BEGIN)
_ID = "dec_of_the_form"


class Again:
    """What was read of earlier questions, bounded, and the answers to those that are like them."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._seats: dict[bytes, Seat] = {}
        self._pages: dict[bytes, str] = {}

    def answer(self, question: bytes) -> bytes | None:
        """The whole answer, where the visitor passes; None, and nothing counted, for every other question: it has to be read."""
        if not question.startswith(BEGIN):
            return None
        end = question.find(b"\r\n", _START)
        seat, target = self._seats.get(question[end:]), question[_START:end]
        if seat is None:
            return None
        page = self._pages.get(target) or self._page(target)
        if page is None:
            return None
        decision = self._gate.pass_again(seat, page)
        if decision is None:
            return None
        own = decision.encode()
        return b"".join((_BEFORE, own, _BETWEEN, own, _AFTER))

    def learn(self, question: bytes, asked: Asked) -> None:
        """Remember of a question that was read as `asked`, and that the gate decided on, who asks."""
        end = question.find(b"\r\n", _START)
        target, rest = question[_START:end], question[end:]
        # Where something stands there twice, or in a way of its own, the rest without the target says less than the whole.
        if not question.startswith(BEGIN) or len(rest) > MAX_REST or asked.doubtful or asked.facts.target != target.decode("latin-1"):
            return
        seat = self._gate.remembered(asked.facts)
        if seat is None:
            return
        if len(self._seats) >= VISITORS:
            self._seats = {}
        self._seats[rest] = seat

    def _page(self, target: bytes) -> str | None:
        """The page of a target that any reader of headers takes as it stands; None where there is more to it, or nobody is counted."""
        key = self._gate.page_that_counts(target.decode("ascii")) if _TARGET.fullmatch(target) else None
        if key is not None:
            if len(self._pages) >= PAGES:
                self._pages = {}
            # For as long as the gate lives: its free paths are the settings' own.
            self._pages[target] = key
        return key


_form = on_the_wire(passed(Decision(_ID, "within_budget", "enforce"), Asked(Facts("GET", "", "/", ""))))
_BEFORE, _BETWEEN, _AFTER = _form.split(_ID.encode())
