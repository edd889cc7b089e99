"""Questions to Lambda."""

import json
from typing import Any

from tests.conformance.interaction import TIMEOUT_S, bucket, function, interaction, rejection, table
from tests.engine.cloud import Cloud, allow, eventually


@interaction(
    "lambda",
    source="/lambda/latest/dg/python-exceptions.html",
    expected={"status": 200, "error": "Unhandled", "type": "ValueError", "message": "no"},
    runs_functions=True,
)
def exception_is_a_function_error(cloud: Cloud) -> Any:
    """An exception of the handler is a response 200 with FunctionError, the exception's class and its message."""
    name = function(cloud, "def handler(event, context): raise ValueError('no')")
    response, body = cloud.invoke(name)
    error = {"type": body.get("errorType"), "message": body.get("errorMessage")}
    return {"status": response["StatusCode"], "error": response.get("FunctionError"), **error}


@interaction(
    "lambda",
    source="/lambda/latest/dg/configuration-concurrency.html",
    expected=["TooManyRequestsException", 429],
    runs_functions=True,
)
def function_without_concurrency_is_throttled(cloud: Cloud) -> Any:
    """A function whose reserved concurrency is zero is throttled."""
    name = function(cloud, "def handler(event, context): return 1")
    cloud.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    return rejection(lambda: cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}"))


@interaction(
    "lambda",
    source="/lambda/latest/dg/invocation-async-retain-records.html",
    expected={"body": {"work": 1}, "attributes": ["ErrorCode", "ErrorMessage", "RequestID"], "message": "no"},
    runs_functions=True,
)
def failed_event_is_a_dead_letter(cloud: Cloud) -> Any:
    """An event whose attempts have failed goes unchanged to the dead-letter queue, with the reason as attributes."""
    url, arn = cloud.queue()
    name = function(
        cloud,
        "def handler(event, context): raise ValueError('no')",
        allow("sqs:SendMessage"),
        DeadLetterConfig={"TargetArn": arn},
    )
    cloud.client("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"work": 1}')
    (message,) = cloud.receive(url, timeout_s=TIMEOUT_S)
    attributes = message["MessageAttributes"]
    return {
        "body": json.loads(message["Body"]),
        "attributes": sorted(attributes),
        "message": attributes["ErrorMessage"]["StringValue"],
    }


@interaction(
    "lambda",
    source="/lambda/latest/dg/services-dynamodb-errors.html",
    expected={"processed": ["a", "b", "c"], "discarded": {"records": 1, "because": "RetryAttemptsExhausted"}},
    runs_functions=True,
)
def failing_record_of_a_stream_is_discarded_alone(cloud: Cloud) -> Any:
    """A failed batch is halved until the failing record is alone; only this record becomes a dead letter."""
    dynamodb, (processed_url, _), (failed_url, failed_arn) = cloud.client("dynamodb"), cloud.queue(), cloud.queue()
    name = table(cloud, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    source = """
        import json, os
        import boto3
        def handler(event, context):
            ids = [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]
            if "poison" in ids:
                raise ValueError("no")
            boto3.client("sqs").send_message(QueueUrl=os.environ["PROCESSED"], MessageBody=json.dumps(ids))
    """
    variables = {"Variables": {"PROCESSED": processed_url}}
    reader = function(cloud, source, allow("dynamodb:*", "sqs:SendMessage"), Environment=variables)
    for identity in ("a", "poison", "b", "c"):
        dynamodb.put_item(TableName=name, Item={"id": {"S": identity}})
    mapping = cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"],
        FunctionName=reader,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": failed_arn}},
    )
    (dead_letter,) = cloud.receive(failed_url, timeout_s=TIMEOUT_S)
    processed: list[str] = []

    def all_others() -> Any:
        for message in cloud.client("sqs").receive_message(QueueUrl=processed_url).get("Messages", []):
            processed.extend(json.loads(message["Body"]))
        return len(processed) >= 3

    eventually(all_others, timeout_s=TIMEOUT_S, event="the processing of the other records")
    cloud.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
    report = json.loads(dead_letter["Body"])
    discarded = {"records": report["DDBStreamBatchInfo"]["batchSize"], "because": report["requestContext"]["condition"]}
    return {"processed": sorted(processed), "discarded": discarded}


@interaction(
    "lambda",
    source="/lambda/latest/dg/lambda-intro-execution-role.html",
    expected="AccessDenied",
    runs_functions=True,
)
def function_may_only_do_what_its_role_allows(cloud: Cloud) -> Any:
    """A call that the function's role does not allow is denied."""
    name = bucket(cloud)
    source = f"""
        import boto3
        from botocore.exceptions import ClientError
        def handler(event, context):
            try:
                boto3.client("s3").put_object(Bucket="{name}", Key="a", Body=b"1")
            except ClientError as error:
                return error.response["Error"]["Code"]
            return "allowed"
    """
    return cloud.invoke(function(cloud, source, allow("logs:*")))[1]
