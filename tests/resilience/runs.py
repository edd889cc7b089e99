"""Runs of a scenario: undisturbed, and with faults; and what differs in the end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.resilience.faults import Call, Fault
from tests.resilience.scenarios import Scenario
from tests.resilience.state import state as state_of
from tests.resilience.world import GivenUp, World


@dataclass(frozen=True)
class Run:
    """One run of a scenario.

    Attributes:
        calls: The calls that its functions made.
        state: What it left; the reason if an event was given up.
        met: The numbers of the calls that met a fault.
    """

    calls: Sequence[Call]
    state: Mapping[str, Any]
    met: frozenset[int]


def run(world: World, scenario: Scenario, faults: Mapping[int, Fault] | None = None) -> Run:
    """Run a scenario in an empty account.

    Args:
        world: Where it runs.
        scenario: What runs.
        faults: What happens to which calls.
    """
    world.reset()
    world.wire.begin({})
    prepared = scenario.prepare(world)
    world.wire.begin(faults or {})
    try:
        scenario.run(world, prepared)
    except GivenUp as error:
        state: Mapping[str, Any] = {"given up": f"{error} (at last: {error.__cause__!r})"}
    else:
        state = state_of(world)
    return Run(tuple(world.wire.calls), state, frozenset(world.wire.met))


def differences(expected: Any, actual: Any, where: str = "") -> Iterator[str]:
    """What differs between two states, each with its place."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name in sorted({*expected, *actual}, key=str):
            place = f"{where}/{name}"
            if name not in actual:
                yield f"{place} is missing"
            elif name not in expected:
                yield f"{place} is new: {actual[name]!r}"[:400]
            else:
                yield from differences(expected[name], actual[name], place)
    elif isinstance(expected, list) and isinstance(actual, list) and expected != actual:
        missing = [entry for entry in expected if entry not in actual]
        new = [entry for entry in actual if entry not in expected]
        yield f"{where}: {len(expected)} expected, {len(actual)} found; missing {missing!r:.400}; new {new!r:.400}"
    elif expected != actual:
        yield f"{where} is {actual!r:.200}, not {expected!r:.200}"


def described(faults: Mapping[int, Fault], calls: Sequence[Call]) -> str:
    """The faults of a run, for people."""
    return "; ".join(f"call {calls[number]}: {fault}" for number, fault in sorted(faults.items()))


def disturbed(
    world: World, name: str, scenario: Scenario, faults: Mapping[int, Fault], expected: Run
) -> tuple[Run, str]:
    """A run with faults, and in one line what is wrong with it: an empty text if nothing is.

    A fault that no call meets is no fault: that is wrong, too.
    """
    made = run(world, scenario, faults)
    missed = {*faults} - made.met
    if missed and "given up" not in made.state:
        return made, f"{name}: no call {sorted(missed)} in {len(made.calls)} calls"
    wrong = "; ".join(differences(expected.state, made.state))
    return (
        made,
        f"{name} [{described({n: f for n, f in faults.items() if n in made.met}, made.calls)}]: {wrong}"
        if wrong
        else "",
    )
