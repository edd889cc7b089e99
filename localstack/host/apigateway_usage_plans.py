"""API Gateway: throttling by stage and usage plan, and quotas."""

import functools
import threading
import time
from collections.abc import Iterator
from typing import Any

from localstack.services.apigateway.next_gen.execute_api import moto_helpers
from localstack.services.apigateway.next_gen.execute_api.gateway_response import QuotaExceededError, ThrottledError

from emulation.patch import patches, source_lacks
from host.apigateway_handlers import handlers

_PERIOD_S = {"DAY": 86_400, "WEEK": 7 * 86_400, "MONTH": 30 * 86_400}
_lock = threading.Lock()
_buckets: dict[tuple[str, ...], tuple[float, float]] = {}
"""Tokens and the time of their count, by the key of the bucket."""
_used: dict[tuple[str, str, int], int] = {}
"""Number of requests by usage plan, API key and period."""


@patches(handlers("api_key_validation"), "ApiKeyValidationHandler.__call__", needed=source_lacks("ThrottledError"))
def usage_plans(original: Any) -> Any:
    """Requests over the rate of the stage or the usage plan, or over the plan's quota, receive status 429.

    AWS: limits the rate by token buckets.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
    LocalStack: has neither: "We currently do not support rate limiting or quota limit."
    """

    @functools.wraps(original)
    def call(self: Any, chain: Any, context: Any, response: Any) -> None:
        original(self, chain, context, response)
        with _lock:
            _throttle_stage(context)
            if context.resource_method.get("apiKeyRequired"):
                key = context.context_variables["identity"]["apiKeyId"]
                for plan in _plans_of(context, key):
                    _count(plan, key)

    return call


def _throttle_stage(context: Any) -> None:
    path = ((context.resource or {}).get("path") or "/").strip("/").replace("/", "~1")
    settings = (context.stage_configuration or {}).get("methodSettings") or {}
    method_settings = settings.get(f"{path}/{context.resource_method.get('httpMethod')}") or settings.get("*/*") or {}
    rate = method_settings.get("throttlingRateLimit")
    if rate is not None and float(rate) >= 0:  # -1: only the account's limit applies
        _take(
            (context.api_id, context.stage, path), float(rate), float(method_settings.get("throttlingBurstLimit") or 1)
        )


def _plans_of(context: Any, key: str) -> Iterator[dict[str, Any]]:
    """The usage plans of this stage that have the key."""
    scope = (context.account_id, context.region)
    for plan in moto_helpers.get_usage_plans(*scope):
        stages = {(stage.get("apiId"), stage.get("stage")) for stage in plan.get("apiStages") or []}
        if (context.api_id, context.stage) in stages:
            keys = moto_helpers.get_usage_plan_keys(plan["id"], *scope)
            if any(plan_key["id"] == key for plan_key in keys):
                yield plan


def _count(plan: dict[str, Any], key: str) -> None:
    if throttle := plan.get("throttle"):
        _take((plan["id"], key), float(throttle.get("rateLimit") or 0), float(throttle.get("burstLimit") or 0))
    if quota := plan.get("quota"):
        period_s = _PERIOD_S.get(quota.get("period"), _PERIOD_S["DAY"])
        slot = (plan["id"], key, int(time.time() // period_s))
        _used[slot] = _used.get(slot, int(quota.get("offset") or 0)) + 1
        if _used[slot] > int(quota["limit"]):
            raise QuotaExceededError("Limit Exceeded", status_code=429)


def _take(bucket: tuple[str, ...], rate: float, burst: float) -> None:
    """Take a token from a bucket.

    Args:
        bucket: The bucket's key.
        rate: The number of new tokens per second.
        burst: The most tokens that the bucket holds.

    Raises:
        ThrottledError: The bucket is empty.
    """
    now = time.monotonic()
    tokens, counted_at = _buckets.get(bucket, (burst, now))
    tokens = min(burst, tokens + (now - counted_at) * rate)
    _buckets[bucket] = (tokens - 1 if tokens >= 1 else tokens, now)
    if tokens < 1:
        raise ThrottledError("Too Many Requests", status_code=429)
