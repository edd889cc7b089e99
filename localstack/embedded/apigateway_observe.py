"""API Gateway (REST), data plane: access logs, metrics and one request id for all of them."""

import json
import logging
import re
import time
from typing import Any

from ministack.services import apigateway_v1 as gw
from ministack.services import cloudwatch as cw
from ministack.services import cloudwatch_logs as logs

from embedded.apigateway_exchange import Exchange, current
from emulation.patch import patches, source_lacks

_log = logging.getLogger("embedded.apigateway")


@patches(gw, "_handle_execute_in_scope", needed=source_lacks("record_metric", "accessLogSettings"))
def access_logs_and_metrics(original: Any) -> Any:
    """Every request writes the stage's access log line and the AWS/ApiGateway metrics.

    AWS: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html and
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    MiniStack: stores the settings, but writes neither logs nor metrics.
    """

    async def handle(
        api_id: str, stage: str, method: str, path: str, headers: Any, body: Any, query: Any, *scope: Any
    ) -> Any:
        exchange = Exchange(headers or {}, query or {}, stage, method, path)
        token = current.set(exchange)
        started = time.monotonic()
        try:
            status, response_headers, payload = await original(
                api_id, stage, method, path, headers, body, query, *scope
            )
        finally:
            current.reset(token)
        duration_ms = (time.monotonic() - started) * 1000
        exchange.request_id = exchange.request_id or response_headers.get("x-amzn-requestid", "")
        if exchange.request_id:
            response_headers["x-amzn-requestid"] = exchange.request_id
        _record(api_id, exchange, status, duration_ms)
        settings = (gw._stages_v1.get(api_id, {}).get(stage) or {}).get("accessLogSettings") or {}
        if settings.get("destinationArn") and settings.get("format"):
            values = _values(api_id, exchange, status, payload, duration_ms)
            _write(settings["destinationArn"], _fill(settings["format"], values))
        return status, response_headers, payload

    return handle


def _record(api_id: str, exchange: Exchange, status: int, duration_ms: float) -> None:
    dimensions = {"ApiName": (gw._rest_apis.get(api_id) or {}).get("name", ""), "Stage": exchange.stage}
    counts = {"Count": 1.0, "4XXError": float(400 <= status < 500), "5XXError": float(status >= 500)}
    times = {"Latency": duration_ms, "IntegrationLatency": exchange.integration_ms}
    for name, value in counts.items():
        cw.record_metric("AWS/ApiGateway", name, value, "Count", dimensions)
    for name, milliseconds in times.items():
        if milliseconds is not None:
            cw.record_metric("AWS/ApiGateway", name, milliseconds, "Milliseconds", dimensions)


def _values(api_id: str, exchange: Exchange, status: int, payload: bytes, duration_ms: float) -> dict[str, Any]:
    """The values of ``$context`` variables in access logs.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
    """
    now = time.time()
    resource, _ = gw._match_resource_tree(api_id, [part for part in exchange.path.strip("/").split("/") if part])
    key = gw._resolve_api_key(gw._api_key_from_request(exchange.headers)) or {}
    integration_ms = "-" if exchange.integration_ms is None else int(exchange.integration_ms)
    return {
        "apiId": api_id,
        "error.message": _message(payload) if status >= 400 else "-",
        "extendedRequestId": exchange.request_id,
        "httpMethod": exchange.method,
        "identity.apiKeyId": key.get("id", "-"),
        "identity.sourceIp": exchange.headers.get("x-forwarded-for", "127.0.0.1"),
        "identity.userAgent": exchange.headers.get("user-agent", "-"),
        "integration.latency": integration_ms,
        "integrationLatency": integration_ms,
        "path": f"/{exchange.stage}{exchange.path}",
        "protocol": "HTTP/1.1",
        "requestId": exchange.request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourcePath": (resource or {}).get("path", "-"),
        "responseLatency": int(duration_ms),
        "responseLength": len(payload or b""),
        "stage": exchange.stage,
        "status": status,
    }


def _message(payload: bytes) -> str:
    try:
        content = json.loads(payload)
    except ValueError:
        return "-"
    return str(content.get("message", "-")) if isinstance(content, dict) else "-"


def _fill(template: str, values: dict[str, Any]) -> str:
    return re.sub(r"\$context\.([\w.]*\w)", lambda match: str(values.get(match[1], "-")), template)


def _write(destination_arn: str, line: str) -> None:
    group = destination_arn.partition(":log-group:")[2].removesuffix(":*")
    if group not in logs._log_groups:
        _log.warning("access log: the log group %r does not exist", group)
        return
    names = {"logGroupName": group, "logStreamName": "access"}
    if "access" not in logs._log_groups[group]["streams"]:
        logs._create_log_stream(names)
    logs._put_log_events({**names, "logEvents": [{"timestamp": int(time.time() * 1000), "message": line}]})
