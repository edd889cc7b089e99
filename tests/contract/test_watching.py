"""Alarms and the dashboard look at metrics that somebody writes, of things that are there.

That each function, queue, bucket and API has its alarm, and each function its log group, is the policy's business:
CKV_INV_205, 801 to 804.
"""

from harness.contract import metrics
from harness.contract.mismatch import symbol, told
from invoicing.runtime import observability
from tests.contract import sites
from tests.contract.conftest import Environment


def test_what_is_read_is_written(live: Environment) -> None:
    written = {observability.NAMESPACE: {*sites.literals("count"), "ColdStart"}}

    found = [*metrics.compare(live.plan, written, where=symbol(observability.count))]

    assert not found, told(found)
    read = [*metrics.readings(live.plan)]
    assert {one.address for one in read} >= {one.address for one in live.plan.of("aws_cloudwatch_dashboard")}
    assert len(read) > 100


def test_the_codes_metrics_are_found() -> None:
    assert {"InvoicesCreated", "InvoicesReplayed", "PdfsRendered", "RequestsRefused"} <= sites.literals("count")
