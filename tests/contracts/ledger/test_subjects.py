"""The keys of those whom values are about: one handle each, found by exact text, gone when they are overwritten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from contracts.ledger.subjects import MOST, RECORD, SubjectKeys
from tests.contracts.people.people import race


def _bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("*.keys"))


def test_a_subject_keeps_its_handle_and_its_key_over_restarts(tmp_path: Path) -> None:
    first = SubjectKeys(tmp_path)
    made = {name: each.handle for name, each in first.sealing(["acc_1", "acc_2", "acc_1"]).items()}
    again = SubjectKeys(tmp_path)
    assert {name: each.handle for name, each in again.sealing(["acc_2", "acc_1"]).items()} == made
    cipher, same = first.cipher(made["acc_1"]), again.cipher(made["acc_1"])
    assert cipher is not None and same is not None
    assert same.decrypt(bytes(12), cipher.encrypt(bytes(12), b"said", b""), b"") == b"said"
    assert [again.find(each) for each in ("acc_1", "acc_2", "acc_", "ACC_1")] == [[made["acc_1"]], [made["acc_2"]], [], []]


def test_no_text_of_a_subject_stands_in_the_folder(tmp_path: Path) -> None:
    SubjectKeys(tmp_path).sealing(["mara@agora.example"])
    assert [b"mara" in file.read_bytes() for file in tmp_path.iterdir()] == [False] * 2
    assert [file.stat().st_mode & 0o077 for file in tmp_path.iterdir()] == [0, 0]


def test_an_erased_key_is_overwritten_and_forgotten_by_every_process(tmp_path: Path) -> None:
    one, other = SubjectKeys(tmp_path), SubjectKeys(tmp_path)
    handle, stays = one.sealing(["acc_1"])["acc_1"].handle, one.sealing(["acc_2"])["acc_2"].handle
    assert other.cipher(handle) is not None
    before = _bytes(tmp_path)[:RECORD]
    other.destroy([handle])
    assert (one.cipher(handle), one.find("acc_1"), one.erased(handle), one.erased(stays)) == (None, [], True, False)
    assert (before[:16] in _bytes(tmp_path), before[16:] in _bytes(tmp_path)) == (False, False)
    assert one.cipher(stays) is not None
    assert one.sealing(["acc_1"])["acc_1"].handle != handle


def test_a_key_that_is_missing_is_not_an_erased_one(tmp_path: Path) -> None:
    keys = SubjectKeys(tmp_path)
    handle = keys.sealing(["acc_1"])["acc_1"].handle
    for file in tmp_path.glob("*.keys"):
        file.unlink()
    fresh = SubjectKeys(tmp_path)
    assert (fresh.cipher(handle), fresh.erased(handle), fresh.find("acc_1")) == (None, False, [])


def test_processes_add_to_the_same_file_and_read_each_others(tmp_path: Path) -> None:
    keys = SubjectKeys(tmp_path)
    own = keys.sealing(["acc_1"])["acc_1"].handle
    script = "import sys, pathlib; from contracts.ledger.subjects import SubjectKeys; print(SubjectKeys(pathlib.Path(sys.argv[1])).sealing(['acc_2'])['acc_2'].handle)"
    told = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True, cwd=Path.cwd())
    theirs = int(told.stdout)
    assert (theirs == own + 1, keys.find("acc_2"), keys.cipher(theirs) is not None) == (True, [theirs], True)


def test_a_race_for_one_subject_makes_one_key(tmp_path: Path) -> None:
    keys = SubjectKeys(tmp_path)
    found = race(lambda number: keys.sealing(["acc_1", f"acc_{number}"])["acc_1"].handle, 8)
    assert len(set(found)) == 1
    assert len(_bytes(tmp_path)) == 8 * RECORD


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    keys = SubjectKeys(tmp_path)
    keys.sealing(f"acc_{number}" for number in range(MOST - 1))
    last, beyond = keys.sealing(["last"])["last"].handle, keys.sealing(["beyond"])["beyond"].handle
    assert (last & (MOST - 1), beyond & (MOST - 1), last >> 32 == beyond >> 32) == (MOST - 1, 0, False)
    assert SubjectKeys(tmp_path).find("beyond") == [beyond]


def test_what_a_crash_left_half_written_is_written_over(tmp_path: Path) -> None:
    SubjectKeys(tmp_path).sealing(["acc_1"])
    file = next(tmp_path.glob("*.keys"))
    with file.open("ab") as torn:
        torn.write(b"x" * 20)
    after = SubjectKeys(tmp_path)
    handle = after.sealing(["acc_2"])["acc_2"].handle
    assert (SubjectKeys(tmp_path).find("acc_2"), after.cipher(handle) is not None) == ([handle], True)
