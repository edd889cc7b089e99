"""How a figure is measured, and what it is compared with.

A time says nothing by itself: computers differ, and so does what else runs on them. So each figure stands beside a
floor, which does the least that the same work needs, and which is measured in turns with it. Work of this process or
of its children is measured in CPU time, which other processes disturb least.
"""

import cProfile
import math
import os
import pstats
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROUNDS = 5
"""How often each of two is measured; the median counts."""

Share = tuple[str, float]
"""A function or module, and its share of the time, 0 to 1."""


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: In one or two words, the same in every run.
        value: What was measured.
        unit: Of the value and of the floor.
        goal: The most that `ratio` may be; the most that the value may be, without a floor; or the least, for a rate.
        floor: What the least that the work needs has taken; None if the goal is absolute.
        rate: Whether more is better.
        shares: Where the time goes, the largest share first.
    """

    name: str
    value: float
    unit: str
    goal: float
    floor: float | None = None
    rate: bool = field(default=False, kw_only=True)
    shares: Sequence[Share] = field(default=(), kw_only=True)

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the floor."""
        return None if self.floor is None else self.value / self.floor

    @property
    def is_reached(self) -> bool:
        """Whether the goal is reached."""
        if self.rate:
            return self.value >= self.goal
        return (self.value if self.ratio is None else self.ratio) <= self.goal


def in_turns(work: Callable[[], float], floor: Callable[[], float], rounds: int = ROUNDS) -> tuple[float, float]:
    """The medians of two measurements that are made in turns, so that what disturbs one disturbs the other.

    Args:
        work: Measures the work once.
        floor: Measures the floor once.
        rounds: How often each is measured.
    """
    measured = [(work(), floor()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in measured), statistics.median(pair[1] for pair in measured)


def cpu_ms(work: Callable[[], object]) -> Callable[[], float]:
    """Measures the CPU time of work in this process, in milliseconds."""

    def measure() -> float:
        started = time.process_time()
        work()
        return (time.process_time() - started) * 1000

    return measure


def child_cpu_ms(code: str, environment: Mapping[str, str]) -> Callable[[], float]:
    """Measures the CPU time of a Python process that runs some code, in milliseconds.

    Args:
        code: The code.
        environment: Variables besides those of this process.
    """
    variables = {**os.environ, **environment}

    def measure() -> float:
        child = subprocess.Popen([sys.executable, "-c", code], env=variables)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, child.args)
        return (usage.ru_utime + usage.ru_stime) * 1000

    return measure


def profile(work: Callable[[], object], most: int = 5) -> list[Share]:
    """The functions that take the largest shares of some work's time, without what they call."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    spent = pstats.Stats(profiler).get_stats_profile()
    total = sum(entry.tottime for entry in spent.func_profiles.values()) or 1
    largest = sorted(spent.func_profiles.items(), key=lambda item: -item[1].tottime)[:most]
    return [(f"{Path(entry.file_name).name}:{name}", entry.tottime / total) for name, entry in largest]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by this share of the values (the nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
