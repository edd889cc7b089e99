"""What this platform relies on of AWS, as questions with the answers that AWS's documents promise.

Each interaction asks an engine through boto3 or HTTP and returns what a client can tell from the answer, as JSON,
without names that are made up. `expected` is AWS's answer; `source` is the document that promises it.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import urllib3
from botocore.exceptions import ClientError

from tests.engine.cloud import Cloud, allow, eventually

Ask = Callable[[Cloud], Any]
DOCS = "https://docs.aws.amazon.com"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Interaction:
    """One question to an engine.

    Attributes:
        feature: What of AWS it shows, in dashed words; ``localstack/differences.yaml`` uses the same.
        service: As boto3 spells it.
        aws: What AWS does, in a sentence.
        source: The document that says so.
        expected: The answer that follows from it.
        ask: Asks an engine.
        runs_functions: Whether it needs functions or a deployed API to run, which moto cannot without Docker.
    """

    feature: str
    service: str
    aws: str
    source: str
    expected: Any
    ask: Ask
    runs_functions: bool


INTERACTIONS: list[Interaction] = []


def interaction(service: str, *, source: str, expected: Any, runs_functions: bool = False) -> Callable[[Ask], Ask]:
    """Register the decorated function; its name is the feature, its docstring what AWS does."""

    def register(ask: Ask) -> Ask:
        feature = ask.__name__.replace("_", "-")
        about = " ".join((ask.__doc__ or "").split())
        INTERACTIONS.append(Interaction(feature, service, about, DOCS + source, expected, ask, runs_functions))
        return ask

    return register


def refusal(call: Callable[[], Any]) -> Any:
    """The code and status with which a call is refused; what it answers if it is not."""
    try:
        answer = call()
    except ClientError as refused:
        return [refused.response["Error"]["Code"], refused.response["ResponseMetadata"]["HTTPStatusCode"]]
    return {"not refused": sorted(answer)}


# --- DynamoDB -----------------------------------------------------------------------------------------------------


def table(cloud: Cloud, **more: Any) -> str:
    name = cloud.name("table")
    key = [{"AttributeName": "id", "AttributeType": "S"}]
    cloud.client("dynamodb").create_table(
        **{
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": key,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            **more,
        }
    )
    return name


def sorted_table(cloud: Cloud) -> str:
    return table(
        cloud,
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
    )


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/APIReference/API_PutItem.html",
    expected={"code": "ConditionalCheckFailedException", "status": 400, "item": {"id": {"S": "1"}, "n": {"N": "1"}}},
)
def conditional_put_tells_the_item_in_the_way(cloud: Cloud) -> Any:
    """A put whose condition fails is refused, with the item as it was if that was asked for."""
    dynamodb, name = cloud.client("dynamodb"), table(cloud)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "n": {"N": "1"}})
    try:
        dynamodb.put_item(
            TableName=name,
            Item={"id": {"S": "1"}, "n": {"N": "2"}},
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as refused:
        answer: Any = refused.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return {"code": answer["Error"]["Code"], "status": status, "item": answer.get("Item")}
    return "not refused"


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/APIReference/API_TransactWriteItems.html",
    expected={"codes": ["None", "ConditionalCheckFailed"], "written": False},
)
def cancelled_transaction_tells_each_reason(cloud: Cloud) -> Any:
    """A transaction of which one condition fails writes nothing, and tells a reason for each item in order."""
    dynamodb, name = cloud.client("dynamodb"), table(cloud)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "2"}})
    puts = [
        {"Put": {"TableName": name, "Item": {"id": {"S": one}}, "ConditionExpression": "attribute_not_exists(id)"}}
        for one in ("1", "2")
    ]
    try:
        dynamodb.transact_write_items(TransactItems=puts)
    except ClientError as refused:
        reasons: Any = refused.response
        written = "Item" in dynamodb.get_item(TableName=name, Key={"id": {"S": "1"}})
        return {"codes": [reason["Code"] for reason in reasons["CancellationReasons"]], "written": written}
    return "not refused"


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/APIReference/API_TransactWriteItems.html",
    expected=["IdempotentParameterMismatchException", 400],
)
def transaction_token_is_bound_to_its_content(cloud: Cloud) -> Any:
    """A transaction's client token used again with other content is refused."""
    dynamodb, name, token = cloud.client("dynamodb"), table(cloud), cloud.name("token")

    def write(text: str) -> Any:
        put = {"Put": {"TableName": name, "Item": {"id": {"S": text}}}}
        return dynamodb.transact_write_items(TransactItems=[put], ClientRequestToken=token)

    write("1")
    return refusal(lambda: write("2"))


