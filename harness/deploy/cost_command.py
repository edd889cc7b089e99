"""The command `cost`: what a deployed environment costs a month, line by line, and what its invoices use."""

import uuid
from datetime import UTC, datetime

from rich.table import Table

from harness.console import ProgressStep, out
from harness.deploy import usage
from harness.deploy.canary_traffic import CheckError
from harness.deploy.cost import INVOICES, CostLine, MonthlyCost, Prices, standing, used
from harness.deploy.deployed import AccountAccess
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.usage import Usage
from harness.engine import engine_name
from harness.errors import HarnessError
from harness.results import record
from harness.stack.deployment import Stack

MEASURED = 40
"""Invoices with which the usage is measured."""


def show(environment: str) -> None:
    """Print what an environment that is deployed where ``HARNESS_ENGINE`` points costs a month.

    Raises:
        HarnessError: It is not deployed there.
    """
    prices, used_by_invoices = Prices.load(), Usage.load()
    resources = AccountAccess.opened(environment).resources()
    idle, more = standing(resources, prices), used(resources, used_by_invoices, INVOICES, prices)
    out.print(_table(idle, more))
    total = MonthlyCost.of(resources, used_by_invoices, prices)
    out.print(f"{environment} costs {total}, at the prices of {prices.date} in us-east-1, without free tiers.")
    lines = [{"when": when, **_row(line)} for when, part in (("idle", idle), ("invoices", more)) for line in part]
    record("cost", {"environment": environment, "prices": prices.date, **total.figures, "lines": lines})


def _row(line: CostLine) -> dict[str, str]:
    return {"unit": line.name, "quantity": f"{line.quantity:.2f}", "dollars": f"{line.dollars:.2f}"}


def _table(idle: list[CostLine], more: list[CostLine]) -> Table:
    table = Table("A month", "Units", "Dollars", title=f"Idle, and with {INVOICES:,} invoices")
    for column in table.columns[1:]:
        column.justify = "right"
    for part in (idle, more):
        for line in sorted(part, key=lambda line: line.dollars, reverse=True):
            table.add_row(line.name, f"{line.quantity:,.2f}", f"{line.dollars:,.2f}")
        table.add_section()
    return table


def measure(environment: str) -> None:
    """Measure what invoices use, on a local engine without other traffic, and write it down.

    Raises:
        HarnessError: No engine has the environment, or the platform does not do what it should.
    """
    if engine_name() == "aws":
        raise HarnessError(
            "The usage is measured on a local engine, where nobody else sends requests.",
            remedy="Leave HARNESS_ENGINE out.",
        )
    access = PlatformAccess.on_engine(Stack.load(environment))
    try:
        with ProgressStep(f"Send {MEASURED} invoices"):
            measured = usage.measure(access, MEASURED, uuid.uuid4().hex[:8])
    except CheckError as error:
        raise HarnessError(
            f"The platform does not do what it should: {error}",
            remedy=f"Find out why: ./noxw -s smoke -- {environment}",
        ) from error
    measured.save(f"{datetime.now(UTC):%Y-%m-%d}, {MEASURED} invoices on the {engine_name()} engine")
    out.print("harness/deploy/usage.toml has what was measured.")
