"""Questions to API Gateway: a deployed REST API in front of a function."""

import json
import threading
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.conformance.interaction import function, interaction
from tests.engine.cloud import Cloud

GATEWAY_RESPONSES = {
    "BAD_REQUEST_BODY": {"statusCode": "400"},
    "DEFAULT_5XX": {},
    "INVALID_API_KEY": {"statusCode": "403"},
    "MISSING_AUTHENTICATION_TOKEN": {"statusCode": "404"},
}
"""The gateway responses of the API, each with its status; one without keeps the status of the error."""


@dataclass(frozen=True)
class Api:
    """A deployed API in front of a function.

    Attributes:
        url: The address of the stage.
        key: A valid API key.
        function: The name of the function.
    """

    url: str
    key: str
    function: str


_apis: dict[int, Api] = {}
_building = threading.Lock()


def api(cloud: Cloud) -> Api:
    """A deployed API like that of this platform: with a function, a key, a model and gateway responses."""
    with _building:
        if id(cloud) not in _apis:
            _apis[id(cloud)] = _deploy_api(cloud)
        return _apis[id(cloud)]


def _deploy_api(cloud: Cloud) -> Api:
    gateway = cloud.client("apigateway")
    source = """
        import json
        def handler(event, context):
            if event.get("body") == '{"total": 0}':
                raise ValueError("no")
            request = {"path": event["path"], "resource": event["resource"], "method": event["httpMethod"],
                       "query": event["queryStringParameters"], "stage": event["requestContext"]["stage"]}
            return {"statusCode": 201, "headers": {"Location": "/things/1"}, "body": json.dumps(request)}
    """
    name = function(cloud, source)
    arn = cloud.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    rest = gateway.create_rest_api(name=cloud.name("api"))
    api_id, root = rest["id"], rest["rootResourceId"]
    cloud.permit(arn, "apigateway.amazonaws.com", f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/*/*/*")
    resource = gateway.create_resource(restApiId=api_id, parentId=root, pathPart="things")["id"]
    schema = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
    gateway.create_model(restApiId=api_id, name="Thing", contentType="application/json", schema=json.dumps(schema))
    validator = gateway.create_request_validator(restApiId=api_id, name="body", validateRequestBody=True)["id"]
    gateway.put_method(
        restApiId=api_id,
        resourceId=resource,
        httpMethod="POST",
        authorizationType="NONE",
        apiKeyRequired=True,
        requestValidatorId=validator,
        requestModels={"application/json": "Thing"},
    )
    gateway.put_integration(
        restApiId=api_id,
        resourceId=resource,
        httpMethod="POST",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
    )
    for kind, settings in GATEWAY_RESPONSES.items():
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            responseParameters={
                "gatewayresponse.header.Access-Control-Allow-Origin": "'https://app.example.com'",
                "gatewayresponse.header.Content-Type": "'application/problem+json'",
            },
            responseTemplates={"application/json": '{"detail": $context.error.messageString}'},
            **settings,
        )
    gateway.create_deployment(restApiId=api_id, stageName="v1")
    plan = gateway.create_usage_plan(name=cloud.name("plan"), apiStages=[{"apiId": api_id, "stage": "v1"}])["id"]
    key = gateway.create_api_key(name=cloud.name("key"), enabled=True, generateDistinctId=True)
    value = key.get("value") or gateway.get_api_key(apiKey=key["id"], includeValue=True)["value"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    return Api(cloud.engine.endpoint.api_url(api_id, "v1"), value, name)


def post(cloud: Cloud, body: str | bytes, *, path: str = "/things", with_key: bool = True) -> Any:
    deployed = api(cloud)
    headers = {"content-type": "application/json", **({"x-api-key": deployed.key} if with_key else {})}
    return urllib3.request("POST", deployed.url + path, body=body, headers=headers, retries=False, timeout=30.0)


def visible_parts(response: Any) -> dict[str, Any]:
    """The parts of a gateway response that a client sees."""
    return {
        "status": response.status,
        "type": response.headers.get("content-type", "").split(";")[0],
        "origin": response.headers.get("access-control-allow-origin"),
        "body": response.json() if response.data else None,
    }


def gateway_response(status: int, message: str) -> dict[str, Any]:
    return {
        "status": status,
        "type": "application/problem+json",
        "origin": "https://app.example.com",
        "body": {"detail": message},
    }


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html",
    expected={
        "status": 201,
        "location": "/things/1",
        "seen": {"path": "/things", "resource": "/things", "method": "POST", "query": {"a": "1"}, "stage": "v1"},
    },
    runs_functions=True,
)
def proxied_function_sees_the_request_and_builds_the_response(cloud: Cloud) -> Any:
    """A proxy integration passes the request to the function as an event, and its response to the client."""
    response = post(cloud, '{"total": 1}', path="/things?a=1")
    return {"status": response.status, "location": response.headers.get("location"), "seen": response.json()}


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/supported-gateway-response-types.html",
    expected=gateway_response(403, "Forbidden"),
    runs_functions=True,
)
def missing_api_key_is_rejected_in_the_defined_form(cloud: Cloud) -> Any:
    """A request without the key that a method requires is a 403, with the gateway response's headers and template."""
    return visible_parts(post(cloud, '{"total": 1}', with_key=False))


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/api-gateway-method-request-validation.html",
    expected=gateway_response(400, "Invalid request body"),
    runs_functions=True,
)
def invalid_body_is_rejected_in_the_defined_form(cloud: Cloud) -> Any:
    """A body that its model does not allow is a 400 before the function is called."""
    return visible_parts(post(cloud, '{"total": "much"}'))


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/api-gateway-method-request-validation.html",
    expected=gateway_response(400, "Invalid request body"),
    runs_functions=True,
)
def body_that_is_not_text_is_rejected_in_the_defined_form(cloud: Cloud) -> Any:
    """A body that is not text is a 400 before the function is called, like any other that is not JSON."""
    return visible_parts(post(cloud, b"\xf2\xff"))


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/supported-gateway-response-types.html",
    expected=gateway_response(404, "Missing Authentication Token"),
    runs_functions=True,
)
def unknown_path_is_rejected_in_the_defined_form(cloud: Cloud) -> Any:
    """A path that the API does not have is of the type MISSING_AUTHENTICATION_TOKEN, here with status 404."""
    return visible_parts(post(cloud, "{}", path="/nothing"))


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html",
    expected=gateway_response(502, "Internal server error"),
    runs_functions=True,
)
def failing_function_is_a_bad_gateway(cloud: Cloud) -> Any:
    """A function of a proxy integration that fails is a 502, with the gateway response's headers and template."""
    return visible_parts(post(cloud, '{"total": 0}'))