@interaction(
    "dynamodb", source="/amazondynamodb/latest/developerguide/Constraints.html", expected=["ValidationException", 400]
)
def item_over_400_kb_is_refused(cloud: Cloud) -> Any:
    """An item of more than 400 KB is refused."""
    name = table(cloud)
    item = {"id": {"S": "1"}, "text": {"S": "x" * (400 * 1024)}}
    return refusal(lambda: cloud.client("dynamodb").put_item(TableName=name, Item=item))


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/developerguide/Query.Pagination.html",
    expected=[[[3, 2], True], [[1, 0], True], [[], False]],
)
def page_that_ends_with_the_last_item_has_a_key(cloud: Cloud) -> Any:
    """A page that is full has a LastEvaluatedKey even if nothing follows: only its absence means the end."""
    dynamodb, name = cloud.client("dynamodb"), sorted_table(cloud)
    for at in range(4):
        dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "at": {"N": str(at)}})
    pages: list[Any] = []
    start: dict[str, Any] = {}
    while len(pages) < 5:
        page = dynamodb.query(
            TableName=name,
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": "1"}},
            ScanIndexForward=False,
            Limit=2,
            **start,
        )
        pages.append([[int(item["at"]["N"]) for item in page["Items"]], "LastEvaluatedKey" in page])
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    return pages


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/developerguide/Streams.html",
    expected=[["INSERT", None, "1"], ["MODIFY", "1", "2"], ["REMOVE", "2", None]],
)
def stream_tells_each_change_once_with_both_images(cloud: Cloud) -> Any:
    """A stream NEW_AND_OLD_IMAGES has one record for each change; a put that changes nothing has none."""
    dynamodb, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
    name = table(cloud, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    for value in ("1", "1", "2"):
        dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "n": {"N": value}})
    dynamodb.delete_item(TableName=name, Key={"id": {"S": "1"}})
    stream = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    where = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(**where)["ShardIterator"]
    records = eventually(lambda: streams.get_records(ShardIterator=iterator)["Records"] or None)

    def number(record: Any, image: str) -> Any:
        return record["dynamodb"].get(image, {}).get("n", {}).get("N")

    return [[one["eventName"], number(one, "OldImage"), number(one, "NewImage")] for one in records]


# --- S3 -----------------------------------------------------------------------------------------------------------


def bucket(cloud: Cloud) -> str:
    name = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


@interaction("s3", source="/AmazonS3/latest/userguide/conditional-writes.html", expected=["PreconditionFailed", 412])
def object_is_not_written_over_if_none_match(cloud: Cloud) -> Any:
    """A put with If-None-Match: * is refused if the key has an object."""
    s3, name = cloud.client("s3"), bucket(cloud)
    s3.put_object(Bucket=name, Key="a", Body=b"1")
    return refusal(lambda: s3.put_object(Bucket=name, Key="a", Body=b"2", IfNoneMatch="*"))


@interaction(
    "s3",
    source="/AmazonS3/latest/userguide/conditional-deletes.html",
    expected=[["PreconditionFailed", 412], {"deleted": 204}, ["NoSuchKey", 404]],
)
def object_is_deleted_only_while_it_is_the_one_that_was_read(cloud: Cloud) -> Any:
    """A delete with If-Match is refused for an object that was written again, done for the same one, 404 for none."""
    s3, name = cloud.client("s3"), bucket(cloud)
    read = s3.put_object(Bucket=name, Key="a", Body=b"1")["ETag"]
    now = s3.put_object(Bucket=name, Key="a", Body=b"2")["ETag"]

    def delete(etag: str) -> Any:
        answer = s3.delete_object(Bucket=name, Key="a", IfMatch=etag)
        return {"deleted": answer["ResponseMetadata"]["HTTPStatusCode"]}

    def told(etag: str) -> Any:
        try:
            return delete(etag)
        except ClientError as refused:
            return [refused.response["Error"]["Code"], refused.response["ResponseMetadata"]["HTTPStatusCode"]]

    return [told(read), told(now), told(now)]


