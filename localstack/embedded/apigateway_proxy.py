"""API Gateway (REST), data plane: Lambda proxy integrations, their limits and errors."""

import asyncio
import json
import re
import time
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway_v1 as gw
from ministack.services import lambda_svc as lam

from embedded.apigateway_exchange import current
from embedded.apigateway_validation import PAYLOAD_LIMIT
from embedded.permissions import may_invoke, role_allows
from emulation.patch import patches, source_has, source_lacks

_MAX_RESPONSE = 6 * 1024 * 1024
"""Bytes that a function may return. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_DEFAULT_TIMEOUT_MS = 29_000


class _IntegrationFailure(gw._GatewayError):  # type: ignore[misc]
    """A failed integration: the client receives the gateway response DEFAULT_5XX with this status."""

    def __init__(self, status: int) -> None:
        super().__init__("DEFAULT_5XX", "Internal server error", "InternalServerErrorException")
        self.status = status


class _BadResponseError(Exception):
    """The function's response is not one that a proxy integration may return."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@patches(gw, "_gateway_error_response", needed=source_lacks("502"))
def failure_status(original: Any) -> Any:
    """DEFAULT_5XX keeps the status of the error unless it sets one itself.

    AWS: "If unspecified, the original status code is returned": 502 for a malformed proxy response.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
    MiniStack: the status is always 500.
    """

    def gateway_error_response(error: Any, request: dict[str, Any]) -> Any:
        status, headers, body = original(error, request)
        if isinstance(error, _IntegrationFailure) and status == 500:
            status = error.status
        return status, headers, body

    return gateway_error_response


@patches(gw, "_lambda_proxy_response", needed=source_has("return None, str("))
def malformed_response(_original: Any) -> Any:
    """A function that fails, or returns no status code, leads to a gateway error.

    AWS: "If the Lambda API rejects the invocation request, API Gateway returns a 500 error code. If the function runs
    but returns an error, or returns a response in the wrong format, API Gateway returns a 502."
    https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html
    MiniStack: shows the exception to the client, or wraps any value in a response with status 200.
    """

    def lambda_proxy_response(result: dict[str, Any]) -> Any:
        if result.get("throttle"):
            raise _BadResponseError(500)
        body = result.get("body")
        if isinstance(body, str) and body.lstrip().startswith("{"):
            try:
                body = json.loads(body)
            except ValueError:
                raise _BadResponseError(502) from None
        if result.get("error") or not isinstance(body, dict) or not str(body.get("statusCode", "")).isdigit():
            raise _BadResponseError(502)
        if not isinstance(body.get("body", ""), str | None):
            raise _BadResponseError(502)
        return {**body, "statusCode": int(body["statusCode"]), "body": body.get("body") or ""}, None

    return lambda_proxy_response


@patches(gw, "_invoke_lambda_proxy_v1", needed=source_lacks("timeoutInMillis"))
def proxy_limits(original: Any) -> Any:
    """Limits on request size, response size and duration lead to 413, 502 and 504; URIs may use stage variables.

    AWS: REQUEST_TOO_LARGE (413) over 10 MB; 502 for a response over 6 MB; INTEGRATION_TIMEOUT (504) after the
    integration's ``timeoutInMillis``, while the function keeps running; ``${stageVariables.name}``
    in the integration's URI.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/amazon-api-gateway-using-stage-variables.html
    MiniStack: has none of these.
    """

    async def invoke(
        integration: dict[str, Any], api_id: str, stage_name: str, stage: dict[str, Any], *rest: Any, **options: Any
    ) -> Any:
        body = rest[4]
        if len(body or b"") > PAYLOAD_LIMIT:
            return gw._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        variables = stage.get("variables") or {}
        uri = re.sub(r"\$\{stageVariables\.(\w+)\}", lambda m: variables.get(m[1], ""), integration.get("uri") or "")
        started = time.monotonic()
        if not _is_permitted(integration.get("credentials"), uri, api_id, stage_name, rest[0]["path"], rest[2]):
            return _IntegrationFailure(500)
        task = asyncio.ensure_future(original({**integration, "uri": uri}, api_id, stage_name, stage, *rest, **options))
        timeout_s = int(integration.get("timeoutInMillis") or _DEFAULT_TIMEOUT_MS) / 1000
        done, _ = await asyncio.wait({task}, timeout=timeout_s)
        current.get().integration_ms = (time.monotonic() - started) * 1000
        if not done:
            task.add_done_callback(_discard)
            return gw._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
        try:
            response = task.result()
        except _BadResponseError as error:
            return _IntegrationFailure(error.status)
        if isinstance(response, tuple) and len(response[2] or b"") > _MAX_RESPONSE:
            return _IntegrationFailure(502)
        return response

    return invoke


