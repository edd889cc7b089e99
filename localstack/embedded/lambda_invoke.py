"""Lambda: metrics, aliases and reserved concurrency, for every kind of invocation."""

import contextvars
import json
import logging
import random
import time
from typing import Any

from ministack.services import cloudwatch as cw
from ministack.services import lambda_svc as lam

from embedded.lambda_runtime import cold_start
from emulation.patch import patches, source_has, source_lacks

_log = logging.getLogger("embedded.lambda")

invoked_alias: contextvars.ContextVar[str | None] = contextvars.ContextVar("invoked_alias", default=None)
"""The alias of a direct invocation whose weights chose another version than the alias's own; None for all others."""


@patches(lam, "_emit_lambda_metrics", needed=source_has("AWS/Lambda"))
def throttle_metrics(_original: Any) -> Any:
    """Only throttles are counted here; the invocations that run are counted by :func:`invocation_metrics`.

    AWS: "Lambda doesn't consider throttled requests" as invocations.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    MiniStack: counts throttles as invocations, direct ones twice.
    """

    def emit(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: ARG001
        # A call with a duration reports the same throttle for the second time.
        if throttle and duration_ms == 0.0:
            cw.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function_name})

    return emit


@patches(lam, "_execute_function_dispatch", needed=source_lacks("_emit_lambda_metrics"))
def invocation_metrics(original: Any) -> Any:
    """Every invocation has metrics, also one by an event or an API; embedded metrics in its log are recorded.

    AWS: a duration is the time of the function's code, without the start of its environment;
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html and
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    MiniStack: counts Invoke calls only, and does not read embedded metrics.
    """

    def dispatch(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        cold_start.seconds = 0.0
        result = original(func, config, event, request_id, started)
        duration_s = time.time() - started - cold_start.seconds
        _record(config, duration_s * 1000, failed=bool(result.get("error")))
        for line in (result.get("log") or "").splitlines():
            if '"_aws"' in line and "CloudWatchMetrics" in line:
                _record_embedded(line)
        return result

    return dispatch


def _record(config: Any, duration_ms: float, *, failed: bool) -> None:
    for dimensions in _dimension_sets(config):
        cw.record_metric("AWS/Lambda", "Invocations", 1, "Count", dimensions)
        cw.record_metric("AWS/Lambda", "Errors", int(failed), "Count", dimensions)
        cw.record_metric("AWS/Lambda", "Throttles", 0, "Count", dimensions)
        cw.record_metric("AWS/Lambda", "Duration", duration_ms, "Milliseconds", dimensions)


def _dimension_sets(config: Any) -> list[dict[str, str]]:
    """The dimensions of an invocation's metrics: its function, the called version or alias, and its executed version.

    AWS: "ExecutedVersion: Use the ExecutedVersion dimension to compare error rates for two versions of a function that
    are both targets of a weighted alias."
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html
    """
    name = config.get("FunctionName", "")
    qualifier = invoked_alias.get() or ":".join(config.get("FunctionArn", "").split(":")[7:])
    by_function = {"FunctionName": name}
    if not qualifier or qualifier == "$LATEST":
        return [by_function]
    by_resource = {**by_function, "Resource": f"{name}:{qualifier}"}
    if qualifier.isdigit():
        return [by_function, by_resource]
    return [by_function, by_resource, {**by_resource, "ExecutedVersion": str(config.get("Version", ""))}]


def _record_embedded(line: str) -> None:
    try:
        content = json.loads(line)
        for directive in content["_aws"]["CloudWatchMetrics"]:
            for names in directive.get("Dimensions") or [[]]:
                dimensions = {name: str(content[name]) for name in names}
                for metric in directive["Metrics"]:
                    values = content[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        unit = metric.get("Unit", "None")
                        cw.record_metric(directive["Namespace"], metric["Name"], value, unit, dimensions)
    except (KeyError, TypeError, ValueError):
        # As on AWS: a line that does not follow the format is only a log line.
        _log.warning("a line is not in the embedded metric format: %s", line[:200])


@patches(lam, "_reserved_concurrency", needed=source_lacks("_functions"))
def reserved_concurrency(original: Any) -> Any:
    """Reserved concurrency applies to all versions and aliases of a function together.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    MiniStack: reads the version's own record, which has no such setting.
    """

    def reserved(func: Any, config: Any) -> int | None:
        return original(lam._functions.get(config.get("FunctionName")) or func, config)  # type: ignore[no-any-return]

    return reserved


def _weighted_version(func: Any, qualifier: str | None) -> str | None:
    """The version that an alias's weights choose for one invocation, or else the unchanged qualifier."""
    alias = ((func or {}).get("aliases") or {}).get(qualifier) or {}
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    ticket = random.random()  # noqa: S311 -- a lottery, not a secret
    for version, weight in weights.items():
        ticket -= weight
        if ticket < 0:
            return str(version)
    return qualifier


@patches(lam, "_get_func_record_for_ref", needed=source_lacks("AdditionalVersionWeights"))
def alias_of_events(original: Any) -> Any:
    """An invocation through an alias's ARN follows the alias's weights and uses the alias's settings.

    AWS: weights apply to every invocation through the alias; ``context.invoked_function_arn`` is the alias's ARN, and
    asynchronous settings are those of the alias.
    https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    MiniStack: always runs the alias's first version, with the version's ARN.
    """

    def record_for_ref(reference: str) -> Any:
        record, config, name = original(reference)
        base = lam._functions.get(name)
        _, qualifier = lam._resolve_name_and_qualifier(reference)
        if record is None or base is None or qualifier not in (base.get("aliases") or {}):
            return record, config, name
        version = _weighted_version(base, qualifier)
        if version != qualifier:
            record, config = lam._effective_func_record_for_qualifier(base, version)
        config = {**config, "FunctionArn": f"{base['config']['FunctionArn']}:{qualifier}"}
        return {**record, "config": config}, config, name

    return record_for_ref


@patches(lam, "_invoke", needed=source_lacks("AdditionalVersionWeights"))
def alias_of_calls(original: Any) -> Any:
    """Invoke through an alias follows the alias's weights; see :func:`alias_of_events`."""

    async def invoke(
        name: str, event: Any, headers: Any, path_qualifier: str | None = None, query_params: Any = None
    ) -> Any:
        requested = path_qualifier or lam._qp_first(query_params or {}, "Qualifier") or None
        qualifier = _weighted_version(lam._functions.get(name), requested)
        invoked_alias.set(requested if qualifier != requested else None)
        return await original(name, event, headers, qualifier, query_params)

    return invoke
