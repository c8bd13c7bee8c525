"""One process of several that share a budget: counts pages for one identity as fast as it may, and prints how many passed.

Arguments: the store's address, the budget, how many pages to try.
"""

from __future__ import annotations

import asyncio
import json
import sys

from pydantic import SecretStr

from contracts.gate.lending import SharedBudget
from contracts.sections import Shared


async def passed(budget: SharedBudget, tries: int) -> tuple[int, int]:
    """How many of so many pages passed, and how often one waited for the store."""
    here = waited = 0
    for number in range(tries):
        while (room := budget.room("who", here, 0.0)) is None:
            waited += 1
            await budget.settled()
        if room:
            here += 1
            budget.take("who", 0.0)
        if number % 10 == 0:
            await asyncio.sleep(0.001)  # as requests come, and not all at once
    return here, waited


def main() -> None:
    """Wait for the word to begin, so that all processes count at once."""
    budget = SharedBudget(Shared(url=SecretStr(sys.argv[1])), "pages", int(sys.argv[2]))
    sys.stdin.readline()
    here, waited = asyncio.run(passed(budget, int(sys.argv[3])))
    sys.stdout.write(json.dumps({"passed": here, "waited": waited}) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()
    budget.stop()


if __name__ == "__main__":
    main()
