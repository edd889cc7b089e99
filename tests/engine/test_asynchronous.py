"""Asynchronous invocations by callers and by S3: retries, destinations, dead letters."""

import json
import urllib.parse
from typing import Any

import pytest

from tests.engine.cloud import Cloud, allow, eventually, zipped

FAILING = "def handler(event, context): raise RuntimeError('no')"
ECHO = """
    import boto3, json, os
    def handler(event, context):
        message = json.dumps({"event": event, "arn": context.invoked_function_arn})
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=message)
        return {"done": True}
"""


def call(cloud: Cloud, function: str, event: Any) -> None:
    payload = json.dumps(event).encode()
    cloud.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload)


def test_a_failed_event_goes_unchanged_to_the_dead_letter_queue(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    function = cloud.function(FAILING, allow("sqs:SendMessage", on=arn), DeadLetterConfig={"TargetArn": arn})
    cloud.client("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=1)
    call(cloud, function, {"n": 1})
    [message] = cloud.receive(url)

    assert json.loads(message["Body"]) == {"n": 1}

    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}

    assert attributes["ErrorMessage"] == "no"
    assert attributes["ErrorCode"] == "200"
    assert attributes["RequestID"]
    assert sum(line.startswith("START") for line in cloud.log_lines(function)) == 2


def test_without_permission_no_dead_letter_is_sent(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    settings: dict[str, Any] = {"DeadLetterConfig": {"TargetArn": arn}}
    denied = cloud.function(FAILING, **settings)
    permitted = cloud.function(FAILING, allow("sqs:SendMessage", on=arn), **settings)
    for function in (denied, permitted):
        cloud.client("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    call(cloud, denied, "denied")
    eventually(lambda: any(line.startswith("REPORT") for line in cloud.log_lines(denied)))
    call(cloud, permitted, "permitted")

    assert [json.loads(message["Body"]) for message in cloud.receive(url)] == ["permitted"]


@pytest.mark.parametrize(
    ("source", "outcome", "condition"),
    [(FAILING, "OnFailure", "RetriesExhausted"), ("def handler(event, context): return 7", "OnSuccess", "Success")],
)
def test_the_settings_of_the_alias_determine_the_destination(
    cloud: Cloud, source: str, outcome: str, condition: str
) -> None:
    url, arn = cloud.queue()
    function = cloud.function(source, allow("sqs:SendMessage", on=arn))
    alias = cloud.alias(function)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={outcome: {"Destination": arn}},
    )
    call(cloud, alias, {"n": 1})
    [message] = cloud.receive(url)
    record = json.loads(message["Body"])

    assert record["requestContext"]["condition"] == condition
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestContext"]["functionArn"] == alias
    assert record["requestPayload"] == {"n": 1}
    assert ("functionError" in record["responseContext"]) == (outcome == "OnFailure")


def test_s3_calls_an_alias_with_encoded_keys(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    function = cloud.function(ECHO, allow("sqs:SendMessage", on=arn), Environment={"Variables": {"QUEUE": url}})
    alias = cloud.alias(function)
    bucket, key = cloud.name("bucket"), "incoming/März 2026+a.csv"
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.permit(function, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}", qualifier="live")
    rules = [{"Name": "prefix", "Value": "incoming/"}, {"Name": "suffix", "Value": ".csv"}]
    on_csv = {"LambdaFunctionArn": alias, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    cloud.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [on_csv]}
    )
    cloud.client("s3").put_object(Bucket=bucket, Key="incoming/other.txt", Body=b"")
    cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=b"content")
    [message] = cloud.receive(url)
    body = json.loads(message["Body"])
    [record] = body["event"]["Records"]

    assert body["arn"] == alias
    assert record["s3"]["object"]["key"] == urllib.parse.quote_plus(key, safe="/")
    assert record["s3"]["object"]["size"] == 7


def test_throttled_events_wait(cloud: Cloud) -> None:
    # GIVEN a function with a concurrency of one and no retries
    succeeded, succeeded_arn = cloud.queue()
    failed, failed_arn = cloud.queue()
    function = cloud.function(
        "import time\ndef handler(event, context):\n    time.sleep(0.05)\n    return event",
        allow("sqs:SendMessage"),
        DeadLetterConfig={"TargetArn": failed_arn},
    )
    cloud.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": succeeded_arn}},
    )

    # WHEN twenty events arrive at once
    for n in range(20):
        call(cloud, function, n)

    # THEN each is handled once
    handled = [json.loads(message["Body"])["requestPayload"] for message in cloud.receive(succeeded, 20)]

    assert sorted(handled) == list(range(20))
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=failed)


def test_a_retry_through_an_alias_goes_to_the_version_that_the_alias_has_then(cloud: Cloud) -> None:
    """GIVEN an alias on a version that fails WHEN the alias moves before the retry THEN the other version gets it."""
    url, arn = cloud.queue()
    lambdas = cloud.client("lambda")
    function = cloud.function(FAILING, allow("sqs:SendMessage", on=arn), Environment={"Variables": {"QUEUE": url}})
    lambdas.publish_version(FunctionName=function)
    lambdas.update_function_code(FunctionName=function, ZipFile=zipped(ECHO))
    lambdas.publish_version(FunctionName=function)
    lambdas.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    lambdas.invoke(FunctionName=function, Qualifier="live", InvocationType="Event", Payload=b'"n"')
    eventually(lambda: any("no" in line for line in cloud.log_lines(function)))

    lambdas.update_alias(FunctionName=function, Name="live", FunctionVersion="2")

    [message] = cloud.receive(url)
    assert json.loads(message["Body"])["event"] == "n"
