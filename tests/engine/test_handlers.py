"""The environment of handlers, their permissions, and their logs and metrics."""

import json
from datetime import datetime

import pytest

from tests.engine.cloud import Cloud, allow, eventually

ENVIRONMENT = "import os\ndef handler(event, context): return dict(os.environ)"


def test_a_call_without_permission_is_denied(cloud: Cloud) -> None:
    source = """
        import boto3
        def handler(event, context):
            boto3.client("dynamodb").put_item(TableName=event["table"], Item={"id": {"S": "1"}})
    """
    name = cloud.table()
    response, body = cloud.invoke(cloud.function(source, allow("dynamodb:GetItem")), {"table": name})

    assert response["FunctionError"] == "Unhandled"
    assert "AccessDenied" in body["errorMessage"]
    assert "dynamodb:PutItem" in body["errorMessage"]

    response, _ = cloud.invoke(cloud.function(source, allow("dynamodb:PutItem")), {"table": name})

    assert "FunctionError" not in response


@pytest.mark.parametrize(
    ("actions", "allowed"),
    [
        (["dynamodb:PutItem", "dynamodb:UpdateItem"], True),
        (["dynamodb:PutItem"], False),
        (["dynamodb:TransactWriteItems"], False),  # not an IAM action at all
    ],
)
def test_a_transaction_needs_the_actions_in_it(cloud: Cloud, actions: list[str], *, allowed: bool) -> None:
    source = """
        import boto3
        def handler(event, context):
            key = {"id": {"S": "2"}}
            boto3.client("dynamodb").transact_write_items(TransactItems=[
                {"Put": {"TableName": event["table"], "Item": {"id": {"S": "1"}}}},
                {"Update": {"TableName": event["table"], "Key": key, "UpdateExpression": "SET a = :a",
                            "ExpressionAttributeValues": {":a": {"N": "1"}}}},
            ])
    """
    name = cloud.table()
    response, _ = cloud.invoke(cloud.function(source, allow(*actions)), {"table": name})

    assert ("FunctionError" not in response) == allowed
    assert cloud.client("dynamodb").scan(TableName=name)["Count"] == (2 if allowed else 0)


def test_the_environment_has_only_variables_of_lambda_and_the_function(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    _, environment = cloud.invoke(cloud.function(ENVIRONMENT, Environment={"Variables": {"OWN": "1"}}, MemorySize=512))

    assert environment["OWN"] == "1"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert environment["AWS_ENDPOINT_URL"] == cloud.engine.endpoint.url
    assert environment["TZ"] == ":UTC"

    server_variables = {
        "PYTHONPATH",
        "STATE_DIR",
        "AUTH",
        "LAMBDA_PYTHON",
        "PERSIST_STATE",
        "AWS_PROFILE",
        "VIRTUAL_ENV",
    }

    assert not server_variables & environment.keys()
    assert str(cloud.engine.folder) in environment["HOME"]


def test_a_dependency_missing_in_the_zip_is_noticed(cloud: Cloud) -> None:
    response, body = cloud.invoke(cloud.function("import hypercorn\ndef handler(event, context): return 1"))

    assert response["FunctionError"] == "Unhandled"
    assert "No module named 'hypercorn'" in body["errorMessage"]

    _, version = cloud.invoke(cloud.function("import boto3\ndef handler(event, context): return boto3.__version__"))

    assert version.startswith("1.")


def test_an_exception_is_reported_with_class_and_stack(cloud: Cloud) -> None:
    _, body = cloud.invoke(cloud.function("def handler(event, context): raise KeyError('x')"))

    assert body["errorType"] == "KeyError"
    assert body["errorMessage"] == "'x'"
    assert "app.py" in body["stackTrace"][0]


def test_an_exception_does_not_end_the_environment(cloud: Cloud) -> None:
    source = """
        calls = 0
        def handler(event, context):
            global calls
            calls += 1
            if event.get("fail"):
                raise ValueError
            return calls
    """
    function = cloud.function(source)
    cloud.invoke(function)

    assert cloud.invoke(function, {"fail": True})[0]["FunctionError"] == "Unhandled"
    assert cloud.invoke(function)[1] == 3


def test_an_alias_keeps_its_versions_environment(cloud: Cloud) -> None:
    function = cloud.function(ENVIRONMENT, Environment={"Variables": {"STEP": "published"}})
    cloud.alias(function)
    cloud.client("lambda").update_function_configuration(
        FunctionName=function, Environment={"Variables": {"STEP": "latest"}}
    )

    assert cloud.invoke(f"{function}:live")[1]["STEP"] == "published"
    assert cloud.invoke(function)[1]["STEP"] == "latest"


def test_a_handler_receives_the_alias_of_its_call(cloud: Cloud) -> None:
    function = cloud.function("def handler(event, context): return context.invoked_function_arn")
    arn = cloud.alias(function)

    assert cloud.invoke(f"{function}:live")[1] == arn


def test_alias_weights_shift_traffic(cloud: Cloud) -> None:
    function = cloud.function(
        "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_FUNCTION_VERSION']"
    )
    cloud.alias(function)
    lambdas = cloud.client("lambda")
    lambdas.update_function_configuration(FunctionName=function, Description="second")
    second = lambdas.publish_version(FunctionName=function)["Version"]
    for weight, expected in ((0.0, {"1"}), (1.0, {second}), (0.5, {"1", second})):
        weights = {"AdditionalVersionWeights": {second: weight}}
        lambdas.update_alias(FunctionName=function, Name="live", RoutingConfig=weights)
        assert {cloud.invoke(f"{function}:live")[1] for _ in range(30)} == expected


def test_reserved_concurrency_holds_for_aliases(cloud: Cloud) -> None:
    function = cloud.function("def handler(event, context): return 1")
    cloud.alias(function)
    cloud.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)

    with pytest.raises(cloud.client("lambda").exceptions.TooManyRequestsException):
        cloud.invoke(f"{function}:live")


