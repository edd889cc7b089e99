"""EventBridge and SNS: delivery to targets, and events that cannot be delivered."""

import json
from typing import Any

import pytest

from tests.engine.cloud import Cloud, allow

ECHO = """
    import boto3, json, os
    def handler(event, context):
        message = json.dumps({"detail": event["detail"], "arn": context.invoked_function_arn})
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=message)
"""


def rule(cloud: Cloud, target_arn: str, dead_letter_queue_arn: str) -> tuple[str, str]:
    """Create a bus with a rule that sends events of source "test" to the target; return bus name and rule ARN."""
    bus, name = cloud.name("bus"), cloud.name("rule")
    events = cloud.client("events")
    events.create_event_bus(Name=bus)
    pattern = json.dumps({"source": ["test"]})
    arn = events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)["RuleArn"]
    target = {"Id": "t", "Arn": target_arn, "DeadLetterConfig": {"Arn": dead_letter_queue_arn}}
    events.put_targets(Rule=name, EventBusName=bus, Targets=[target])
    return bus, arn


def put(cloud: Cloud, bus: str, detail: Any) -> None:
    entry = {"EventBusName": bus, "Source": "test", "DetailType": "d", "Detail": json.dumps(detail)}
    assert cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def error_code(message: dict[str, Any]) -> str:
    return str(message["MessageAttributes"]["ERROR_CODE"]["StringValue"])


def test_an_event_reaches_the_alias(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    function = cloud.function(ECHO, allow("sqs:SendMessage", on=arn), Environment={"Variables": {"QUEUE": url}})
    alias = cloud.alias(function)
    bus, rule_arn = rule(cloud, alias, cloud.queue()[1])
    cloud.permit(function, "events.amazonaws.com", rule_arn, qualifier="live")
    put(cloud, bus, {"n": 1})
    [message] = cloud.receive(url)

    assert json.loads(message["Body"]) == {"detail": {"n": 1}, "arn": alias}


def test_a_failing_target_function_uses_its_own_retries_and_dead_letter_queue(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    function = cloud.function(
        "def handler(event, context): raise RuntimeError('no')",
        allow("sqs:SendMessage", on=arn),
        DeadLetterConfig={"TargetArn": arn},
    )
    alias = cloud.alias(function)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=function, Qualifier="live", MaximumRetryAttempts=1
    )
    bus, rule_arn = rule(cloud, alias, cloud.queue()[1])
    cloud.permit(function, "events.amazonaws.com", rule_arn, qualifier="live")
    put(cloud, bus, {"n": 2})
    [message] = cloud.receive(url)

    assert json.loads(message["Body"])["detail"] == {"n": 2}
    assert sum(line.startswith("START") for line in cloud.log_lines(function)) == 2


def test_a_missing_target_ends_in_the_targets_dead_letter_queue(cloud: Cloud, account: str) -> None:
    url, arn = cloud.queue()
    missing = f"arn:aws:lambda:us-east-1:{account}:function:missing"
    bus, rule_arn = rule(cloud, missing, arn)
    put(cloud, bus, {"n": 3})
    [message] = cloud.receive(url)

    assert error_code(message) == "RESOURCE_NOT_FOUND"
    assert message["MessageAttributes"]["RULE_ARN"]["StringValue"] == rule_arn
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == missing
    assert json.loads(message["Body"])["detail"] == {"n": 3}


def test_a_function_that_does_not_permit_the_rule_is_not_called(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    function = cloud.function("def handler(event, context): pass")
    alias = cloud.alias(function)
    bus, rule_arn = rule(cloud, alias, arn)
    cloud.permit(function, "events.amazonaws.com", rule_arn)  # for the function, not for its alias
    put(cloud, bus, {})
    [message] = cloud.receive(url)

    assert error_code(message) == "NO_PERMISSIONS"


PUBLISH = """
    import boto3
    def handler(event, context):
        entries = [{**entry, "Detail": "{}"} for entry in event]
        return boto3.client("events").put_events(Entries=entries)["FailedEntryCount"]
"""


@pytest.mark.parametrize(
    ("others", "denied"),
    [([], False), ([("bank", "d")], True), ([("test", "paid")], True), ([("test", "d")], False)],
    ids=["its-own", "another-source", "another-type", "two-of-its-own"],
)
def test_a_role_publishes_only_the_sources_and_types_that_it_is_granted(
    cloud: Cloud, others: list[tuple[str, str]], *, denied: bool
) -> None:
    bus = cloud.name("bus")
    arn = cloud.client("events").create_event_bus(Name=bus)["EventBusArn"]
    condition = {"ForAllValues:StringEquals": {"events:source": ["test"], "events:detail-type": ["d"]}}
    function = cloud.function(PUBLISH, {**allow("events:PutEvents", on=arn), "Condition": condition})

    entries = [{"EventBusName": bus, "Source": s, "DetailType": d} for s, d in [("test", "d"), *others]]
    response = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(entries).encode())

    result = response["Payload"].read().decode()
    assert ("AccessDenied" in result) is denied, result


def test_sns_delivers_raw_messages(cloud: Cloud) -> None:
    url, queue_arn = cloud.queue()
    sns = cloud.client("sns")
    topic = sns.create_topic(Name=cloud.name("topic"))["TopicArn"]
    publish = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [publish]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=raw)
    bus, _ = rule(cloud, topic, cloud.queue()[1])
    put(cloud, bus, {"n": 4})
    [message] = cloud.receive(url)

    assert json.loads(message["Body"])["detail"] == {"n": 4}


def test_a_topic_that_does_not_permit_the_rule_gets_nothing(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    topic = cloud.client("sns").create_topic(Name=cloud.name("topic"))["TopicArn"]
    bus, _ = rule(cloud, topic, arn)
    put(cloud, bus, {})
    [message] = cloud.receive(url)

    assert error_code(message) == "NO_PERMISSIONS"
