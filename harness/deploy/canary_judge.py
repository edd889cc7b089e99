"""Whether a version that gets a share of the calls is good: the comparison with the version that gets the others."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.deploy.version_figures import Figures, Watched

MIN_CALLS = 3
"""Calls of a version before it can be good."""

ERROR_PERCENT = 1.0
"""As the platform's own alarm: ``function_error_percent`` of modules/monitoring."""

SLOWER = 3.0
"""How many times as long as the stable version's p95 the median may take."""

SLOW_MS = 750.0
"""Milliseconds below which no median is too slow, whatever the stable version takes."""

MEMORY_PERCENT = 80.0
"""The share of its memory above which a version is about to run out."""

MEMORY_MORE_MB = 100
"""Megabytes more than the stable version, and half as much again: a leak."""


MISSED = 0.01
"""The probability that a version does not get enough calls of one round."""


@dataclass(frozen=True)
class Defect:
    """Why a version is bad.

    Attributes:
        caught_by: The metric, alarm or check, such as ``metric Errors``.
        reason: What it is, in one sentence.
    """

    caught_by: str
    reason: str


def defects(watched: Sequence[Watched], figures: Mapping[tuple[str, str], Figures]) -> Iterator[Defect]:
    """What is wrong with the newest versions, by their figures and those of the stable versions."""
    for each in watched:
        stable = figures.get((each.name, each.stable), Figures())
        newest = figures.get((each.name, each.newest), Figures())
        what = f"{each.name} version {each.newest}"
        if newest.calls and _percent(newest) > max(ERROR_PERCENT, _percent(stable)):
            yield Defect("metric Errors", f"{newest.errors} of {newest.calls} calls of {what} failed.")
        if newest.secrets:
            yield Defect("log", f"{what} logs {', '.join(newest.secrets)}.")
        yield from _duration(each, what, stable, newest)
        yield from _memory(each, what, stable, newest)


def is_seen_enough(
    watched: Sequence[Watched], figures: Mapping[tuple[str, str], Figures], uncalled: frozenset[str]
) -> bool:
    """Whether every newest version had enough calls, except those of functions that the traffic does not reach."""
    return all(
        figures.get((each.name, each.newest), Figures()).calls >= MIN_CALLS
        for each in watched
        if each.name not in uncalled
    )


def files_needed(share: float) -> int:
    """How many files have to be imported, so that a version with this share of the calls gets enough of them.

    Calls of the API tell nothing about files: the same function takes both. And each call's version is drawn by lot
    (https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html), so the number follows the binomial
    distribution.
    """
    if share <= 0:
        return 1
    files = MIN_CALLS
    while _fewer_than_needed(files, share) > MISSED:
        files += 1
    return files


def _fewer_than_needed(calls: int, share: float) -> float:
    """The probability that a version gets fewer than `MIN_CALLS` of so many calls."""
    return sum(math.comb(calls, few) * share**few * (1 - share) ** (calls - few) for few in range(MIN_CALLS))


def _percent(figures: Figures) -> float:
    return 100 * figures.errors / figures.calls if figures.calls else 0.0


def _duration(watched: Watched, what: str, stable: Figures, newest: Figures) -> Iterator[Defect]:
    if not stable.calls or not newest.calls:
        return
    limit = max(SLOW_MS, SLOWER * stable.p95_ms)
    if newest.p50_ms > limit:
        yield Defect(
            "metric Duration",
            f"Half of the calls of {what} took {newest.p50_ms:.0f} ms or more; "
            f"the p95 of version {watched.stable} is {stable.p95_ms:.0f} ms.",
        )


def _memory(watched: Watched, what: str, stable: Figures, newest: Figures) -> Iterator[Defect]:
    if newest.memory_mb is None:
        return
    if newest.memory_mb > watched.memory_mb * MEMORY_PERCENT / 100:
        yield Defect("memory", f"{what} uses {newest.memory_mb} of its {watched.memory_mb} MB.")
    elif stable.memory_mb and newest.memory_mb > max(stable.memory_mb + MEMORY_MORE_MB, 1.5 * stable.memory_mb):
        yield Defect(
            "memory", f"{what} uses {newest.memory_mb} MB; version {watched.stable} uses {stable.memory_mb} MB."
        )