@interaction("s3", source="/AmazonS3/latest/API/API_GetObject.html", expected=["NoSuchKey", 404])
def missing_object_has_its_own_code(cloud: Cloud) -> Any:
    """A get of a key that has no object is a 404 NoSuchKey for who may list the bucket."""
    name = bucket(cloud)
    return refusal(lambda: cloud.client("s3").get_object(Bucket=name, Key="none"))


@interaction(
    "s3",
    source="/AmazonS3/latest/userguide/notification-content-structure.html",
    expected={
        "source": "aws:s3",
        "name": "ObjectCreated:Put",
        "key": "incoming/a+b+%C3%BC.csv",
        "size": 3,
        "version": True,
    },
)
def notification_encodes_the_key_and_names_the_version(cloud: Cloud) -> Any:
    """A notification's key is URL-encoded with + for a space, and it names the version of a versioned object."""
    s3, name = cloud.client("s3"), bucket(cloud)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    url, arn = cloud.queue()
    rule = {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".csv"}]}}
    to_queue = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": rule}
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": [to_queue]}, SkipDestinationValidation=True
    )
    s3.put_object(Bucket=name, Key="incoming/a b ü.csv", Body=b"csv")

    def told() -> Any:
        for message in cloud.client("sqs").receive_message(QueueUrl=url).get("Messages", []):
            for record in json.loads(message["Body"]).get("Records", []):
                return record
        return None

    record = eventually(told, timeout_s=PATIENCE_S, what="the notification")
    item = record["s3"]["object"]
    return {
        "source": record["eventSource"],
        "name": record["eventName"],
        "key": item["key"],
        "size": item["size"],
        "version": bool(item.get("versionId")),
    }


# --- EventBridge and SQS ------------------------------------------------------------------------------------------


@interaction(
    "events",
    source="/eventbridge/latest/userguide/eb-create-pattern-operators.html",
    expected=[True, False, False],
)
def pattern_matches_anything_but(cloud: Cloud) -> Any:
    """A pattern's anything-but excludes what it lists, and every other field has to match too."""
    pattern = {"source": [{"anything-but": ["invoice.platform"]}], "detail-type": ["invoice-paid"]}
    matches = []
    for source, kind in (("payments", "invoice-paid"), ("invoice.platform", "invoice-paid"), ("payments", "other")):
        event = {
            "id": "1", "account": "1", "region": "us-east-1", "time": "2026-11-02T00:00:00Z", "resources": [],
            "source": source, "detail-type": kind, "detail": {},
        }  # fmt: skip
        answer = cloud.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))
        matches.append(answer["Result"])
    return matches


@interaction(
    "events",
    source="/eventbridge/latest/userguide/eb-targets.html",
    expected={"source": "invoice.platform", "detail-type": "invoice-processed", "detail": {"invoiceId": "1"}},
)
def event_reaches_the_target_of_its_rule(cloud: Cloud) -> Any:
    """An event on a bus of its own reaches the queue that is the target of the rule that it matches."""
    events, bus, rule = cloud.client("events"), cloud.name("bus"), cloud.name("rule")
    url, arn = cloud.queue()
    events.create_event_bus(Name=bus)
    pattern = {"source": ["invoice.platform"], "detail-type": ["invoice-processed"]}
    events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}])
    for kind in ("other", "invoice-processed"):
        detail = json.dumps({"invoiceId": "1"})
        entry = {"Source": "invoice.platform", "DetailType": kind, "Detail": detail, "EventBusName": bus}
        events.put_events(Entries=[entry])
    (message,) = cloud.receive(url, timeout_s=PATIENCE_S)
    body = json.loads(message["Body"])
    return {name: body[name] for name in ("source", "detail-type", "detail")}


