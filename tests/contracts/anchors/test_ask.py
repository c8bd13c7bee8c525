"""The log's half of tlog-witness, against a real witness in memory and against answers that no good one gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.anchors.ask import Asked, ask
from contracts.clock import FixedClock
from contracts.guarded import Reply
from contracts.ledger import note
from contracts.ledger.cosignature import cosign, cosignatures
from contracts.witness.decide import Outcome
from contracts.witness.folder import Witness, found
from contracts.witness.protocol import Request, read_request
from portal.commands.witness import STATUS
from tests.contracts.witness.logs import ORIGIN, Log

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LOG = Log(60)
NAME = "witness.example/1"


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    found(tmp_path, NAME)
    return Witness(tmp_path, {ORIGIN: LOG.verifier}, FixedClock(NOW))


def answers(witness: Witness) -> Callable[[bytes], Reply]:
    def send(body: bytes) -> Reply:
        answer = witness.add_checkpoint(body)
        if answer.line:
            return Reply(200, {}, answer.line.encode())
        told = answer.decision.outcome in (Outcome.OTHER_SIZE, Outcome.OTHER_ROOT)
        body = f"{answer.decision.size}\n".encode() if told else answer.decision.why.encode()
        return Reply(STATUS[answer.decision.outcome], {"content-type": "text/x.tlog.size" if told else "text/plain"}, body)

    return send


def asked(witness: Witness, log: Log, size: int, old: int, send: Callable[[bytes], Reply] | None = None) -> Asked:
    return ask(send or answers(witness), witness.verifier, log.checkpoint(size), old, _prover(log), NOW)


def _prover(log: Log) -> Callable[[int, int], Sequence[bytes]]:
    return lambda old, new: read_request(log.request(old, new)).proof


def test_a_witness_is_asked_from_the_size_that_it_tells(witness: Witness) -> None:
    for size, old in ((10, 0), (10, 10), (30, 10), (40, 0), (60, 50)):
        cosigned = asked(witness, LOG, size, old).cosigned
        assert cosigned is not None
        assert cosignatures(LOG.checkpoint(size) + cosigned.line, [witness.verifier]) == [cosigned]
    assert witness.cosigned()[ORIGIN] == LOG.told(60)


def test_every_attack_on_what_it_holds_is_a_refusal(witness: Witness) -> None:
    assert asked(witness, LOG, 30, 0).cosigned
    rewritten, forked = Log(40, fork=7), Log(30, fork=29)
    assert [
        asked(witness, log, size, old)
        for log, size, old in ((rewritten, 40, 30), (rewritten, 40, 0), (forked, 30, 30), (LOG, 20, 20), (LOG, 20, 30))
    ] == [
        Asked(problem=f"{NAME} finds that this log does not extend the 30 entries that it cosigned: they were rewritten.", refuses=True),
        Asked(problem=f"{NAME} finds that this log does not extend the 30 entries that it cosigned: they were rewritten.", refuses=True),
        Asked(problem=f"{NAME} cosigned another root of 30 entries: it was shown another history than this log has.", refuses=True),
        Asked(problem=f"{NAME} cosigned 30 entries, and this log has only 20: the last were cut off.", refuses=True, held=30),
        Asked(problem=f"{NAME} cosigned 30 entries, and this log has only 20: the last were cut off.", refuses=True, held=30),
    ]


def test_what_is_no_cosignature_of_this_witness_is_none(witness: Witness) -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    text = LOG.told(9).text()
    false = cosign(LOG.told(8).text(), NAME, key, NOW)
    replies = [
        (Reply(200, {}, cosign(text, NAME, key, NOW).encode()), f"{NAME} cosigned with another key than the settings name."),
        (Reply(200, {}, false.encode()), f"{NAME} cosigned with another key than the settings name."),
        (Reply(200, {}, b"thanks"), f"{NAME} answered what is no cosignature: the note has no signature lines."),
        (
            Reply(200, {}, note.signature_line(witness.verifier, bytes(72)).encode()),
            f"{NAME} answered what is no cosignature: the cosignature of {NAME} does not hold.",
        ),
        (Reply(404, {}, b""), f"{NAME} does not know this log. Give whoever runs it the ledger's public key."),
        (Reply(403, {}, b""), f"{NAME} knows this log by another key. Give whoever runs it the ledger's public key."),
        (Reply(500, {}, b"a\x1b[31mb" + b"c" * 500), f"{NAME} answered 500: a[31mb{'c' * 194}"),
        (Reply(503, {}, b""), f"{NAME} answered 503."),
        (Reply(409, {"content-type": "text/plain"}, b"7\n"), f"{NAME} answered 409: 7"),
        (Reply(409, {"content-type": "text/x.tlog.size"}, b"07\n"), f"{NAME} answered 409: 07"),
    ]
    for reply, problem in replies:
        assert asked(witness, LOG, 9, 0, lambda _body, reply=reply: reply) == Asked(problem=problem)


def test_a_witness_that_tells_another_size_each_time_is_left(witness: Witness) -> None:
    sizes = iter((1, 2, 3, 4))
    said: list[Request] = []

    def send(body: bytes) -> Reply:
        said.append(read_request(body))
        return Reply(409, {"content-type": "text/x.tlog.size"}, f"{next(sizes)}\n".encode())

    assert asked(witness, LOG, 9, 0, send) == Asked(problem=f"{NAME} told another size each time.")
    assert [each.old for each in said] == [0, 1, 2]


def test_a_cosignature_from_the_future_is_not_taken(tmp_path: Path) -> None:
    found(tmp_path, NAME)
    for ahead, taken in ((timedelta(minutes=5), True), (timedelta(minutes=5, seconds=1), False)):
        witness = Witness(tmp_path, {ORIGIN: LOG.verifier}, FixedClock(NOW + ahead))
        assert (asked(witness, LOG, 9, 9).cosigned is not None) is taken


def test_missing_tiles_are_a_problem_and_no_refusal(witness: Witness) -> None:
    def prove(_old: int, _new: int) -> Sequence[bytes]:
        raise IndexError

    asked(witness, LOG, 5, 0)
    told = ask(answers(witness), witness.verifier, LOG.checkpoint(9), 5, prove, NOW)
    assert told == Asked(problem="Tiles of the ledger are missing, so that nothing can be proved; run `licet ledger verify`.")
