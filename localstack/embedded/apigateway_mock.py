"""API Gateway (REST), data plane: MOCK integrations with mapping templates."""

from typing import Any

from ministack.services import apigateway_v1 as gw

from embedded import vtl
from embedded.apigateway_exchange import current
from emulation.patch import patches, source_lacks


@patches(gw, "_invoke_mock_v1", needed=source_lacks("_render", "_vtl"))
def mock_templates(original: Any) -> Any:
    """MOCK integrations evaluate their mapping templates, and may override status and headers.

    AWS: request and response templates are VTL; ``$context.responseOverride.header.<name>`` and ``.status`` override
    those of the response. Without a response template the body is empty.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
    MiniStack: sends the template's text unevaluated, and ``{}`` if there is no template.
    """

    def invoke_mock(integration: dict[str, Any]) -> Any:
        overrides: dict[str, Any] = {"header": {}, "status": None}
        scope = _scope(overrides)
        request_template = (integration.get("requestTemplates") or {}).get("application/json", "")
        rendered = {**integration, "requestTemplates": {"application/json": vtl.render(request_template, scope)}}
        status, headers, template = original(rendered)
        has_template = any(
            (response.get("responseTemplates") or {}).get("application/json")
            for response in (integration.get("integrationResponses") or {}).values()
        )
        body = vtl.render(template.decode(), scope).strip() if has_template else ""
        for name, value in overrides["header"].items():
            headers = {header: text for header, text in headers.items() if header.lower() != name.lower()}
            if value not in (None, ""):
                headers[name] = vtl.text(value)
        return int(overrides["status"] or status), headers, body.encode()

    return invoke_mock


def _scope(overrides: dict[str, Any]) -> dict[str, Any]:
    exchange = current.get()
    single = {name: values[0] if values else "" for name, values in exchange.query.items()}
    identity = {
        "sourceIp": exchange.headers.get("x-forwarded-for", "127.0.0.1"),
        "userAgent": exchange.headers.get("user-agent", ""),
    }
    context = {
        "httpMethod": exchange.method,
        "identity": identity,
        "path": f"/{exchange.stage}{exchange.path}",
        "requestId": exchange.request_id,
        "responseOverride": overrides,
        "stage": exchange.stage,
    }
    parameters = {"path": {}, "querystring": single, "header": vtl.AnyCase(exchange.headers)}
    return {"context": context, "input": vtl.Input("", parameters), "util": vtl.Util(), "stageVariables": {}}
