"""API Gateway: access log lines, and the stage's metrics."""

import functools
import logging
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.aws.connect import connect_to

from emulation.patch import patches, source_lacks
from host.apigateway_handlers import handlers
from host.apigateway_templates import substitute

_log = logging.getLogger("host.apigateway_access_logs")
_pending: "queue.Queue[_Request]" = queue.Queue()


@dataclass(frozen=True, slots=True)
class _Request:
    """A served request whose log line and metrics are not written yet."""

    account: str
    region: str
    api_id: str
    api: str
    stage: str
    status: int
    latency_ms: int
    log_group: str
    line: str


@patches(handlers("parse"), "InvocationRequestParser.__call__", needed=None)
def time_of_arrival(original: Any) -> Any:
    """Every request records its time of arrival; see :func:`access_logs_and_metrics`."""

    @functools.wraps(original)
    def call(self: Any, chain: Any, context: Any, response: Any) -> Any:
        context.arrival = time.perf_counter()
        return original(self, chain, context, response)

    return call


@patches(handlers("response_enricher"), "InvocationResponseEnricher.__call__", needed=source_lacks("accessLogSettings"))
def access_logs_and_metrics(original: Any) -> Any:
    """Every request writes the stage's access log line and the AWS/ApiGateway metrics.

    AWS: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html and
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    LocalStack: writes neither logs nor metrics.
    """
    threading.Thread(target=_record_forever, daemon=True, name="host-access-logs").start()

    @functools.wraps(original)
    def call(self: Any, chain: Any, context: Any, response: Any) -> None:
        original(self, chain, context, response)
        _pending.put(_request(context, response))

    return call


def _request(context: Any, response: Any) -> _Request:
    latency_ms = int((time.perf_counter() - context.arrival) * 1000)
    settings = (context.stage_configuration or {}).get("accessLogSettings") or {}
    variables = {
        **(context.context_variables or {}),
        "status": response.status_code,
        "responseLength": len(response.data or b""),
        "responseLatency": latency_ms,
        "xrayTraceId": context.trace_id,
    }
    return _Request(
        account=context.account_id,
        region=context.region,
        api_id=context.api_id,
        api=context.deployment.rest_api.rest_api["name"],
        stage=context.stage,
        status=response.status_code,
        latency_ms=latency_ms,
        log_group=(settings.get("destinationArn") or "").rpartition(":log-group:")[2].removesuffix(":*"),
        line=substitute(settings.get("format") or "", variables, missing="-"),
    )


def _record_forever() -> None:
    while True:
        request = _pending.get()
        try:
            _record(request)
        except (BotoCoreError, ClientError) as error:  # the log group was deleted, or LocalStack is ending
            _log.warning("a request to %s could not be recorded: %s", request.api, error)


def _record(request: _Request) -> None:
    clients = connect_to(aws_access_key_id=request.account, region_name=request.region)
    values = {
        "Count": (1, "Count"),
        "4XXError": (int(400 <= request.status < 500), "Count"),
        "5XXError": (int(request.status >= 500), "Count"),
        "Latency": (request.latency_ms, "Milliseconds"),
    }
    api, stage = {"Name": "ApiName", "Value": request.api}, {"Name": "Stage", "Value": request.stage}
    data = [
        {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": dimensions}
        for name, (value, unit) in values.items()
        for dimensions in ([api, stage], [api])
    ]
    clients.cloudwatch.put_metric_data(Namespace="AWS/ApiGateway", MetricData=data)
    if request.line and request.log_group:
        stream = {"logGroupName": request.log_group, "logStreamName": f"{request.api_id}-{request.stage}"}
        event = {"timestamp": int(time.time() * 1000), "message": request.line}
        try:
            clients.logs.put_log_events(**stream, logEvents=[event])
        except clients.logs.exceptions.ResourceNotFoundException:
            clients.logs.create_log_stream(**stream)
            clients.logs.put_log_events(**stream, logEvents=[event])
