"""Looks for a script that breaks a promise, and makes it short."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.resilience.simulation.platform import Platform, replay
from tests.resilience.simulation.script import Script, generate, size, smaller, text


@dataclass(frozen=True)
class Found:
    """A script that breaks a promise.

    Attributes:
        seed: What generates it.
        schedules: How many scripts were run until it was found.
        broken: What it breaks.
        script: A short script that breaks a promise, too.
    """

    seed: int
    schedules: int
    broken: str
    script: Script

    def __str__(self) -> str:
        steps = size(self.script)
        return f"seed {self.seed} (schedule {self.schedules}): {self.broken}; {steps} steps:\n{text(self.script)}"


def search(platform: Platform, seeds: Iterable[int]) -> Found | None:
    """The first seed whose script breaks a promise, made short; None if all promises hold."""
    for schedules, seed in enumerate(seeds, start=1):
        script = generate(seed)
        if replay(platform, script):
            short = shortened(platform, script)
            return Found(seed, schedules, replay(platform, short), short)
    return None


def shortened(platform: Platform, script: Script) -> Script:
    """The script without all that is not needed to break a promise, whichever it is."""
    for less in smaller(script):
        if replay(platform, less):
            return shortened(platform, less)
    return script