def test_the_log_has_the_time_at_which_an_invocation_began(cloud: Cloud) -> None:
    source = """
        import time
        def handler(event, context):
            time.sleep(0.5)
    """
    function = cloud.function(source, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "INFO"})
    cloud.invoke(function)
    start, report = (datetime.fromisoformat(json.loads(line)["time"]) for line in cloud.log_lines(function))

    assert (report - start).total_seconds() >= 0.5


def test_json_logs_are_one_object_per_event(cloud: Cloud) -> None:
    source = """
        import json
        def handler(event, context):
            print("plain words")
            print(json.dumps({"level": "INFO", "message": "own object"}))
            if event.get("fail"):
                raise ValueError("broken")
    """
    function = cloud.function(source, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "INFO"})
    cloud.invoke(function)
    cloud.invoke(function, {"fail": True})
    events = [json.loads(line) for line in cloud.log_lines(function)]

    assert [event["type"] for event in events if "type" in event] == ["platform.start", "platform.report"] * 2
    assert [event["record"]["status"] for event in events if event.get("type") == "platform.report"] == [
        "success",
        "error",
    ]

    messages = [(event["level"], event["message"]) for event in events if "message" in event]
    both = [("INFO", "plain words"), ("INFO", "own object")]

    assert messages == [*both, *both, ("ERROR", "broken")]
    assert [event["errorType"] for event in events if "errorType" in event] == ["ValueError"]


def test_logs_are_complete_and_belong_to_their_invocation(cloud: Cloud) -> None:
    function = cloud.function("def handler(event, context):\n for i in range(200): print(event['n'], i)")
    for n in range(5):
        response, _ = cloud.invoke(function, {"n": n}, LogType="Tail")
        assert response["StatusCode"] == 200
    lines = [line for line in cloud.log_lines(function) if line[0].isdigit()]

    assert lines == [f"{n} {i}" for n in range(5) for i in range(200)]


def test_embedded_metrics_are_recorded(cloud: Cloud) -> None:
    namespace = cloud.name("Namespace")
    source = f"""
        import json
        def handler(event, context):
            print(json.dumps({{"_aws": {{"Timestamp": 1, "CloudWatchMetrics": [{{"Namespace": "{namespace}",
                "Dimensions": [["service"]], "Metrics": [{{"Name": "Created", "Unit": "Count"}}]}}]}},
                "service": "s", "Created": 3}}))
    """
    cloud.invoke(cloud.function(source))
    metrics = cloud.client("cloudwatch").list_metrics(Namespace=namespace)["Metrics"]

    assert [(m["MetricName"], m["Dimensions"]) for m in metrics] == [("Created", [{"Name": "service", "Value": "s"}])]


def test_log_events_have_stable_identities(cloud: Cloud) -> None:
    name = cloud.function("def handler(event, context): print('same'); print('same')")
    cloud.invoke(name)
    logs = cloud.client("logs")

    def identities() -> list[str] | None:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        same = [event["eventId"] for event in events if "same" in event["message"]]
        return same if len(same) == 2 else None

    first = eventually(identities, event="the arrival of both lines")
    cloud.invoke(name)
    later = [event["eventId"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]

    assert len(set(later)) == len(later)
    assert set(first) <= set(later)
