"""Alarms and the dashboard read metrics that something writes, about resources that exist.

Policy rules, not this file, check that each function, queue, bucket and API has its alarm and each function its log
group: CKV_INV_205, 801 to 804.
"""

from harness.contract import metrics
from harness.contract.mismatch import report, symbol
from invoicing.runtime import observability
from tests.contract import sites
from tests.contract.conftest import Environment


def test_metrics_that_are_read_are_written(live: Environment) -> None:
    written = {f"{observability.NAMESPACE}/{live.plan.environment}": {*sites.literals("count"), "ColdStart"}}

    mismatches = [*metrics.compare(live.plan, written, where=symbol(observability.count))]

    assert not mismatches, report(mismatches)
    readings = [*metrics.readings(live.plan)]
    dashboards = {dashboard.address for dashboard in live.plan.of("aws_cloudwatch_dashboard")}
    assert {reading.address for reading in readings} >= dashboards
    assert len(readings) > 100


def test_the_codes_metrics_are_found() -> None:
    assert {"InvoicesCreated", "InvoicesReplayed", "PdfsRendered", "RequestsRefused"} <= sites.literals("count")
