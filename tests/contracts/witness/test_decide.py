"""Every answer of C2SP tlog-witness, and the three attacks that only a witness sees."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ledger.note import BadNote
from contracts.ledger.tree import EMPTY_ROOT
from contracts.witness.decide import Decision, Kept, Outcome, decide
from contracts.witness.protocol import Request, read_request, read_size, size_text
from tests.contracts.witness.logs import ORIGIN, Log

LOG = Log(300)
KNOWN = {ORIGIN: LOG.verifier}
AT_100 = {ORIGIN: Kept(100, LOG.told(100).root)}


def outcome(body: bytes, kept: dict[str, Kept] | None = None) -> Outcome:
    return decide(KNOWN, AT_100 if kept is None else kept, body).outcome


def test_a_log_that_grows_is_cosigned_from_nothing_on() -> None:
    first = decide(KNOWN, {}, LOG.request(0, 100))
    assert first == Decision(Outcome.COSIGN, checkpoint=LOG.told(100), text=LOG.told(100).text())
    assert [outcome(LOG.request(100, size)) for size in (100, 101, 300)] == [Outcome.COSIGN] * 3
    assert outcome(LOG.request(0, 0), {}) is Outcome.COSIGN


def test_another_size_than_the_witness_has_is_told() -> None:
    assert [decide(KNOWN, AT_100, LOG.request(old, 200)) for old in (0, 99, 101)] == [Decision(Outcome.OTHER_SIZE, size=100)] * 3


def test_what_is_no_request_of_a_known_log_is_told_apart() -> None:
    stranger, thief = Log(9, origin="other.example/log"), Log(9, key=b"x" * 32)
    bodies = (LOG.request(101, 300).replace(b"old 101", b"old 301"), stranger.request(0, 9), thief.request(0, 9), b"", b"old 1\n\n")
    assert [outcome(each) for each in bodies] == [
        Outcome.MALFORMED,
        Outcome.UNKNOWN_LOG,
        Outcome.NOT_SIGNED,
        Outcome.MALFORMED,
        Outcome.MALFORMED,
    ]


def test_a_rewriting_with_new_hashes_and_a_new_signature_is_not_cosigned() -> None:
    """The operator has the key and changes entry 40: no proof leads from what was cosigned to that."""
    assert outcome(Log(300, fork=40).request(100, 300)) is Outcome.NOT_CONSISTENT


def test_a_fork_for_one_reader_is_not_cosigned_at_the_same_size() -> None:
    assert outcome(Log(100, fork=99).request(100, 100)) is Outcome.OTHER_ROOT


def test_a_cut_tail_is_not_cosigned() -> None:
    """A shorter log begins from what it has, and is told what the witness has; from there no request of it is well-formed."""
    assert decide(KNOWN, AT_100, LOG.request(60, 60)) == Decision(Outcome.OTHER_SIZE, size=100)
    body = Request(100, (), LOG.checkpoint(60)).text().encode()
    assert outcome(body) is Outcome.MALFORMED


def test_an_empty_log_has_the_root_of_nothing_and_no_proof() -> None:
    proved = Request(0, (EMPTY_ROOT,), LOG.checkpoint(100)).text().encode()
    assert outcome(proved, {}) is Outcome.NOT_CONSISTENT
    assert outcome(Request(100, (EMPTY_ROOT,), LOG.checkpoint(100)).text().encode()) is Outcome.NOT_CONSISTENT


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.data())
def test_two_checkpoints_that_contradict_each_other_are_never_both_cosigned(first: int, data: st.DataObject) -> None:
    fork = data.draw(st.integers(0, first - 1))
    second = data.draw(st.integers(first, 300))
    kept = {ORIGIN: Kept(first, LOG.told(first).root)}
    assert outcome(LOG.request(first, second), kept) is Outcome.COSIGN
    assert outcome(Log(second, fork=fork).request(first, second), kept) in (Outcome.NOT_CONSISTENT, Outcome.OTHER_ROOT)


def test_a_request_reads_back() -> None:
    request = Request(7, (bytes(32), bytes(range(32))), LOG.checkpoint(20))
    assert request.text().startswith(
        "old 7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\nagora.example"
    )
    assert read_request(request.text().encode()) == request
    assert read_request(Request(0, (), LOG.checkpoint(1)).text().encode()) == Request(0, (), LOG.checkpoint(1))


@pytest.mark.parametrize(
    "head", ["old 01", "old -1", "old", "new 1", "old 1 ", "old ١", "old 9223372036854775808", "old 1\nAAAA", "old 1\n*"]
)
def test_a_malformed_head_is_refused(head: str) -> None:
    with pytest.raises(BadNote):
        read_request(f"{head}\n\n{LOG.checkpoint(1)}".encode())


def test_a_proof_has_at_most_63_lines() -> None:
    assert len(read_request(Request(1, (bytes(32),) * 63, LOG.checkpoint(1)).text().encode()).proof) == 63
    with pytest.raises(ValueError, match="at most 63 lines"):
        Request(1, (bytes(32),) * 64, LOG.checkpoint(1)).text()
    body = f"old 1\n{'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' + chr(10)}" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 63
    with pytest.raises(BadNote, match="at most 63 lines"):
        read_request(f"{body}\n{LOG.checkpoint(1)}".encode())


def test_a_size_reads_back() -> None:
    assert [read_size(each) for each in (size_text(12).encode(), b"0\n", b"12", b"012\n", b"\xff\n", b"")] == [
        12,
        0,
        None,
        None,
        None,
        None,
    ]
