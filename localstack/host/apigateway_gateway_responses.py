"""API Gateway: the headers and templates of gateway responses."""

import functools
from collections.abc import Mapping
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.gateway_response import get_gateway_response_or_default

from emulation.patch import patches, source_lacks
from host.apigateway_handlers import handlers
from host.apigateway_templates import lookup, substitute


@patches(
    handlers("gateway_exception"),
    "GatewayExceptionHandler.create_exception_response",
    needed=source_lacks("responseParameters", "responseTemplates"),
)
def gateway_responses(original: Any) -> Any:
    """API Gateway's own responses have the headers and bodies that their gateway responses define.

    AWS: https://docs.aws.amazon.com/apigateway/latest/developerguide/customize-gateway-responses.html
    LocalStack: uses the status code only, and ignores headers and templates.
    """

    @functools.wraps(original)
    def create_exception_response(self: Any, exception: Any, context: Any) -> Any:
        response = original(self, exception, context)
        definition = get_gateway_response_or_default(exception.type, context.deployment.rest_api.gateway_responses)
        for name, source in (definition.get("responseParameters") or {}).items():
            value = _parameter_value(source, context)
            if name.startswith("gatewayresponse.header.") and value is not None:
                response.headers.set(name.removeprefix("gatewayresponse.header."), value)
        templates = definition.get("responseTemplates") or {}
        if templates and not definition.get("defaultResponse"):
            kind = "application/json" if "application/json" in templates else next(iter(templates))
            response.set_data(substitute(templates[kind], _variables(exception, context), missing=""))
            if "gatewayresponse.header.Content-Type" not in (definition.get("responseParameters") or {}):
                response.headers.set("Content-Type", kind)
        return response

    return create_exception_response


def _variables(exception: Any, context: Any) -> Mapping[str, Any]:
    """The values of ``$context``, with the error in ``$context.error``."""
    variables = context.context_variables or {}
    return {**variables, "error": {**(variables.get("error") or {}), "message": exception.message}}


def _parameter_value(source: str, context: Any) -> str | None:
    """The value of a response parameter: a literal in quotes, or a value from the request.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
    """
    if source.startswith("'"):
        return source.strip("'")
    place, _, name = source.rpartition(".")
    if source.startswith("context."):
        value = lookup(source.removeprefix("context."), context.context_variables or {})
    elif place == "method.request.header":
        value = context.invocation_request["headers"].get(name)
    elif place == "method.request.querystring":
        value = context.invocation_request["query_string_parameters"].get(name)
    elif place == "stageVariables":
        value = (context.stage_variables or {}).get(name)
    else:
        value = None
    return None if value is None else str(value)
