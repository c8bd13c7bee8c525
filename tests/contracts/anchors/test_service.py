"""Our ledger under witnesses, on both stores: what they sign is kept, published and told; what they refuse opens an incident."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from contracts.anchors.published import FRESH, Published, covering, published
from contracts.anchors.service import REFUSED, Anchoring
from contracts.anchors.settings import Anchors, WitnessAt
from contracts.anchors.status import Anchor, Standing, standing
from contracts.anchors.tables import CheckpointCosignature, LogWitness
from contracts.clock import FixedClock
from contracts.errors import refuse
from contracts.guarded import Reply
from contracts.incidents.tables import Incident
from contracts.keys import KeyRing, Purpose, ed25519_key, newest
from contracts.ledger import note, tree
from contracts.ledger.cosignature import cosignatures
from contracts.ledger.note import CheckpointText
from contracts.ledger.proofs import Proof, check_proof, proof_of
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.source import latest_checkpoint
from contracts.store.unit import Store
from contracts.witness.decide import Outcome
from contracts.witness.folder import Witness, found
from portal.commands.witness import STATUS
from tests.contracts.ledger.conftest import ORIGIN, fill
from tests.contracts.ledger.test_tree import Tiles

NAME = "witness.example/1"


class Outside:
    """Witnesses elsewhere, each in a folder, and our side that asks them; `down` are those that do not answer."""

    def __init__(self, folder: Path, store: Store, log: str, names: tuple[str, ...] = (NAME,)) -> None:
        self.witnesses = {}
        for number, name in enumerate(names):
            found(folder / str(number), name)
            self.witnesses[name] = Witness(folder / str(number), {ORIGIN: note.parse_vkey(log)}, store.clock)
        known = {
            f"w{number}": WitnessAt(key=each.verifier.vkey(), address="https://w.example/a/")
            for number, each in enumerate(self.witnesses.values())
        }
        self.down: set[str] = set()
        self.before: Callable[[], None] = lambda: None
        self.store, self.anchors = store, Anchors(witnesses=known)
        self._anchoring = Anchoring(store, self.anchors, ORIGIN, self._post)

    def ask(self) -> Standing:
        """One round, and how the ledger stands after it."""
        assert self._anchoring.tick() == 0
        return self.standing()

    def standing(self) -> Standing:
        with self.store.read() as session:
            return standing(session, self.anchors, ORIGIN)

    def _post(self, at: WitnessAt, body: bytes) -> Reply:
        name = at.verifier.name
        self.before()
        if name in self.down:
            raise refuse("fetch_failed", "The address could not be asked.")
        answer = self.witnesses[name].add_checkpoint(body)
        told = answer.decision.outcome in (Outcome.OTHER_SIZE, Outcome.OTHER_ROOT)
        said = answer.line or (f"{answer.decision.size}\n" if told else answer.decision.why)
        return Reply(STATUS[answer.decision.outcome], {"content-type": "text/x.tlog.size" if told else "text/plain"}, said.encode())


@pytest.fixture
def outside(store: Store, sequencer: Sequencer, tmp_path: Path) -> Outside:
    return Outside(tmp_path, store, sequencer.ensure_key())


def events(store: Store, sequencer: Sequencer) -> list[str]:
    sequencer.integrate()
    with store.read() as session:
        rows = session.connection().execute(text('SELECT leaf FROM ledger_entry ORDER BY "index"'))
        return [bytes(leaf).decode().partition('"event":"')[2].partition('"')[0] for (leaf,) in rows]


def test_a_cosignature_is_kept_published_and_carried_by_proofs(
    store: Store, clock: FixedClock, sequencer: Sequencer, outside: Outside
) -> None:
    (wanted, *_) = fill(store, 5)
    sequencer.integrate()
    now = clock.now().replace(microsecond=0)
    stood = outside.ask()
    witness = outside.witnesses[NAME].verifier
    assert stood == Standing(Anchor(6, now, NAME), None)
    assert stood.sentence() == f"Anchored at 6 entries, {now:%Y-%m-%d %H:%M} UTC by {NAME}."
    verifier = note.parse_vkey(sequencer.ensure_key())
    with store.read() as session:
        told, proof = published(session), proof_of(session, wanted)
        row = session.exec(select(LogWitness)).one()
    assert told is not None and isinstance(proof, Proof)
    assert (row.size, row.problem, row.refuses) == (6, "", False)
    assert [each.at for each in cosignatures(told.note, [witness])] == [now]
    assert note.open_checkpoint(told.note, [verifier]).size == 6
    assert proof.checkpoint == told.note
    assert check_proof(proof.text(), verifier).size == 6


def test_a_witness_is_told_of_once_and_asked_again_only_for_something_new(store: Store, sequencer: Sequencer, outside: Outside) -> None:
    outside.ask()
    assert events(store, sequencer) == ["key.made", "ledger.anchored"]
    outside.ask()
    assert events(store, sequencer) == ["key.made", "ledger.anchored"]
    outside.down.add(NAME)
    assert outside.ask().problems == ()
    fill(store, 1)
    sequencer.integrate()
    assert outside.ask().problems == (f"{NAME}: The address could not be asked.",)
    outside.down.clear()
    assert outside.ask().problems == ()
    with store.read() as session:
        assert session.exec(select(CheckpointCosignature.size).order_by(CheckpointCosignature.size)).all() == [1, 2, 3]
    assert events(store, sequencer)[-1] == "access.records"


def test_without_anyone_outside_it_is_unanchored_since_its_first_checkpoint(store: Store, clock: FixedClock, sequencer: Sequencer) -> None:
    began = clock.now()
    clock.advance(hours=2)
    fill(store, 1)
    sequencer.integrate()
    with store.read() as session:
        stood = standing(session, Anchors(), ORIGIN)
    assert stood == Standing(None, began)
    assert stood.sentence() == f"Unanchored since {began:%Y-%m-%d %H:%M} UTC: nobody outside has signed a checkpoint."


def test_an_empty_ledger_has_nothing_to_anchor(store: Store) -> None:
    with store.read() as session:
        assert standing(session, Anchors(), ORIGIN).sentence() == "The ledger has no checkpoint yet that could be anchored."
        assert (published(session), covering(session, 0)) == (None, None)


def test_each_of_several_witnesses_counts_for_itself(store: Store, sequencer: Sequencer, tmp_path: Path) -> None:
    outside = Outside(tmp_path, store, sequencer.ensure_key(), (NAME, "second.example"))
    outside.down.add(NAME)
    stood = outside.ask()
    assert stood.anchor is not None and (stood.anchor.by, stood.problems) == (
        "second.example",
        (f"{NAME}: The address could not be asked.",),
    )
    outside.down.clear()
    sequencer.integrate()
    outside.ask()
    with store.read() as session:
        told = published(session)
    assert told is not None and len(cosignatures(told.note, outside.anchors.verifiers)) == 2


def test_of_a_busy_log_the_cosigned_checkpoint_is_published_until_it_is_old(
    store: Store, clock: FixedClock, sequencer: Sequencer, outside: Outside
) -> None:
    outside.ask()
    clock.advance(seconds=FRESH.total_seconds())
    ids = fill(store, 3)
    sequencer.integrate()
    with store.read() as session:
        told, late = published(session), proof_of(session, ids[-1])
    assert told is not None and told.size == 1
    assert isinstance(late, Proof) and late.size == 5
    clock.advance(seconds=1)
    fill(store, 1)
    sequencer.integrate()
    with store.read() as session:
        newest = latest_checkpoint(session)
        assert newest is not None
        assert published(session) == Published(6, newest.note)
        assert covering(session, 6) is None


def rewrite(store: Store, keys: KeyRing, size: int, changed: int) -> None:
    """Everything anew with the stolen key: leaves from `changed` on are others, all hashes and the one checkpoint fit."""
    with store.write() as unit:
        rows = unit.connection.execute(text('SELECT leaf FROM ledger_entry WHERE "index" < :size ORDER BY "index"'), {"size": size}).all()
        leaves = [bytes(leaf) if at < changed else bytes(leaf).replace(b"nonce", b"nonse") for at, (leaf,) in enumerate(rows)]
        tiles = Tiles()
        tiles.append([tree.leaf_hash(each) for each in leaves])
        row = newest(unit.session, Purpose.LEDGER)
        assert row is not None
        root = tree.root(tiles, size)
        signed = note.sign(CheckpointText(ORIGIN, size, root).text(), ORIGIN, ed25519_key(keys.open(row)))
        unit.connection.execute(text('DELETE FROM ledger_entry WHERE "index" >= :size'), {"size": size})
        for table in ("ledger_tile", "ledger_checkpoint", "ledger_cosignature"):
            unit.connection.execute(text(f"DELETE FROM {table}"))
        for at, leaf in enumerate(leaves):
            unit.connection.execute(text('UPDATE ledger_entry SET leaf = :leaf WHERE "index" = :at'), {"leaf": leaf, "at": at})
        for (level, index), hashes in tiles.kept.items():
            values = {"level": level, "index": index, "hashes": hashes}
            unit.connection.execute(text('INSERT INTO ledger_tile (level, "index", hashes) VALUES (:level, :index, :hashes)'), values)
        values = {"size": size, "root": root, "note": signed, "now": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)}
        unit.connection.execute(
            text("INSERT INTO ledger_checkpoint (size, root, note, made_at) VALUES (:size, :root, :note, :now)"), values
        )
        unit.connection.execute(text("UPDATE ledger_head SET size = :size, root = :root"), {"size": size, "root": root})


ATTACKS: dict[str, tuple[Callable[[int], tuple[int, int]], str]] = {
    "everything rewritten, and grown": (lambda size: (size, 2), "does not extend the 6 entries that it cosigned: they were rewritten."),
    "the tail cut": (lambda size: (size - 3, size), "cosigned 6 entries, and this log has only 4: the last were cut off."),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_no_verification_here_can_see_a_witness_refuses(sqlite_store: Store, keys: KeyRing, tmp_path: Path, attack: str) -> None:
    """Someone with the database and the key rewrites all of it, and forgets what the witness signed."""
    sequencer = Sequencer(sqlite_store, keys, ORIGIN)
    outside = Outside(tmp_path, sqlite_store, sequencer.ensure_key())
    fill(sqlite_store, 5)
    sequencer.integrate()
    outside.ask()
    sequencer.integrate()
    changed, problem = ATTACKS[attack]
    rewrite(sqlite_store, keys, *changed(7))
    with sqlite_store.write() as unit:
        unit.connection.execute(text("DELETE FROM ledger_witness"))
    stood = outside.ask()
    assert (stood.anchor, stood.refusals) == (None, (f"{NAME} {'finds that this log ' if 'rewritten' in attack else ''}{problem}",))
    assert outside.ask().refusals == stood.refusals
    with sqlite_store.read() as session:
        incidents = session.exec(select(Incident)).all()
    assert [(each.kind, each.title, each.facts["first_problem"]) for each in incidents] == [("ledger_broken", REFUSED, stood.refusals[0])]


def test_a_witness_that_another_process_asked_meanwhile_is_no_refusal(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    """While our request with a smaller checkpoint is under way, the other process gets a larger one cosigned."""
    sequencer = Sequencer(sqlite_store, keys, ORIGIN)
    outside, other = (Outside(tmp_path, sqlite_store, sequencer.ensure_key()) for _ in range(2))
    sequencer.integrate()

    def meanwhile() -> None:
        outside.before = lambda: None
        fill(sqlite_store, 3)
        sequencer.integrate()
        assert other.ask().anchor is not None

    outside.before = meanwhile
    stood = outside.ask()
    assert (stood.refusals, stood.problems, stood.anchor and stood.anchor.size) == ((), (), 4)


def test_a_cosignature_that_was_put_into_the_database_anchors_nothing(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    sequencer = Sequencer(sqlite_store, keys, ORIGIN)
    outside = Outside(tmp_path, sqlite_store, sequencer.ensure_key())
    fill(sqlite_store, 2)
    sequencer.integrate()
    outside.ask()
    sequencer.integrate()
    with sqlite_store.write() as unit:
        row = unit.session.exec(select(CheckpointCosignature)).one()
        unit.session.add(CheckpointCosignature(size=row.size + 1, key=row.key, line=row.line, at=row.at))
    stood = outside.standing()
    assert stood.anchor is None
    assert stood.problems == (
        f"What is kept as the cosignature of {NAME} at 4 entries is none of it: the cosignature of {NAME} does not hold.",
    )


def test_a_witness_that_is_no_longer_set_anchors_nothing(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    outside = Outside(tmp_path, sqlite_store, Sequencer(sqlite_store, keys, ORIGIN).ensure_key())
    Sequencer(sqlite_store, keys, ORIGIN).integrate()
    assert outside.ask().anchor is not None
    with sqlite_store.read() as session:
        assert standing(session, Anchors(), ORIGIN).anchor is None
