"""A REST API in API Gateway: its own responses, its limits, and the events that functions receive."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from tests.engine.cloud import Cloud, eventually

HANDLER = """
    import json, time
    def handler(event, context):
        want = (event.get("queryStringParameters") or {}).get("want", "event")
        if want == "raise": raise RuntimeError("secret detail")
        if want == "text": return "not a response"
        if want == "slow": time.sleep(2)
        if want == "huge": return {"statusCode": 200, "body": "x" * (6 * 1024 * 1024 + 1)}
        return {"statusCode": 201, "headers": {"X-Own": "1"}, "body": json.dumps(event)}
"""
PREFLIGHT = """
#set($origin = $input.params().header.get("Origin"))
#set($context.responseOverride.header.Vary = "Origin")
#if($origin == "https://a.example" || $origin == "https://b.example")
#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
#set($context.responseOverride.header.Access-Control-Allow-Methods = "GET,OPTIONS,POST")
#end
"""
MODEL = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["lines"],
    "properties": {
        "lines": {"type": "array", "minItems": 1},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "amount": {"type": "number", "minimum": 0},
    },
}
LOGGED = {"id": "$context.requestId", "status": "$context.status", "at": "$context.resourcePath"}
CORS = {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}
PROBLEM = '{"type":"about:blank","status":%d,"detail":"$context.error.validationErrorString","id":"$context.requestId"}'


@dataclass
class Api:
    """A deployed API with a key, and a method to call it."""

    cloud: Cloud
    api_id: str
    function: str
    key: str
    key_id: str
    log_group: str

    def call(
        self, method: str, path: str, body: Any = None, *, key: bool = True, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        url = self.cloud.engine.endpoint.api_url(self.api_id, "v1") + path
        all_headers = {**({"x-api-key": self.key} if key else {}), **headers}
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        return urllib3.request(method, url, body=raw, headers=all_headers, retries=False, timeout=60)


@pytest.fixture(scope="module")
def api(cloud: Cloud, account: str) -> Iterator[Api]:
    gateway, function = cloud.client("apigateway"), cloud.function(HANDLER)
    alias = cloud.alias(function)
    api_id = gateway.create_rest_api(name=cloud.name("api"))["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    items = gateway.create_resource(restApiId=api_id, parentId=root, pathPart="items")["id"]
    model = gateway.create_model(
        restApiId=api_id, name="Create", contentType="application/json", schema=json.dumps(MODEL)
    )["name"]
    body_check = gateway.create_request_validator(restApiId=api_id, name="body", validateRequestBody=True)["id"]
    query_check = gateway.create_request_validator(restApiId=api_id, name="query", validateRequestParameters=True)["id"]
    methods: dict[str, dict[str, Any]] = {
        "POST": {"requestValidatorId": body_check, "requestModels": {"application/json": model}},
        "GET": {"requestValidatorId": query_check, "requestParameters": {"method.request.querystring.want": True}},
    }
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{alias}/invocations"
    proxy = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri}
    for method, settings in methods.items():
        method_key = {"restApiId": api_id, "resourceId": items, "httpMethod": method}
        gateway.put_method(**method_key, authorizationType="NONE", apiKeyRequired=True, **settings)
        gateway.put_integration(**method_key, **proxy)
    # Only this path has a short limit, because a cold start on a busy machine may take seconds.
    slow = gateway.create_resource(restApiId=api_id, parentId=root, pathPart="slow")["id"]
    slow_key = {"restApiId": api_id, "resourceId": slow, "httpMethod": "GET"}
    gateway.put_method(**slow_key, authorizationType="NONE", apiKeyRequired=True)
    gateway.put_integration(**slow_key, **proxy, timeoutInMillis=1500)
    cloud.permit(
        function, "apigateway.amazonaws.com", f"arn:aws:execute-api:us-east-1:{account}:{api_id}/*", qualifier="live"
    )
    where = {"restApiId": api_id, "resourceId": items, "httpMethod": "OPTIONS"}
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_integration(**where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 204}'})
    gateway.put_method_response(**where, statusCode="204")
    gateway.put_integration_response(**where, statusCode="204", responseTemplates={"application/json": PREFLIGHT})
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX", "BAD_REQUEST_BODY"):
        status = {"statusCode": "400"} if kind == "BAD_REQUEST_BODY" else {}
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            responseParameters=CORS,
            responseTemplates={"application/json": PROBLEM % (500 if kind.endswith("5XX") else 400)},
            **status,
        )
    deployment = gateway.create_deployment(restApiId=api_id)["id"]
    gateway.create_stage(restApiId=api_id, stageName="v1", deploymentId=deployment)
    log_group = cloud.name("/access")
    cloud.client("logs").create_log_group(logGroupName=log_group)
    log_settings = {
        "/accessLogSettings/destinationArn": f"arn:aws:logs:us-east-1:{account}:log-group:{log_group}",
        "/accessLogSettings/format": json.dumps(LOGGED),
    }
    operations = [{"op": "replace", "path": path, "value": value} for path, value in log_settings.items()]
    gateway.update_stage(restApiId=api_id, stageName="v1", patchOperations=operations)
    key = gateway.create_api_key(name=cloud.name("key"), enabled=True, value="")
    plan = gateway.create_usage_plan(
        name=cloud.name("plan"),
        apiStages=[{"apiId": api_id, "stage": "v1"}],
        throttle={"rateLimit": 50, "burstLimit": 100},
        quota={"limit": 10_000, "period": "DAY"},
    )
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    yield Api(cloud, api_id, function, key["value"], key["id"], log_group)
    gateway.delete_rest_api(restApiId=api_id)


def test_the_function_receives_a_rest_proxy_event(api: Api) -> None:
    headers: dict[str, Any] = {"Content-Type": "application/json"}
    response = api.call("GET", "/items?want=event&a=1&a=2", **headers)
    event = response.json()

    assert response.status == 201
    assert response.headers["X-Own"] == "1"
    assert "version" not in event
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/items", "/items", "GET")
    assert event["headers"]["Content-Type"] == "application/json"
    assert event["multiValueQueryStringParameters"] == {"want": ["event"], "a": ["1", "2"]}

    context = event["requestContext"]

    assert (context["stage"], context["apiId"], context["path"]) == ("v1", api.api_id, "/v1/items")
    assert context["identity"]["apiKeyId"] == api.key_id
    assert context["requestId"] == response.headers["x-amzn-RequestId"]
    assert context["domainName"].startswith(f"{api.api_id}.execute-api.")


def test_the_gateway_adds_no_cors_headers_to_a_functions_response(api: Api) -> None:
    response = api.call("GET", "/items?want=event", Origin="https://evil.example")
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/items?want=raise", 502), ("/items?want=text", 502), ("/items?want=huge", 502), ("/slow?want=slow", 504)],
)
def test_a_failing_integration_is_a_gateway_error(api: Api, path: str, status: int) -> None:
    response = api.call("GET", path)

    assert response.status == status
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json()["type"] == "about:blank"
    assert b"secret detail" not in response.data


def test_a_body_over_10_mb_is_413(api: Api) -> None:
    body = b'{"lines":["' + b"x" * (10 * 1024 * 1024) + b'"]}'
    response = api.call("POST", "/items", body)

    assert response.status == 413
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_body_over_10_mb_is_413_even_if_it_is_invalid(api: Api) -> None:
    assert api.call("POST", "/items", b'{"nothing":"' + b"x" * (10 * 1024 * 1024) + b'"}').status == 413


def test_a_message_repeats_only_the_start_of_a_long_value(api: Api) -> None:
    response = api.call("POST", "/items", {"lines": [1], "currency": "x" * 100_000})

    assert response.status == 400
    assert len(response.data) < 2000


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, '[object has missing required properties (["lines"])]'),
        ({"lines": []}, "[array is too short: must have at least 1 elements but instance has 0 elements]"),
        (
            {"lines": "x"},
            '[instance type (string) does not match any allowed primitive type (allowed: ["array"])]',
        ),
        ({"lines": [1], "amount": -1}, "[numeric instance is lower than the required minimum (minimum: 0, found: -1)]"),
        (
            {"lines": [1], "currency": "eur"},
            '[ECMA 262 regex "^[A-Z]{3}$" does not match input string "eur"]',
        ),
        (b"no json", "[Unable to parse the request body as JSON]"),
        (b"[" * 100_000, "[Unable to parse the request body as JSON]"),
    ],
)
def test_an_invalid_body_is_400_with_its_violations(api: Api, body: Any, detail: str) -> None:
    response = api.call("POST", "/items", body)

    assert response.status == 400
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json()["detail"] == detail
    assert response.json()["id"] == response.headers["x-amzn-RequestId"]


def test_a_valid_body_is_accepted(api: Api) -> None:
    assert api.call("POST", "/items", {"lines": [1], "currency": "EUR", "amount": 0}).status == 201


@pytest.mark.parametrize("query", ["", "?want=", "?other=1"])
def test_a_missing_or_blank_parameter_is_400(api: Api, query: str) -> None:
    assert api.call("GET", f"/items{query}").status == 400


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "x" * 30}])
def test_without_a_valid_key_it_is_403(api: Api, headers: dict[str, str]) -> None:
    response = api.call("GET", "/items?want=event", key=False, **headers)

    assert response.status == 403
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_disabled_key_is_403(api: Api) -> None:
    gateway = api.cloud.client("apigateway")
    for enabled, status in (("false", 403), ("true", 201)):
        operations = [{"op": "replace", "path": "/enabled", "value": enabled}]
        assert gateway.update_api_key(apiKey=api.key_id, patchOperations=operations)["enabled"] is (enabled == "true")
        assert api.call("GET", "/items?want=event").status == status


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("DELETE", "/items")])
def test_an_unknown_route_is_403_missing_token(api: Api, method: str, path: str) -> None:
    response = api.call(method, path)

    assert response.status == 403
    assert response.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("origin", ["https://a.example", "https://b.example"])
def test_a_preflight_allows_known_origins(api: Api, origin: str) -> None:
    response = api.call("OPTIONS", "/items", key=False, Origin=origin, **{"Access-Control-Request-Method": "POST"})

    assert (response.status, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Access-Control-Allow-Methods"] == "GET,OPTIONS,POST"
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}])
def test_a_preflight_allows_nothing_to_other_origins(api: Api, headers: dict[str, str]) -> None:
    response = api.call("OPTIONS", "/items", key=False, **headers)

    assert response.status == 204
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


def test_every_request_is_logged_and_counted(api: Api) -> None:
    request_id = api.call("GET", "/items?want=event").headers["x-amzn-RequestId"]
    logs = api.cloud.client("logs").filter_log_events(logGroupName=api.log_group)["events"]

    assert {"id": request_id, "status": "201", "at": "/items"} in [json.loads(event["message"]) for event in logs]

    metrics = api.cloud.client("cloudwatch").list_metrics(Namespace="AWS/ApiGateway")["Metrics"]
    names = {metric["MetricName"] for metric in metrics}

    assert {"Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"} <= names


def test_an_api_that_the_function_does_not_permit_is_500(api: Api) -> None:
    lambdas = api.cloud.client("lambda")
    policy = json.loads(lambdas.get_policy(FunctionName=api.function, Qualifier="live")["Policy"])
    [statement] = policy["Statement"]
    lambdas.remove_permission(FunctionName=api.function, Qualifier="live", StatementId=statement["Sid"])
    try:
        assert api.call("GET", "/items?want=event").status == 500
    finally:
        source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        api.cloud.permit(api.function, "apigateway.amazonaws.com", source, qualifier="live")

    assert api.call("GET", "/items?want=event").status == 201


def test_usage_plans_limit_the_rate(api: Api) -> None:
    gateway = api.cloud.client("apigateway")
    key = gateway.create_api_key(name=api.cloud.name("key"), enabled=True)
    plan = gateway.create_usage_plan(
        name=api.cloud.name("plan"),
        apiStages=[{"apiId": api.api_id, "stage": "v1"}],
        throttle={"rateLimit": 0.001, "burstLimit": 1},
    )
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    statuses = [api.call("GET", "/items?want=event", key=False, **{"x-api-key": key["value"]}).status for _ in range(2)]

    assert statuses == [201, 429]


def test_a_throttled_function_is_500(api: Api) -> None:
    lambdas = api.cloud.client("lambda")
    lambdas.put_function_concurrency(FunctionName=api.function, ReservedConcurrentExecutions=0)
    try:
        assert api.call("GET", "/items?want=event").status == 500
    finally:
        lambdas.delete_function_concurrency(FunctionName=api.function)

    assert eventually(lambda: api.call("GET", "/items?want=event").status == 201)


def test_limits_of_a_method_apply_and_are_returned_under_its_encoded_path(api: Api) -> None:
    gateway = api.cloud.client("apigateway")
    stage = {"restApiId": api.api_id, "stageName": "v1"}
    limits = {"/~1items/GET/throttling/rateLimit": "0", "/~1items/GET/throttling/burstLimit": "0"}
    operations = [{"op": "replace", "path": path, "value": value} for path, value in limits.items()]
    gateway.update_stage(**stage, patchOperations=operations)
    settings = gateway.get_stage(**stage)["methodSettings"]

    assert list(settings) == ["~1items/GET"]
    assert (settings["~1items/GET"]["throttlingRateLimit"], settings["~1items/GET"]["throttlingBurstLimit"]) == (0, 0)
    assert api.call("GET", "/items?want=event").status == 429
    assert api.call("POST", "/items", {"lines": [1]}).status == 201

    gateway.update_stage(**stage, patchOperations=[{"op": "remove", "path": "/~1items/GET"}])

    assert gateway.get_stage(**stage)["methodSettings"] == {}
    assert api.call("GET", "/items?want=event").status == 201