@interaction(
    "events",
    source="/eventbridge/latest/userguide/eb-putevents.html",
    expected=["ValidationException", 400],
)
def events_over_the_size_limit_are_refused(cloud: Cloud) -> Any:
    """PutEvents refuses entries that are larger together than its limit; these are larger than any limit it had."""
    detail = json.dumps({"text": "x" * (1024 * 1024 + 1)})
    entry = {"Source": "test", "DetailType": "test", "Detail": detail}
    return refusal(lambda: cloud.client("events").put_events(Entries=[entry]))


@interaction(
    "sqs",
    source="/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    expected=["work", {"left": 0}],
)
def message_received_too_often_moves_to_the_dead_letters(cloud: Cloud) -> Any:
    """A message that was received maxReceiveCount times without being deleted moves to the dead-letter queue."""
    sqs = cloud.client("sqs")
    dead_url, dead_arn = cloud.queue()
    url, _ = cloud.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=url, MessageBody="work")

    def moved() -> Any:
        sqs.receive_message(QueueUrl=url)
        return sqs.receive_message(QueueUrl=dead_url).get("Messages")

    (message,) = eventually(moved, timeout_s=PATIENCE_S, what="the dead letter")
    return [message["Body"], {"left": len(sqs.receive_message(QueueUrl=url).get("Messages", []))}]


def function(cloud: Cloud, source: str, *allowed: dict[str, Any], **settings: Any) -> str:
    """A function that is ready: on AWS too it is pending at first, and refuses calls."""
    name = cloud.function(source, *allowed, **settings)
    waiter = cloud.client("lambda").get_waiter("function_active_v2")
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return name


# --- Lambda -------------------------------------------------------------------------------------------------------


@interaction(
    "lambda",
    source="/lambda/latest/dg/python-exceptions.html",
    expected={"status": 200, "error": "Unhandled", "type": "ValueError", "message": "no"},
    runs_functions=True,
)
def exception_is_a_function_error(cloud: Cloud) -> Any:
    """An exception of the handler is an answer 200 with FunctionError, the exception's class and its message."""
    name = function(cloud, "def handler(event, context): raise ValueError('no')")
    answer, body = cloud.invoke(name)
    told = {"type": body.get("errorType"), "message": body.get("errorMessage")}
    return {"status": answer["StatusCode"], "error": answer.get("FunctionError"), **told}


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
    return refusal(lambda: cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}"))


