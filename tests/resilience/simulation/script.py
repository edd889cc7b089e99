"""Schedules as scripts: what happens in which order, and what interrupts it at which call."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Union

from tests.resilience.faults import Fault

Action = Union[Fault, "Step"]
INVOICES, CHANGES = 4, 3
"""How many invoices clients create, and how many changes they make to one."""

KINDS = ("create", "upload", "pay", "patch", "resolve", "stream", "deliver", "again")
"""What a step does: the first five bring something in, the others deliver what is on its way.

``stream`` delivers the records of a shard, ``deliver`` one of the events that wait, in any order, and ``again`` does
that without taking it off its queue.
"""


@dataclass(frozen=True)
class Step:
    """One step of a script.

    Attributes:
        kind: One of `KINDS`.
        which: What of that kind; of what waits, the place in the queue.
        at: What happens when the step reaches a call to AWS, by the number of the call: a fault, or another step, which
            ends before the call is made.
    """

    kind: str
    which: int
    at: tuple[tuple[int, Action], ...] = ()

    def __repr__(self) -> str:
        """The step as Python code, which `tests.resilience.simulation.platform.replay` takes."""
        if not self.at:
            return f"{self.kind}({self.which})"
        actions = ", ".join(f"{call}: {_code(action)}" for call, action in self.at)
        return f"{self.kind}({self.which}, at={{{actions}}})"

    @property
    def size(self) -> int:
        """How many steps it takes to tell it: itself, and what interrupts it."""
        return 1 + sum(action.size if isinstance(action, Step) else 1 for _, action in self.at)


Script = tuple[Step, ...]


def _code(action: Action) -> str:
    return repr(action) if isinstance(action, Step) else f"Fault.{action.name}"


def size(script: Script) -> int:
    """How many steps a script has, those that interrupt others included."""
    return sum(step.size for step in script)


def text(script: Script) -> str:
    """A script, one step a line."""
    return "\n".join(f"  {step!r}," for step in script)


@dataclass(frozen=True)
class Theme:
    """What a script is about. A script about few things makes them meet more often than one about everything.

    Alex Groce et al., "Swarm Testing" (ISSTA 2012), https://doi.org/10.1145/2338965.2336763
    """

    invoices: Sequence[int]
    payments: Sequence[int]
    interrupted: float
    disturbed: float

    @classmethod
    def of(cls, chance: random.Random) -> "Theme":
        """A theme by chance."""
        interrupted, disturbed = chance.choice((0.0, 0.4, 0.7)), chance.choice((0.0, 0.3, 1.0))
        return cls(chance.choice(_INVOICES), chance.choice(_PAYMENTS), interrupted, disturbed)


def generate(seed: int) -> Script:
    """The script of a seed: some requests, files and payments, delivered by chance."""
    chance = random.Random(seed)  # noqa: S311 -- the same script for the same seed
    theme = Theme.of(chance)
    begins = [Step("create", which) for which in theme.invoices if chance.random() < 0.8]
    return (*begins, *(_step(chance, theme, depth=0) for _ in range(chance.randint(2, 7))))


_INVOICES = ((0,), (2,), (0, 1), (0, 1), (1, 2), (2, 3), (0, 1, 2), tuple(range(INVOICES)))
_CALLS = (0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8)  # most steps have few calls
_PAYMENTS = ((0, 1), (2, 3), (0, 2), (0, 5), (4,), (1, 5))
_FAULTS = tuple(Fault)
_WEIGHTS = ((12, 3, 16, 8, 3, 30, 20, 8), (6, 1, 8, 8, 2, 40, 25, 10))
"""How often a step is of each of `KINDS`: by itself, and when it interrupts another one."""


def _step(chance: random.Random, theme: Theme, depth: int) -> Step:
    [kind] = chance.choices(KINDS, _WEIGHTS[min(depth, 1)])
    actions: dict[int, Action] = {}
    while depth < 2 and chance.random() < theme.interrupted:
        call = chance.choice(_CALLS)
        is_fault = chance.random() < theme.disturbed
        actions[call] = chance.choice(_FAULTS) if is_fault else _step(chance, theme, depth + 1)
    return Step(kind, _which(chance, theme, kind), tuple(sorted(actions.items(), key=lambda action: action[0])))


def _which(chance: random.Random, theme: Theme, kind: str) -> int:
    match kind:
        case "create":
            return chance.choice(theme.invoices)
        case "pay":
            return chance.choice(theme.payments)
        case "patch":
            return chance.choice(theme.invoices) * CHANGES + chance.randrange(CHANGES)
        case "upload" | "stream" | "resolve":
            return chance.randrange(2)
    return chance.randrange(4)


def smaller(script: Script) -> Iterator[Script]:
    """Scripts with a little less: a step, what interrupts a step, or a smaller number."""
    for place, step in enumerate(script):
        yield script[:place] + script[place + 1 :]
        for less in _less(step):
            yield (*script[:place], less, *script[place + 1 :])


def _less(step: Step) -> Iterator[Step]:
    for place, (call, action) in enumerate(step.at):
        rest = step.at[:place] + step.at[place + 1 :]
        yield replace(step, at=rest)
        if isinstance(action, Step):
            yield action
            for less in _less(action):
                yield replace(step, at=(*step.at[:place], (call, less), *step.at[place + 1 :]))
    if step.which:
        yield replace(step, which=0)
