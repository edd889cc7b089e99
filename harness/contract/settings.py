"""What each function reads from its environment ⇔ what the plan puts there."""

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.contract.functions import Function
from harness.contract.mismatch import Mismatch, listed
from harness.plan.resource import UNKNOWN, shown

PLACEHOLDER = "known-after-apply"
"""Stands for a value that only the apply will tell, where code wants one."""


@dataclass(frozen=True)
class Setting:
    """A variable that code reads.

    Attributes:
        name: The environment variable.
        required: Whether the function does not start without it.
        symbol: Where it is declared.
    """

    name: str
    required: bool
    symbol: str


def variables(function: Function, others: Collection[Function] = ()) -> dict[str, str]:
    """The planned environment as the function will see it.

    Args:
        function: As planned.
        others: Functions whose values stand for what the plan does not tell of this one, if all of them have the same;
            `PLACEHOLDER` stands for the rest.
    """
    known: dict[str, set[str]] = {}
    for one in others:
        for name, value in one.variables.items():
            if value is not UNKNOWN:
                known.setdefault(name, set()).add(str(value))
    return {
        name: (known[name].copy().pop() if len(known.get(name, ())) == 1 else PLACEHOLDER)
        if value is UNKNOWN
        else str(value)
        for name, value in function.variables.items()
    }


def compare(
    declared: Sequence[Setting], function: Function, *, model: str, read_by_libraries: Collection[str]
) -> Iterator[Mismatch]:
    """Every required setting is given, and nothing is given that nobody reads.

    Args:
        declared: What the function's code reads.
        function: As planned.
        model: Where the declarations stand together, for messages.
        read_by_libraries: Variables that the libraries in its zip, or the runtime, read by themselves.
    """
    given, names = set(function.variables), {one.name for one in declared}
    surplus = sorted(given - names - set(read_by_libraries))
    for one in declared:
        if one.required and (one.name not in given or function.variables[one.name] in {"", None}):
            yield Mismatch(
                f"The setting {one.name} of {function.name} is not given",
                f"{one.symbol} requires {one.name}",
                f"{function.address} gives {listed(given)}{_alike(one.name, surplus)}{_source(function, surplus)}",
                f"Give {one.name} in the function's environment, or rename it in both.",
            )
    for name in surplus:
        yield Mismatch(
            f"The variable {name} of {function.name} is read by nobody",
            f"{model} reads {listed(names)}{_alike(name, sorted(names - given))}",
            f"{function.address} gives {name} = {shown(function.variables[name])}",
            f"Take {name} out of the function's environment, or declare it as a setting.",
        )


def _source(function: Function, names: Sequence[str]) -> str:
    where = [f"{name} in {function.written[name].where}" for name in names if name in function.written]
    return f" ({', '.join(where)})" if where else ""


def _alike(name: str, others: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, others, n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else ""


def malformed(
    function: Function, faults: Callable[[Mapping[str, str]], Mapping[str, str]], *, model: str
) -> Iterator[Mismatch]:
    """The settings' own model takes the planned values.

    Args:
        function: As planned.
        faults: What the model says against an environment: the variable's name to the complaint.
        model: Where it stands.
    """
    environment = variables(function)
    for name, complaint in sorted(faults(environment).items()):
        if name in environment:  # a missing one is `compare`'s business
            yield Mismatch(
                f"The setting {name} of {function.name} is refused",
                f"{model}: {complaint}",
                f"{function.address} gives {name} = {shown(function.variables[name])}",
                "Correct the value, or what the model asks for.",
            )


def named(
    functions: Mapping[str, Function], meant: Mapping[str, object], *, symbols: Mapping[str, str]
) -> Iterator[Mismatch]:
    """A setting that names a resource names the one that is meant, in every function that has it.

    Args:
        functions: As planned.
        meant: The variable to the value that it has to have: what an output, or the resource itself, is planned as.
        symbols: Where the settings are declared.
    """
    for function in functions.values():
        for name, value in meant.items():
            if function.variables.get(name, UNKNOWN) not in {UNKNOWN, value}:
                yield Mismatch(
                    f"The setting {name} of {function.name} names something else than is meant",
                    f"{symbols.get(name, name)} is {shown(value)} wherever else it is told",
                    f"{function.address} gives {name} = {shown(function.variables[name])}",
                    "Give both the same resource's name.",
                )
