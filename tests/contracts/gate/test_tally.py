"""What passes and what stops is counted by its minute, whatever the order in which it is noted and taken."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from contracts.gate.tally import Tally

START = datetime(2026, 11, 2, 9, 0, 30, tzinfo=UTC)


def test_counts_stand_by_the_minute_of_each_request() -> None:
    tally, expected = Tally(), Counter[tuple[datetime, str]]()
    taken = Counter[tuple[datetime, str]]()
    for number, seconds in enumerate((0, 10, 29, 30, 45, 89, 90, 20, 150)):
        moment, outcome = START + timedelta(seconds=seconds), ("visitor", "open")[number % 2]
        tally.count_passed(moment, outcome)
        tally.count(moment, "stopped")
        expected += Counter({(moment.replace(second=0), outcome): 1, (moment.replace(second=0), "stopped"): 1})
        if number == 4:
            taken += tally.take_sums().counts
    assert taken + tally.take_sums().counts == expected
    assert tally.take_sums().counts == Counter()
