"""Which cells are told: enough people, nobody dominating, and nothing to be had by subtraction; also by a thousand questions."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.aggregates import blur
from contracts.aggregates.hide import is_sound, told
from contracts.aggregates.plan import At, Axes, Measure

K, P, NOISE = 5, 20, 2
Person, Record = int, tuple[int, At]
Exact = dict[Axes, dict[At, set[Record]]]


def measure(records: Collection[Record]) -> Measure:
    """Each record counts one for its person; told apart by the numbers of the records."""
    by = defaultdict[Person, int](int)
    numbers = sorted(hash(each) for each in records)
    for number, _ in records:
        by[number % 1000] += 1
    largest = [*sorted(by.values(), reverse=True), 0, 0]
    total = sum(by.values())
    return Measure(len(by), total, total, total, largest[0], largest[1], str(numbers))


def exact(records: Iterable[Record], width: int) -> Exact:
    """Every table of the records, by brute force."""
    found: Exact = {}
    for size in range(width + 1):
        for axes in combinations(range(width), size):
            table = defaultdict[At, set[Record]](set)
            for each in records:
                table[tuple(each[1][place] for place in axes)].add(each)
            found[axes] = dict(table)
    return found


def cube(tables: Exact) -> Mapping[Axes, Mapping[At, tuple[Measure]]]:
    return {axes: {at: (measure(cell),) for at, cell in table.items()} for axes, table in tables.items()}


def people(records: Iterable[Record]) -> int:
    return len({number % 1000 for number, _ in records})


def platform(seed: int, size: int = 150, width: int = 3) -> list[Record]:
    """Records of forty people, some of whom write much and in rare places. A record is its number, which names its person, and where."""
    chance = random.Random(seed)
    weights = [[chance.random() ** 3 + 0.02 for _ in range(4)] for _ in range(width)]
    writers = [int(40 * chance.random() ** 2) for _ in range(size)]
    return [
        (number * 1000 + writer, tuple(chance.choices("abcd", weights[place])[0] for place in range(width)))
        for number, writer in enumerate(writers)
    ]


def shown_of(tables: Exact, width: int) -> dict[Axes, frozenset[At]]:
    """What each table tells by itself, each as its own question."""
    shown = {}
    for axes in tables:
        part = {tuple(axes.index(each) for each in coarse): table for coarse, table in tables.items() if set(coarse) <= set(axes)}
        shown[axes] = told(cube(part), K, P)
    return shown


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (Measure(5, 10, 10, 10, 2, 2, ""), True),
        (Measure(4, 10, 10, 10, 3, 3, ""), False),
        (Measure(5, 100, 100, 100, 80, 4, ""), True),
        (Measure(5, 100, 100, 100, 81, 4, ""), False),
        (Measure(0, 0, 0, 0, 0, 0, ""), False),
    ],
)
def test_a_cell_needs_people_and_none_who_dominates(cell: Measure, expected: bool) -> None:
    assert is_sound(cell, K, P) is expected


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_told_of_a_told_sum_leaves_nobody_or_enough_people(seed: int) -> None:
    tables = exact(platform(seed), 3)
    shown = shown_of(tables, 3)
    for axes, table in tables.items():
        for at in shown[axes]:
            assert people(table[at]) >= K
        for sum_axes in tables:
            if not set(sum_axes) < set(axes):
                continue
            for sum_at in shown[sum_axes]:
                inside = [at for at in table if tuple(at[axes.index(place)] for place in sum_axes) == sum_at]
                left = tables[sum_axes][sum_at] - {each for at in inside if at in shown[axes] for each in table[at]}
                assert not left or people(left) >= K


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(0, 2**32))
def test_what_a_sum_hides_its_parts_do_not_tell(seed: int) -> None:
    tables = exact(platform(seed), 3)
    shown = shown_of(tables, 3)
    for axes in tables:
        for place in range(len(axes)):
            coarse = axes[:place] + axes[place + 1 :]
            for sum_at in set(tables[coarse]) - shown[coarse]:
                inside = {at for at in tables[axes] if at[:place] + at[place + 1 :] == sum_at}
                assert not inside <= shown[axes]


def test_most_of_an_even_platform_is_told() -> None:
    chance = random.Random(7)
    records = [(number * 1000 + chance.randrange(300), tuple(chance.choice("abc") for _ in range(2))) for number in range(3_000)]
    assert len(told(cube(exact(records, 2)), K, P)) == 9


def test_a_thousand_questions_of_a_tracker_stay_within_the_bound() -> None:
    """The stated bound: whoever takes told numbers from each other is, for one person's cell, never closer than others hide it.

    The attacker knows every bucket, asks a thousand questions, and guesses the record count of each hidden cell of few people from
    each told sum less its told parts. What is left always covers at least k people, and is moved; repeating a question moves nothing.
    """
    chance, key = random.Random(20261122), b"k" * 32
    tables = exact(platform(3, size=400), 3)
    shown = shown_of(tables, 3)
    answers: dict[tuple[Axes, At], set[int]] = defaultdict(set)
    guesses: dict[At, list[int]] = defaultdict(list)
    finest = (0, 1, 2)
    few = [at for at, cell in tables[finest].items() if people(cell) < K]
    assert len(few) > 10
    for _ in range(1_000):
        target, axes = chance.choice(few), chance.choice(list(tables))
        at = tuple(target[place] for place in axes)
        if at not in shown[axes]:
            continue
        exactly = measure(tables[axes][at])
        told_sum = blur.count(key, "records", exactly.records, exactly.digest, NOISE)
        answers[axes, at].add(told_sum)
        parts = [each for each in shown[finest] if tuple(each[place] for place in axes) == at]
        left = tables[axes][at] - {record for each in parts for record in tables[finest][each]}
        assert people(left) >= K
        guesses[target].append(
            told_sum
            - sum(blur.count(key, "records", len(tables[finest][each]), measure(tables[finest][each]).digest, NOISE) for each in parts)
        )
    assert all(len(each) == 1 for each in answers.values())
    off = [abs(min(found) - len(tables[finest][target])) for target, found in guesses.items()]
    assert len(off) > 10 and sorted(off)[len(off) // 2] >= K
