"""Questions of nginx that are as earlier ones: who asks came before, and the page was asked for before. Most questions are such.

They are not read again. Cut at the end of the target's line, a question falls into two pieces of bytes, and each of them was read in
full before, in a question that came alone and left its connection open: together they would be read the same way.
"""

from __future__ import annotations

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

_START = len(BEGIN)
_ID = "dec_of_the_form"


class Again:
    """What was read of earlier questions, bounded, and the answers to those that are like them."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        # Whether a page counts is the same for as long as a gate lives: its free paths are the settings' own.
        self._seats: dict[bytes, Seat] = {}
        self._pages: dict[bytes, str] = {}

    def answer(self, question: bytes) -> bytes | None:
        """The whole answer, where the visitor passes; None, and nothing counted, for every other question: it has to be read."""
        if not question.startswith(BEGIN):
            return None
        end = question.find(b"\r\n", _START)
        seat, page = self._seats.get(question[end:]), self._pages.get(question[_START:end])
        if seat is None or page is None:
            return None
        decision = self._gate.pass_again(seat, page)
        if decision is None:
            return None
        own = decision.encode()
        return b"".join((_BEFORE, own, _BETWEEN, own, _AFTER))

    def learn(self, question: bytes, asked: Asked) -> None:
        """Remember a question that was read as `asked`, and the gate decided on, for those that will be like it."""
        end = question.find(b"\r\n", _START)
        target, rest = question[_START:end], question[end:]
        if not question.startswith(BEGIN) or len(target) > MAX_TARGET or len(rest) > MAX_REST:
            return
        # Where something stands there twice, or in a way of its own, the pieces say less than the whole.
        found = None if asked.doubtful or asked.facts.target != target.decode("latin-1") else self._gate.familiar(asked.facts)
        if found is None:
            return
        if len(self._pages) >= PAGES:
            self._pages = {}
        if len(self._seats) >= VISITORS:
            self._seats = {}
        self._seats[rest], self._pages[target] = found


_form = on_the_wire(passed(Decision(_ID, "within_budget", "enforce"), Asked(Facts("GET", "", "/", ""))))
_BEFORE, _BETWEEN, _AFTER = _form.split(_ID.encode())
