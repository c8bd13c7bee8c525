"""Pseudonyms: the engine's are Python's, keyed by contract, built once."""

from __future__ import annotations

import hmac
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.clock import FixedClock
from contracts.datasets import pseudonyms
from contracts.datasets.files import folder_of, version_file
from contracts.datasets.load import refresh
from contracts.lifecycle.tables import Contract
from contracts.store import epochs
from contracts.store.unit import Store
from tests.harness.data import world


def test_the_form_is_hmac_sha256_cut_to_128_bits() -> None:
    expected = hmac.new(b"k" * 32, b"posts\0id\x0042", "sha256").hexdigest()[:32]
    assert pseudonyms.pseudonym(b"k" * 32, "posts", "id", "42") == f"ps_{expected}"
    assert pseudonyms.is_pseudonym(f"ps_{expected}")
    assert not pseudonyms.is_pseudonym(f"ps_{expected[:-1]}")


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80), min_size=1, max_size=8))
def test_the_engine_computes_what_python_does(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    folder = tmp_path_factory.mktemp("p")
    with duckdb.connect(str(folder / "v.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE record AS SELECT (row_number() OVER () - 1)::UINTEGER AS _pos, v FROM (SELECT unnest(?::VARCHAR[]) AS v)",
            [values],
        )
    key = bytes(range(32))
    pseudonyms.build(folder / "v.duckdb", folder / "c.duckdb", key, "posts", ["v"])
    with duckdb.connect(str(folder / "c.duckdb"), read_only=True) as connection:
        made = [
            row[0] for row in connection.execute("SELECT 'ps_' || replace(v::VARCHAR, '-', '') FROM pseudonym ORDER BY _pos").fetchall()
        ]
    assert made == [pseudonyms.pseudonym(key, "posts", "v", value) for value in values]


def test_tables_are_built_once_for_active_contracts_and_before_a_version_is_current(
    store: Store, clock: FixedClock, tmp_path: Path
) -> None:
    with world(store, clock, tmp_path, posts=30) as data:
        contract, _ = data.contract()
        inactive, _ = data.contract(data.cast.rival)
        with data.store.write() as unit:
            epochs.bump(unit, "grants")
            unit.lock(Contract, inactive).state = "suspended"
        built = [pseudonyms.build_for(store, data.keys, data.settings, each) for each in (contract, contract, inactive)]
        assert built == [1, 0, 0]

        def before(version: str) -> None:
            assert pseudonyms.build_all(store, data.keys, data.settings, "posts", version) == 1

        version = refresh(store, data.settings, "posts", before_current=before)
        files = {file.name for file in folder_of(data.settings.home, "posts").glob(f"{version}.*")}
        assert version_file(data.settings.home, "posts", version).name in files
        assert sorted(name.rpartition(".")[2] for name in files) == ["codes", "duckdb", "duckdb", "lines"]
        assert not any(file.name.endswith("draft") for file in folder_of(data.settings.home, "posts").iterdir())
