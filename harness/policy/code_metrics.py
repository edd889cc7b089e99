"""Alarms on the code's own metrics: what they read, the functions of the plan write.

What is written is read from the functions' sources: the names that they pass to ``count``. Powertools adds the
namespace and the dimension ``service``, from variables of the function
(https://docs.aws.amazon.com/powertools/python/latest/core/metrics/).
"""

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.paths import ROOT
from harness.plan.resource import UNKNOWN, mapping, shown
from harness.policy.rule import relation
from harness.policy.rules.alarms import ALARM, Metric, is_of_aws, metrics
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

COUNTER = "count"
"""The function of the shared package that writes a metric."""

_DIMENSION = "service"
_NAMESPACE, _SERVICE = "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"


@lru_cache
def written(folder: Path = ROOT / "lambdas") -> Mapping[str, frozenset[str]]:
    """The names that the functions' sources may pass to ``count``: ``count("A" if x else "B")`` has two.

    Each with the functions that do so, as Terraform names them; what the shared package counts, any function may.
    """
    functions = {handler.parent.name for handler in folder.glob("*/handler.py")}
    counted: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        room = path.relative_to(folder).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == COUNTER and node.args:
                for name in _texts(node.args[0]):
                    counted.setdefault(name, set()).update({room} if room in functions else functions)
    return {name: frozenset(each.replace("_", "-") for each in rooms) for name, rooms in counted.items()}


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


@relation("CKV_INV_811", (*ALARM, "aws_lambda_function"))
def written_metrics(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By namespace, name and dimension; and each count that somebody has to act on has an alarm."""
    services = _services(plan)
    watched: set[Any] = set()
    for alarm in plan.of(*ALARM):
        for metric in metrics(alarm):
            if not is_of_aws(metric.namespace) and metric.namespace is not UNKNOWN:
                messages = [*_unwritten(metric, services)]
                watched |= set() if messages else {metric.name}
                yield from ((alarm.address, message) for message in messages)
    functions = plan.of("aws_lambda_function")
    for name in sorted({*PLATFORM.watched_counts} - watched) if functions else ():
        yield functions[0].address, f"No alarm watches {name}, which the code counts for somebody to act on."


def _services(plan: "PlanGraph") -> Mapping[Any, set[Any]]:
    """The names of the services that write metrics, by namespace."""
    services: dict[Any, set[Any]] = {}
    for function in plan.of("aws_lambda_function"):
        for block in function.all("environment.variables"):
            variables = mapping(block) or {}
            services.setdefault(variables.get(_NAMESPACE), set()).add(variables.get(_SERVICE))
    return services


def _unwritten(metric: Metric, services: Mapping[Any, set[Any]]) -> Iterator[str]:
    if metric.namespace not in services:
        yield f"No function writes to the namespace {shown(metric.namespace)}."
        return
    counting = written().get(metric.name, frozenset())
    if not counting:
        yield f"Nothing in lambdas/ counts {metric.name}."
    if metric.dimensions.keys() != {_DIMENSION}:
        yield f"Its dimensions are {shown(sorted(metric.dimensions))}: the code writes {_DIMENSION} alone."
    elif metric.dimensions[_DIMENSION] not in services[metric.namespace] | {UNKNOWN}:
        yield f"{_DIMENSION} is {shown(metric.dimensions[_DIMENSION])}: no function has that name."
    elif metric.dimensions[_DIMENSION] not in {*counting, UNKNOWN} and counting:
        others = " and ".join(sorted(counting))
        yield f"{_DIMENSION} is {shown(metric.dimensions[_DIMENSION])}, and {metric.name} is counted by {others} only."
