"""Logs, traces and metrics of every function, set up in one place.

Names come from the environment that Terraform sets (``POWERTOOLS_SERVICE_NAME``, ``POWERTOOLS_METRICS_NAMESPACE``,
``LOG_LEVEL``). Traces are sent only where Lambda names an X-Ray daemon, so engines without one cause neither delays
nor warnings. Only botocore is patched, because only it calls other services. The content of exceptions is not copied
into traces: a response of DynamoDB may contain a complete invoice.
"""

import os

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "InvoicePlatform"
"""The metrics namespace if the environment does not set one."""

os.environ.setdefault("POWERTOOLS_TRACER_CAPTURE_ERROR", "false")  # read when a handler is decorated

logger = Logger(use_rfc3339=True, utc=True)
tracer = Tracer(disabled=None if "AWS_XRAY_DAEMON_ADDRESS" in os.environ else True, patch_modules=("botocore",))
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE))


def correlate(identity: str | None) -> None:
    """Set the correlation id of all log lines, writes and events that follow in this invocation.

    It is the id of what began the work: of the request at the gateway, the upload, or the event that reported a
    payment. The table's items and the events hand it on, so what one request causes can be found in every function.

    Args:
        identity: The id; None if what began the work has none.
    """
    logger.set_correlation_id(identity)


def correlation_id() -> str | None:
    """The correlation id of this invocation; None outside of one."""
    return logger.get_correlation_id()


def count(name: str, value: int = 1) -> None:
    """Add ``value`` to the counter ``name`` of this invocation; written as one EMF line when the handler ends."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
