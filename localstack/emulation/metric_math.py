"""CloudWatch's metric math, as alarms use it: one number for each period and metric.

A missing data point is None. Reference: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

Number = float | int | None

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SINGLE: dict[str, Callable[[Any], Any]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor, "LOG10": math.log10}
_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
    "SUM": sum,
}
_FUNCTIONS = frozenset({*_SINGLE, *_AGGREGATES, "FILL", "IF", "METRICS"})


class MetricMathError(ValueError):
    """The expression is broken, or uses something that is not supported here."""


def check(expression: str, ids: set[str]) -> None:
    """Check that :func:`evaluate` can compute an expression.

    Args:
        expression: Metric math.
        ids: The ids of metrics that it may use.

    Raises:
        MetricMathError: It is broken, uses another id, or is outside the supported subset.
    """
    for node in ast.walk(_parse(expression)):
        if isinstance(node, ast.Call) and (not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS):
            raise MetricMathError(f"Unsupported function in {expression!r}.")
        if isinstance(node, ast.Name) and node.id not in ids | _FUNCTIONS:
            raise MetricMathError(f"{node.id!r} in {expression!r} is not the id of a metric.")
        if not isinstance(node, _SUPPORTED):
            raise MetricMathError(f"Not supported in {expression!r}: {type(node).__name__}.")


def evaluate(expression: str, values: Mapping[str, Number]) -> Number:
    """The value of an expression in one period; None if data is missing or a division is by zero.

    Args:
        expression: Metric math.
        values: The data point of this period by metric id.

    Raises:
        MetricMathError: See :func:`check`.
    """
    result = _value(_parse(expression).body, values)
    return float(result) if isinstance(result, bool | int | float) else None


_SUPPORTED = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.List,
    ast.Load, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


def _parse(expression: str) -> ast.Expression:
    python = re.sub(r"\bAND\b|&&", " and ", re.sub(r"\bOR\b|\|\|", " or ", expression)).replace("^", "**")
    try:
        return ast.parse(python.strip(), mode="eval")
    except SyntaxError as error:
        raise MetricMathError(f"The expression {expression!r} is broken.") from error


def _value(node: ast.expr, values: Mapping[str, Number]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.Name):
        return values.get(node.id)
    if isinstance(node, ast.List):
        return [_value(item, values) for item in node.elts]
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        if inner is None:
            return None
        return (not inner) if isinstance(node.op, ast.Not) else -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BoolOp):
        parts = [bool(_value(part, values)) for part in node.values]
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if isinstance(node, ast.BinOp):
        return _arithmetic(node, values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _value(node.left, values), _value(node.comparators[0], values)
        return None if left is None or right is None else _COMPARISONS[type(node.ops[0])](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id, node.args, values)
    raise MetricMathError(f"Not supported: {ast.unparse(node)}")


def _arithmetic(node: ast.BinOp, values: Mapping[str, Number]) -> Number:
    left, right = _value(node.left, values), _value(node.right, values)
    if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
        return None
    if type(node.op) not in _ARITHMETIC:
        raise MetricMathError(f"Not supported: {ast.unparse(node)}")
    result: Number = _ARITHMETIC[type(node.op)](left, right)
    return result


def _call(name: str, arguments: list[ast.expr], values: Mapping[str, Number]) -> Any:
    if name == "METRICS":
        fragment = _value(arguments[0], values) if arguments else ""
        return [value for key, value in values.items() if fragment in key]
    results = [_value(argument, values) for argument in arguments]
    if name == "IF":
        condition, then, *otherwise = results
        return then if condition else (otherwise[0] if otherwise else None)
    if name == "FILL":
        value, filler = results
        # REPEAT and LINEAR need the neighbouring periods; here there is a single period.
        filler = filler if isinstance(filler, int | float) else None
        filled = [filler if each is None else each for each in (value if isinstance(value, list) else [value])]
        return filled if isinstance(value, list) else filled[0]
    if name in _AGGREGATES:
        flat = [value for result in results for value in (result if isinstance(result, list) else [result])]
        present = [value for value in flat if value is not None]
        return _AGGREGATES[name](present) if present else None
    if name in _SINGLE:
        return None if results[0] is None else _SINGLE[name](results[0])
    raise MetricMathError(f"Unsupported function {name}.")