@interaction(
    "apigateway",
    source="/lambda/latest/dg/services-apigateway-errors.html",
    expected=gateway_response(500, "Internal server error"),
    runs_functions=True,
)
def throttled_function_is_an_internal_server_error(cloud: Cloud) -> Any:
    """A call that Lambda rejects, for example by throttling, is a 500 of the type DEFAULT_5XX."""
    functions, name = cloud.client("lambda"), api(cloud).function
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        return visible_parts(post(cloud, '{"total": 1}'))
    finally:
        functions.delete_function_concurrency(FunctionName=name)


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/integration-passthrough-behaviors.html",
    expected=[204, 204, 415],
    runs_functions=True,
)
def body_without_a_template_is_an_unsupported_media_type(cloud: Cloud) -> Any:
    """With the passthrough behaviour NEVER, a content type without a template is a 415; none means application/json."""
    gateway = cloud.client("apigateway")
    rest = gateway.create_rest_api(name=cloud.name("api"))
    method = {"restApiId": rest["id"], "resourceId": rest["rootResourceId"], "httpMethod": "OPTIONS"}
    gateway.put_method(**method, authorizationType="NONE")
    template = {"application/json": '{"statusCode": 204}'}
    gateway.put_integration(**method, type="MOCK", passthroughBehavior="NEVER", requestTemplates=template)
    gateway.put_method_response(**method, statusCode="204")
    gateway.put_integration_response(**method, statusCode="204")
    gateway.create_deployment(restApiId=rest["id"], stageName="v1")
    url = cloud.engine.endpoint.api_url(rest["id"], "v1") + "/"
    kinds: list[dict[str, str]] = [{}, {"content-type": "application/json"}, {"content-type": "text/csv"}]
    return [urllib3.request("OPTIONS", url, headers=headers, timeout=30.0).status for headers in kinds]
