"""The functions that a plan makes: which code each is, and what it is given."""

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
        variables: Its environment; `UNKNOWN` for what only the apply will tell.
        written: Where the module's source says what, for those of which the plan does not even tell the names.
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
    """The functions of a plan, by the names of their zips; one whose zip is in no bucket of the plan has none ("?").

    Where one variable of an environment is unknown, the AWS provider gives the whole of it as unknown.

    Args:
        plan: The plan.
        sources: The module that makes the functions from a map: its source tells the names of such an environment.
    """
    zips = {
        (one.get("bucket"), one.get("key")): PurePosixPath(str(one.get("source"))).stem
        for one in plan.of("aws_s3_object")
    }
    found = {}
    for one in plan.of("aws_lambda_function"):
        name = zips.get((one.get("s3_bucket"), one.get("s3_key")), f"? ({one.get('s3_key')})")
        given = one.get("environment.variables")
        written = environment_of(sources, name) if given is UNKNOWN and sources else {}
        found[name] = Function(
            name=name,
            address=one.address,
            function_name=str(one.get("function_name")),
            handler=str(one.get("handler")),
            timeout=float(one.get("timeout") or 0),
            variables=given if isinstance(given, Mapping) else dict.fromkeys(written, UNKNOWN),
            written=written,
            aliases=frozenset(
                str(alias.get("name"))
                for alias in plan.of("aws_lambda_alias")
                if alias.get("function_name") == one.get("function_name")
            ),
        )
    return found


def called(value: Any, functions: Mapping[str, Function]) -> str:
    """The function that an ARN (or an integration's URI) calls, by its alias: its name, or what is wrong with it.

    Returns:
        ``create-invoice``; with a remark in brackets if it is called past an alias, or is not in this plan.
    """
    arn = function_in(value)
    if arn is None:
        return "(known after apply)" if value is UNKNOWN else f"({value}: no function)"
    for one in functions.values():
        if one.function_name == arn.name:
            return one.name if arn.qualifier in one.aliases else f"{one.name} (past its alias: {arn.qualifier or '-'})"
    return f"({arn.name}: not in this plan)"
