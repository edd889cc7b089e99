"""Example facts for the tests of the contract's checks."""

import json
from collections.abc import Iterable
from typing import Any

from harness.contract.functions import Function
from harness.contract.mismatch import Mismatch, report
from harness.plan.graph import PlanGraph

ADDRESS = 'module.function["make"].aws_lambda_function.this'
MAKE = Function("make", ADDRESS, "make-dev", "make.handler.run", 30.0, {"TABLE": "things"}, aliases=frozenset({"live"}))


def only(mismatches: Iterable[Mismatch]) -> Mismatch:
    """The single difference."""
    differences = [*mismatches]
    assert len(differences) == 1, report(differences)
    return differences[0]


def plan_of(*resources: tuple[str, dict[str, Any]], unknown: dict[str, Any] | None = None, **more: Any) -> PlanGraph:
    """A plan that creates some resources, each an address and its attributes."""
    entries = []
    for address, values in resources:
        bare, _, index = address.partition("[")
        kind, name = bare.split(".")[-2:]
        change = {"actions": ["create"], "before": None, "after": values}
        change["after_unknown"] = (unknown or {}).get(address, {})
        key = {"index": json.loads(index[:-1])} if index else {}
        entries.append({"address": address, "mode": "managed", "type": kind, "name": name, "change": change, **key})
    return PlanGraph({"resource_changes": entries, "configuration": {"root_module": {}}, **more})


def arn(qualifier: str = ":live") -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:make-dev{qualifier}"