@interaction(
    "lambda",
    source="/lambda/latest/dg/invocation-async-retain-records.html",
    expected={"body": {"work": 1}, "attributes": ["ErrorCode", "ErrorMessage", "RequestID"], "message": "no"},
    runs_functions=True,
)
def failed_event_is_a_dead_letter(cloud: Cloud) -> Any:
    """An event whose attempts have failed goes to the dead-letter queue as it was, with the reason as attributes."""
    url, arn = cloud.queue()
    name = function(
        cloud,
        "def handler(event, context): raise ValueError('no')",
        allow("sqs:SendMessage"),
        DeadLetterConfig={"TargetArn": arn},
    )
    cloud.client("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"work": 1}')
    (message,) = cloud.receive(url, timeout_s=PATIENCE_S)
    attributes = message["MessageAttributes"]
    return {
        "body": json.loads(message["Body"]),
        "attributes": sorted(attributes),
        "message": attributes["ErrorMessage"]["StringValue"],
    }


@interaction(
    "lambda",
    source="/lambda/latest/dg/lambda-intro-execution-role.html",
    expected="AccessDenied",
    runs_functions=True,
)
def function_may_only_do_what_its_role_allows(cloud: Cloud) -> Any:
    """A function whose role does not allow an action is denied it."""
    name = bucket(cloud)
    source = f"""
        import boto3
        from botocore.exceptions import ClientError
        def handler(event, context):
            try:
                boto3.client("s3").put_object(Bucket="{name}", Key="a", Body=b"1")
            except ClientError as refused:
                return refused.response["Error"]["Code"]
            return "allowed"
    """
    return cloud.invoke(function(cloud, source, allow("logs:*")))[1]


# --- API Gateway --------------------------------------------------------------------------------------------------

GATEWAY_RESPONSES = {
    "BAD_REQUEST_BODY": 400,
    "DEFAULT_5XX": 502,
    "INVALID_API_KEY": 403,
    "MISSING_AUTHENTICATION_TOKEN": 404,
}
"""The types that are asked for, each with the status that it is to have."""

_apis: dict[int, tuple[str, str]] = {}
_building = threading.Lock()


def api(cloud: Cloud) -> tuple[str, str]:
    """A deployed API in front of a function, as this platform has it (key, model, gateway responses): URL and key."""
    with _building:
        if id(cloud) not in _apis:
            _apis[id(cloud)] = _deploy_api(cloud)
        return _apis[id(cloud)]


def _deploy_api(cloud: Cloud) -> tuple[str, str]:
    gateway = cloud.client("apigateway")
    source = """
        import json
        def handler(event, context):
            if event.get("body") == '{"total": 0}':
                raise ValueError("no")
            seen = {"path": event["path"], "resource": event["resource"], "method": event["httpMethod"],
                    "query": event["queryStringParameters"], "stage": event["requestContext"]["stage"]}
            return {"statusCode": 201, "headers": {"Location": "/things/1"}, "body": json.dumps(seen)}
    """
    arn = cloud.client("lambda").get_function(FunctionName=function(cloud, source))["Configuration"]["FunctionArn"]
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
    for kind, status in GATEWAY_RESPONSES.items():
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            statusCode=str(status),
            responseParameters={
                "gatewayresponse.header.Access-Control-Allow-Origin": "'https://app.example.com'",
                "gatewayresponse.header.Content-Type": "'application/problem+json'",
            },
            responseTemplates={"application/json": '{"detail": $context.error.messageString}'},
        )
    gateway.create_deployment(restApiId=api_id, stageName="v1")
    plan = gateway.create_usage_plan(name=cloud.name("plan"), apiStages=[{"apiId": api_id, "stage": "v1"}])["id"]
    key = gateway.create_api_key(name=cloud.name("key"), enabled=True, generateDistinctId=True)
    value = key.get("value") or gateway.get_api_key(apiKey=key["id"], includeValue=True)["value"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    return cloud.engine.api_url(api_id, "v1"), value


def post(cloud: Cloud, body: str, *, path: str = "/things", with_key: bool = True) -> Any:
    url, key = api(cloud)
    headers = {"content-type": "application/json", **({"x-api-key": key} if with_key else {})}
    return urllib3.request("POST", url + path, body=body, headers=headers, retries=False, timeout=30.0)


def shown(answer: Any) -> dict[str, Any]:
    """What a client sees of a refusal by the gateway."""
    return {
        "status": answer.status,
        "type": answer.headers.get("content-type", "").split(";")[0],
        "origin": answer.headers.get("access-control-allow-origin"),
        "body": answer.json() if answer.data else None,
    }


def refused(status: int, message: str) -> dict[str, Any]:
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
def proxied_function_sees_the_request_and_makes_the_answer(cloud: Cloud) -> Any:
    """A proxy integration hands the request to the function as an event, and its answer to the client."""
    answer = post(cloud, '{"total": 1}', path="/things?a=1")
    return {"status": answer.status, "location": answer.headers.get("location"), "seen": answer.json()}


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/supported-gateway-response-types.html",
    expected=refused(403, "Forbidden"),
    runs_functions=True,
)
def missing_api_key_is_refused_in_the_defined_shape(cloud: Cloud) -> Any:
    """A request without the key that a method requires is a 403, with the gateway response's headers and template."""
    return shown(post(cloud, '{"total": 1}', with_key=False))


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/api-gateway-method-request-validation.html",
    expected=refused(400, "Invalid request body"),
    runs_functions=True,
)
def body_against_its_model_is_refused_in_the_defined_shape(cloud: Cloud) -> Any:
    """A body that its model does not allow is a 400 before the function is called."""
    return shown(post(cloud, '{"total": "much"}'))


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/supported-gateway-response-types.html",
    expected=refused(404, "Missing Authentication Token"),
    runs_functions=True,
)
def unknown_path_is_refused_in_the_defined_shape(cloud: Cloud) -> Any:
    """A path that the API does not have is of the type MISSING_AUTHENTICATION_TOKEN, here with status 404."""
    return shown(post(cloud, "{}", path="/nothing"))


