"""Two faults on the way of a file: from the bucket to its invoices' PDFs."""

import random
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tests.resilience.conftest import CallsAfter
from tests.resilience.faults import Fault
from tests.resilience.runs import Run, disturbed, run
from tests.resilience.scenarios import CSV_PATH, SCENARIOS
from tests.resilience.world import SEED, World

NAME = next(name for name, scenario in SCENARIOS.items() if scenario is CSV_PATH)
SAMPLE = 400
"""Pairs of the default run; `--nights` runs them all."""


def pairs(expected: Run, calls_after: CallsAfter) -> Iterator[Mapping[int, Fault]]:
    """A fault of each call, and a fault of each call that follows in the run that the first one makes."""
    for call in expected.calls:
        for first in Fault:
            for later in range(call.number + 1, calls_after[NAME, call.number, first]):
                for second in Fault:
                    yield {call.number: first, later: second}


def test_two_faults_on_the_way_of_a_file_end_as_the_undisturbed_run(
    memory: World, figures: dict[str, Any], calls_after: CallsAfter, nights: int
) -> None:
    expected = run(memory, CSV_PATH)
    for call in expected.calls:
        for fault in Fault:
            if (NAME, call.number, fault) not in calls_after:  # this test runs without the others
                calls_after[NAME, call.number, fault] = len(run(memory, CSV_PATH, {call.number: fault}).calls)
    every = [*pairs(expected, calls_after)]
    chance = random.Random(SEED)  # noqa: S311 -- the same pairs in each run
    chosen = every if nights else chance.sample(every, SAMPLE)

    wrong = [problem for pair in chosen if (problem := disturbed(memory, NAME, CSV_PATH, pair, expected)[1])]

    converged = len(chosen) - len(wrong)
    sys.stdout.write(f"{len(every)} pairs of faults on the CSV path, {len(chosen)} run, {converged} as undisturbed\n")
    figures["pairs_of_faults"] = {"pairs": len(every), "runs": len(chosen), "converged": converged}
    assert not wrong, "\n".join(wrong[:5])