def _is_permitted(role: str | None, uri: str, api_id: str, stage: str, resource: str, method: str) -> bool:
    """Whether the integration's role, or without a role the function's policy, allows the API to call the function.

    AWS: without permission, "Invalid permissions on Lambda function" and status 500.
    https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html#apigateway-permissions
    MiniStack: does not check this.
    """
    function_arn = gw._extract_lambda_ref_from_integration_uri(uri)
    if not function_arn.startswith("arn:") or lam._get_func_record_for_ref(function_arn)[0] is None:
        return True  # MiniStack reports a configuration error
    if role:
        return role_allows(role, "lambda:InvokeFunction", function_arn)
    path = re.sub(r"\{[^}]*\}", "*", resource)
    source_arn = f"arn:aws:execute-api:{get_region()}:{get_account_id()}:{api_id}/{stage}/{method}{path}"
    return may_invoke(function_arn, "apigateway.amazonaws.com", source_arn)


def _discard(task: "asyncio.Future[Any]") -> None:
    """Read the outcome that nobody waits for any more; otherwise asyncio logs that it was never retrieved."""
    if not task.cancelled():
        task.exception()


@patches(gw, "_missing_request_parameters", needed=source_has('in (None, "", [])'))
def blank_parameters(original: Any) -> Any:
    """A required query parameter that is present but blank counts as missing.

    AWS: the validator checks that required parameters "are included and not blank".
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
    MiniStack: accepts ``?limit=``.
    """

    def missing_request_parameters(method: Any, request: Any, headers: Any, query: dict[str, list[str]] | None) -> Any:
        return original(method, request, headers, {k: v for k, v in (query or {}).items() if any(v)})

    return missing_request_parameters


@patches(gw, "_build_lambda_event_v1", needed=source_has('"version": "1.0"'))
def proxy_event(original: Any) -> Any:
    """The event of a proxy integration has the form that REST APIs send.

    AWS: no ``version`` (that is HTTP APIs' payload 1.0); header names as the client spelled them; ``domainName``,
    ``domainPrefix``, ``deploymentId`` and ``identity.apiKey`` in the request context.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    MiniStack: adds a version, has lower-case header names (from its server), leaves the context fields out.
    """

    def build_event(api_id: str, stage_name: str, stage: dict[str, Any], *rest: Any, **options: Any) -> Any:
        event = original(api_id, stage_name, stage, *rest, **options)
        event.pop("version", None)
        # The spelling of most HTTP/1.1 clients. Browsers speak HTTP/2, so their "origin" stays in lower case.
        spelled = {name: "-".join(map(str.capitalize, name.split("-"))) for name in event["headers"]}
        spelled["origin"] = "origin"
        for member in ("headers", "multiValueHeaders"):
            event[member] = {spelled.get(name, name): value for name, value in event[member].items()}
        context = event["requestContext"]
        context.update(
            domainName=f"{api_id}.execute-api.{get_region()}.amazonaws.com",
            domainPrefix=api_id,
            deploymentId=stage.get("deploymentId"),
        )
        exchange = current.get()
        exchange.request_id = context["requestId"]
        if key := gw._resolve_api_key(gw._api_key_from_request(exchange.headers)):
            context["identity"].update(apiKey=key["value"], apiKeyId=key["id"])
        return event

    return build_event