@interaction(
    "apigateway",
    source="/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html",
    expected=refused(502, "Internal server error"),
    runs_functions=True,
)
def failing_function_is_a_bad_gateway(cloud: Cloud) -> Any:
    """A function of a proxy integration that fails is a 502, with the gateway response's headers and template."""
    return shown(post(cloud, '{"total": 0}'))


# --- CloudWatch ---------------------------------------------------------------------------------------------------


@interaction(
    "cloudwatch",
    source="/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html",
    expected="ALARM",
)
def alarm_on_metric_math_goes_off(cloud: Cloud) -> Any:
    """An alarm on an expression goes off as soon as the expression's value breaches the threshold."""
    cloudwatch, space, alarm = cloud.client("cloudwatch"), cloud.name("space"), cloud.name("alarm")
    cloudwatch.put_metric_data(
        Namespace=space,
        MetricData=[{"MetricName": name, "Value": value} for name, value in (("errors", 5), ("calls", 100))],
    )
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        Metrics=[
            *(
                {
                    "Id": name,
                    "ReturnData": False,
                    "MetricStat": {"Metric": {"Namespace": space, "MetricName": name}, "Period": 60, "Stat": "Sum"},
                }
                for name in ("errors", "calls")
            ),
            {"Id": "rate", "Expression": "100 * errors / calls", "ReturnData": True},
        ],
    )

    def state() -> Any:
        (found,) = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return found["StateValue"] if found["StateValue"] == "ALARM" else None

    return eventually(state, timeout_s=PATIENCE_S, what="the alarm")


# --- Secrets Manager ----------------------------------------------------------------------------------------------


@interaction(
    "secretsmanager",
    source="/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html",
    expected={"AWSCURRENT": "new", "AWSPREVIOUS": "old"},
    runs_functions=True,
)
def rotation_runs_the_four_steps(cloud: Cloud) -> Any:
    """A rotation calls the function once for each step; the function makes and promotes the new version."""
    secrets, name = cloud.client("secretsmanager"), cloud.name("secret")
    arn = secrets.create_secret(Name=name, SecretString="old")["ARN"]
    source = """
        import boto3
        def handler(event, context):
            secrets, which = boto3.client("secretsmanager"), event["SecretId"]
            if event["Step"] == "createSecret":
                secrets.put_secret_value(SecretId=which, ClientRequestToken=event["ClientRequestToken"],
                                         SecretString="new", VersionStages=["AWSPENDING"])
            if event["Step"] == "finishSecret":
                stages = secrets.describe_secret(SecretId=which)["VersionIdsToStages"]
                (current,) = [version for version, labels in stages.items() if "AWSCURRENT" in labels]
                secrets.update_secret_version_stage(SecretId=which, VersionStage="AWSCURRENT",
                    MoveToVersionId=event["ClientRequestToken"], RemoveFromVersionId=current)
    """
    rotator = function(cloud, source, allow("secretsmanager:*"))
    found = cloud.client("lambda").get_function(FunctionName=rotator)["Configuration"]["FunctionArn"]
    cloud.permit(rotator, "secretsmanager.amazonaws.com", arn)
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=found, RotationRules={"AutomaticallyAfterDays": 30})

    def rotated() -> Any:
        value = secrets.get_secret_value(SecretId=name)["SecretString"]
        return value if value == "new" else None

    eventually(rotated, timeout_s=PATIENCE_S, what="the rotation")
    return {
        stage: secrets.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"]
        for stage in ("AWSCURRENT", "AWSPREVIOUS")
    }
