"""The functions that a plan creates: which code each runs, and its environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from harness.contract.source import Item, environment_of
from harness.plan.arn import function_in
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN


@dataclass(frozen=True)
class Function:
    """A function as a plan has it.

    Attributes:
        name: Its zip's name without the ending, which is its code's folder with dashes: ``create-invoice``.
        address: The resource.
        function_name: Its name on AWS.
        handler: ``module.function`` that is called.
        timeout: Seconds.
        variables: Its environment; `UNKNOWN` for values known only after apply.
        written: Where the module's source sets each variable, if the plan does not even show the variables' names.
        aliases: The names under which it may be called.
    """

    name: str
    address: str
    function_name: str
    handler: str
    timeout: float
    variables: Mapping[str, Any] = field(default_factory=dict)
    written: Mapping[str, Item] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()


def functions_of(plan: PlanGraph, sources: Path | None = None) -> dict[str, Function]:
    """The functions of a plan, by the names of their zips ("?" if the zip is in no bucket of the plan).

    Where one variable of an environment is unknown, the AWS provider reports the whole environment as unknown.

    Args:
        plan: The plan.
        sources: The module that creates the functions from a map: its source has the names of such an environment.
    """
    zips = {
        (upload.get("bucket"), upload.get("key")): PurePosixPath(str(upload.get("source"))).stem
        for upload in plan.of("aws_s3_object")
    }
    functions = {}
    for resource in plan.of("aws_lambda_function"):
        name = zips.get((resource.get("s3_bucket"), resource.get("s3_key")), f"? ({resource.get('s3_key')})")
        variables = resource.get("environment.variables")
        written = environment_of(sources, name) if variables is UNKNOWN and sources else {}
        functions[name] = Function(
            name=name,
            address=resource.address,
            function_name=str(resource.get("function_name")),
            handler=str(resource.get("handler")),
            timeout=float(resource.get("timeout") or 0),
            variables=variables if isinstance(variables, Mapping) else dict.fromkeys(written, UNKNOWN),
            written=written,
            aliases=frozenset(
                str(alias.get("name"))
                for alias in plan.of("aws_lambda_alias")
                if alias.get("function_name") == resource.get("function_name")
            ),
        )
    return functions


def function_called(value: Any, functions: Mapping[str, Function]) -> str:
    """The name of the function that an ARN (or an integration's URI) calls by its alias, or what is wrong with it.

    Returns:
        ``create-invoice``; with a remark in brackets if the call is not by the alias, or the function not in the plan.
    """
    arn = function_in(value)
    if arn is None:
        return "(known after apply)" if value is UNKNOWN else f"({value}: not a function)"
    for function in functions.values():
        if function.function_name == arn.name:
            if arn.qualifier in function.aliases:
                return function.name
            return f"{function.name} (not by its alias: {arn.qualifier or '-'})"
    return f"({arn.name}: not in this plan)"
