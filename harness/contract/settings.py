"""The environment variables that each function reads ⇔ those that the plan provides."""

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.contract.functions import Function
from harness.contract.mismatch import Mismatch, listed
from harness.plan.resource import UNKNOWN, shown

PLACEHOLDER = "known-after-apply"
"""Stands for a value known only after apply, where code needs one."""


@dataclass(frozen=True)
class Setting:
    """A variable that code reads.

    Attributes:
        name: The environment variable.
        required: Whether the function needs it to start.
        symbol: Where it is declared.
    """

    name: str
    required: bool
    symbol: str


def variables(function: Function, others: Collection[Function] = ()) -> dict[str, str]:
    """The planned environment as the function will see it.

    Args:
        function: As planned.
        others: Functions whose values replace those that the plan does not know of this function, if all of them have
            the same value; `PLACEHOLDER` replaces the rest.
    """
    values: dict[str, set[str]] = {}
    for other in others:
        for name, value in other.variables.items():
            if value is not UNKNOWN:
                values.setdefault(name, set()).add(str(value))
    return {
        name: (values[name].copy().pop() if len(values.get(name, ())) == 1 else PLACEHOLDER)
        if value is UNKNOWN
        else str(value)
        for name, value in function.variables.items()
    }


def compare(
    declared: Sequence[Setting], function: Function, *, model: str, read_by_libraries: Collection[str]
) -> Iterator[Mismatch]:
    """Every required setting is provided, and nothing is provided that nobody reads.

    Args:
        declared: The settings that the function's code reads.
        function: As planned.
        model: Where all declarations are, for messages.
        read_by_libraries: Variables that the libraries in its zip, or the runtime, read by themselves.
    """
    provided, names = set(function.variables), {setting.name for setting in declared}
    surplus = sorted(provided - names - set(read_by_libraries))
    for setting in declared:
        if setting.required and (setting.name not in provided or function.variables[setting.name] in {"", None}):
            yield Mismatch(
                f"The setting {setting.name} of {function.name} is not provided",
                f"{setting.symbol} requires {setting.name}",
                f"{function.address} provides {listed(provided)}{_alike(setting.name, surplus)}"
                f"{_source(function, surplus)}",
                f"Set {setting.name} in the function's environment, or rename it in both.",
            )
    for name in surplus:
        yield Mismatch(
            f"The variable {name} of {function.name} is read by nobody",
            f"{model} reads {listed(names)}{_alike(name, sorted(names - provided))}",
            f"{function.address} provides {name} = {shown(function.variables[name])}",
            f"Remove {name} from the function's environment, or declare it as a setting.",
        )


def _source(function: Function, names: Sequence[str]) -> str:
    where = [f"{name} in {function.written[name].where}" for name in names if name in function.written]
    return f" ({', '.join(where)})" if where else ""


def _alike(name: str, others: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, others, n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else ""


def compare_values(
    function: Function, errors: Callable[[Mapping[str, str]], Mapping[str, str]], *, model: str
) -> Iterator[Mismatch]:
    """The settings' own model accepts the planned values.

    Args:
        function: As planned.
        errors: Validates an environment: returns the model's errors by variable.
        model: Where it is defined.
    """
    environment = variables(function)
    for name, error in sorted(errors(environment).items()):
        if name in environment:  # `compare` reports a missing one
            yield Mismatch(
                f"The setting {name} of {function.name} is invalid",
                f"{model}: {error}",
                f"{function.address} provides {name} = {shown(function.variables[name])}",
                "Correct the value, or what the model requires.",
            )


def compare_names(
    functions: Mapping[str, Function], resources: Mapping[str, object], *, symbols: Mapping[str, str]
) -> Iterator[Mismatch]:
    """A setting that names a resource has the right name, in every function that has the setting.

    Args:
        functions: As planned.
        resources: The expected value by variable, as an output or the resource itself is planned.
        symbols: Where the settings are declared.
    """
    for function in functions.values():
        for name, value in resources.items():
            if function.variables.get(name, UNKNOWN) not in {UNKNOWN, value}:
                yield Mismatch(
                    f"The setting {name} of {function.name} names another resource than is meant",
                    f"{symbols.get(name, name)} is {shown(value)} everywhere else",
                    f"{function.address} provides {name} = {shown(function.variables[name])}",
                    "Set both to the same resource's name.",
                )
