"""Samples: the same rule in Python and in SQL, and what a sample is worth."""

from __future__ import annotations

import math

import duckdb

from contracts.datasets.samples import sample_of

ORDINALS = 20_000


def test_the_engine_takes_what_the_rule_takes() -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE record AS SELECT i::UINTEGER AS _ord FROM range(4294967295 - 5000, 4294967295) t(i)")
        connection.execute(f"INSERT INTO record SELECT i::UINTEGER FROM range({ORDINALS}) t(i)")
        ordinals = [row[0] for row in connection.execute("SELECT _ord FROM record").fetchall()]
        for seed, key in ((0, b"a" * 32), (7, b"\xff" * 32)):
            sample = sample_of(50_000, seed, key)
            query = f"SELECT _ord FROM record WHERE {sample.in_sql('_ord::BIGINT')}"
            assert {row[0] for row in connection.execute(query).fetchall()} == {each for each in ordinals if sample.takes(each)}


def test_a_sample_is_of_its_size_and_independent_of_others_and_of_neighbours() -> None:
    for share in (10_000, 200_000):
        chosen = [{n for n in range(ORDINALS) if sample_of(share, seed, b"k" * 32).takes(n)} for seed in range(3)]
        wanted = ORDINALS * share / 1_000_000
        assert all(abs(len(each) - wanted) < 4 * math.sqrt(wanted) for each in chosen)
        both = wanted * share / 1_000_000
        for met in (chosen[0] & chosen[1], chosen[1] & chosen[2], chosen[0] & {n + 1 for n in chosen[0]}):
            assert abs(len(met) - both) < 4 * math.sqrt(both) + 4
    assert all(sample_of(1_000_000, 1, b"k").takes(n) for n in range(1_000))


def test_a_seed_is_repeated_and_a_key_makes_it_the_contracts_own() -> None:
    assert sample_of(10, 5, b"k") == sample_of(10, 5, b"k")
    assert sample_of(10, 5, b"k") != sample_of(10, 5, b"l") != sample_of(10, 6, b"l")
