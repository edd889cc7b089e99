"""What an environment costs a month: what stands in its plan, and what its invoices use, times AWS's prices.

Money is Decimal. Prices are in ``prices.toml``, with a date and a page each; what invoices use is in ``usage.toml``.
``docs/runbooks/cost.md`` shows how to use it.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from harness.deploy.usage import Usage
from harness.terraform.plan import ResourceChange, TerraformPlan

FILE = Path(__file__).with_name("prices.toml")

INVOICES = 10_000
"""Invoices a month for which a deploy shows the cost."""

MOST_MORE = Decimal("1.10")
"""How many times as much as before an environment may cost without a reason."""

_REQUEST_METRICS = 16
"""Request metrics of a bucket (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html)."""

_GB = Decimal(2**30)
_MB_OF_A_GB = Decimal(1024)
_MS = Decimal(1000)

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Prices:
    """AWS's prices in US dollars.

    Attributes:
        date: When they were written down.
        month: For a month, by the name of the unit.
        use: For each use, by the name of the unit.
    """

    date: str
    month: Mapping[str, Decimal]
    use: Mapping[str, Decimal]

    @classmethod
    def load(cls, file: Path = FILE) -> Self:
        """Read the prices."""
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        tables = (
            {name: Decimal(price["dollars"]) for name, price in document[kind].items()} for kind in ("month", "use")
        )
        return cls(str(document["date"]), *tables)


@dataclass(frozen=True)
class CostLine:
    """A part of the cost.

    Attributes:
        name: What costs it.
        quantity: How many units, a month.
        dollars: A month.
    """

    name: str
    quantity: Decimal
    dollars: Decimal


def standing(resources: Iterable[tuple[str, Values]], prices: Prices) -> list[CostLine]:
    """What an environment costs a month without a single invoice.

    Args:
        resources: The type and the attributes of each resource.
        prices: The prices.
    """
    quantities = dict.fromkeys(prices.month, Decimal(0))
    for kind, values in resources:
        for unit, quantity in _UNITS.get(kind, _nothing)(values):
            quantities[unit] += Decimal(quantity)
    return [
        CostLine(unit, quantity, quantity * prices.month[unit]) for unit, quantity in quantities.items() if quantity
    ]


def _nothing(_: Values) -> Iterator[tuple[str, int]]:
    yield from ()


def _table(values: Values) -> Iterator[tuple[str, int]]:
    if values.get("billing_mode") == "PROVISIONED":
        for each in (values, *(values.get("global_secondary_index") or ())):
            yield "read_capacity", each.get("read_capacity") or 0
            yield "write_capacity", each.get("write_capacity") or 0


def _alarm(values: Values) -> Iterator[tuple[str, int]]:
    metrics = [query for query in values.get("metric_query") or () if query.get("metric")]
    yield "alarm_metric", len(metrics) or 1


def _secret(values: Values) -> Iterator[tuple[str, int]]:
    yield "secret", 1 + len(values.get("replica") or ())


def _one(unit: str, number: int = 1) -> Callable[[Values], Iterator[tuple[str, int]]]:
    return lambda _: iter([(unit, number)])


_UNITS: Mapping[str, Callable[[Values], Iterator[tuple[str, int]]]] = {
    "aws_cloudwatch_dashboard": _one("dashboard"),
    "aws_cloudwatch_log_metric_filter": _one("custom_metric"),
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_dynamodb_table": _table,
    "aws_kms_key": _one("key"),
    "aws_kms_replica_key": _one("key"),
    "aws_s3_bucket_metric": _one("custom_metric", _REQUEST_METRICS),
    "aws_secretsmanager_secret": _secret,
}
"""Types that cost something while nothing happens. Metrics of buckets count as if each had requests in every hour."""


def used(resources: Iterable[tuple[str, Values]], usage: Usage, invoices: int, prices: Prices) -> list[CostLine]:
    """What a month's invoices cost beyond that.

    Args:
        resources: The type and the attributes of each resource; of the functions, their memory decides.
        usage: What a thousand invoices use.
        invoices: Their number.
        prices: The prices.
    """
    part = Decimal(invoices) / 1000
    quantities = dict.fromkeys(prices.use, Decimal(0))
    for kind, values in resources:
        if kind != "aws_lambda_function":
            continue
        use = _use_of(str(values.get("function_name", "")), usage)
        if use is None:
            continue
        calls, milliseconds = use
        quantities["lambda_request"] += calls * part
        architecture = (values.get("architectures") or ["x86_64"])[0]
        memory_gb = Decimal(values.get("memory_size") or 128) / _MB_OF_A_GB
        quantities[f"lambda_gb_second_{architecture}"] += calls * part * memory_gb * milliseconds / _MS
    amounts = {name: amount * part for name, amount in usage.amounts.items()}
    quantities |= {
        "api_request": amounts["api_requests"],
        "event": amounts["events"],
        "s3_request": amounts["s3_requests"],
        "log_gb": amounts["log_bytes"] / _GB,
    }
    lines = [CostLine(unit, quantity, quantity * prices.use[unit]) for unit, quantity in quantities.items() if quantity]
    stored = amounts["stored_bytes"] / _GB
    return [*lines, CostLine("stored_gb", stored, stored * prices.month["stored_gb"])]


def _use_of(function: str, usage: Usage) -> tuple[Decimal, Decimal] | None:
    """The calls and the mean milliseconds of a function; its full name is the short one with the environment."""
    use = usage.functions.get(function.rpartition("-")[0])
    return (use.calls, use.milliseconds) if use else None


@dataclass(frozen=True)
class MonthlyCost:
    """What an environment costs a month, in US dollars.

    Attributes:
        idle: Without invoices.
        in_use: With `INVOICES` of them.
    """

    idle: Decimal
    in_use: Decimal

    @classmethod
    def of(cls, resources: Iterable[tuple[str, Values]], usage: Usage, prices: Prices) -> Self:
        """Add everything up."""
        listed = list(resources)
        if not listed:
            return cls(Decimal(0), Decimal(0))
        idle = sum((line.dollars for line in standing(listed, prices)), Decimal(0))
        return cls(idle, idle + sum((line.dollars for line in used(listed, usage, INVOICES, prices)), Decimal(0)))

    @property
    def figures(self) -> dict[str, str]:
        """Both, for a report."""
        return {"idle": f"{self.idle:.2f}", "invoices": f"{self.in_use:.2f}"}

    def __str__(self) -> str:
        return f"${self.idle:.2f} a month idle, ${self.in_use:.2f} with {INVOICES:,} invoices"


def before_and_after(plan: TerraformPlan) -> tuple[MonthlyCost, MonthlyCost]:
    """What the environment costs now, and after a plan."""
    usage, prices = Usage.load(), Prices.load()
    managed = [change for change in plan.resources if not change.deposed]
    before = MonthlyCost.of(_attributes(managed, "before"), usage, prices)
    return before, MonthlyCost.of(_attributes(managed, "after"), usage, prices)


def _attributes(changes: Iterable[ResourceChange], when: str) -> Iterator[tuple[str, Values]]:
    for change in changes:
        values = getattr(change, when)
        if isinstance(values, Mapping):
            yield change.type, values
