"""Alarms: there is one for everything that can fail, about something that exists, and somebody hears it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.plan.arn import function_in, is_of
from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, attribute, completed, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

ALARM = ("aws_cloudwatch_metric_alarm",)
_CW = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
FUNCTION_METRICS = ("Duration", "Errors", "Throttles")
DEPTH = "ApproximateNumberOfMessagesVisible"


@dataclass(frozen=True)
class Metric:
    """What an alarm is on.

    Attributes:
        namespace: Such as ``AWS/Lambda``; None without one, `UNKNOWN` if the apply tells it.
        name: Such as ``Errors``.
        dimensions: What it is measured of, such as ``{"FunctionName": "create-invoice"}``.
    """

    namespace: Any
    name: str
    dimensions: Mapping[str, Any]


def metrics(alarm: Resource) -> Iterator[Metric]:
    """The metrics that an alarm is on: its own, or those of its queries."""
    for source in (alarm.values, *(m for q in listed(alarm.values.get("metric_query")) for m in _metric(q))):
        name = source.get("metric_name")
        if isinstance(name, str) and name:  # an alarm on an expression has "" there once it exists
            dimensions = source.get("dimensions")
            yield Metric(source.get("namespace"), name, dimensions if isinstance(dimensions, Mapping) else {})


def _metric(query: Any) -> list[Mapping[str, Any]]:
    return (
        [one for one in listed(query.get("metric")) if isinstance(one, Mapping)] if isinstance(query, Mapping) else []
    )


def _watched(plan: "PlanGraph", dimension: str) -> set[tuple[str, Any]]:
    """Metric and name of everything of one kind that some alarm is on: under AWS's own namespace for that kind."""
    return {
        (metric.name, metric.dimensions.get(dimension))
        for alarm in plan.of(*ALARM)
        for metric in metrics(alarm)
        if isinstance(metric.dimensions.get(dimension), str)
        and (metric.namespace is UNKNOWN or metric.namespace == NAMES[dimension].namespace)
    }


@relation(
    Rule(
        id="CKV_INV_801",
        title="Each function has alarms for errors, throttles and duration",
        severity=Severity.MEDIUM,
        types=("aws_lambda_function",),
        rationale="What nobody hears of fails for days.",
        guideline="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html",
        remedy="Add the function to the module monitoring (functions = { … }), which makes all three.",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def functions_watched(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the namespace AWS/Lambda and the dimension FunctionName."""
    watched = _watched(plan, "FunctionName")
    for function in plan.of("aws_lambda_function"):
        name = function.get("function_name")
        missing = [metric for metric in FUNCTION_METRICS if (metric, name) not in watched]
        if missing:
            yield function.address, f"No alarm is on its {', '.join(missing)}."


@relation(
    Rule(
        id="CKV_INV_802",
        title="Each dead-letter queue has an alarm on its depth",
        severity=Severity.MEDIUM,
        types=("aws_sqs_queue",),
        rationale="A message in a dead-letter queue is lost work: after its retention it is gone.",
        guideline="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
        remedy=f"Add the queue to the module monitoring (queues = {{ … }}), or an alarm on {DEPTH} with the dimension "
        "QueueName.",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def dead_letters_watched(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Queues that something sends its failures to, and those that are named so."""
    watched = _watched(plan, "QueueName")
    targets = {
        queue.address
        for kind, path in _SENDERS.items()
        for sender in plan.of(kind)
        for queue in plan.links(sender, path, "aws_sqs_queue")
    }
    for queue in plan.of("aws_sqs_queue"):
        name = str(queue.get("name"))
        if (queue.address in targets or name.endswith("-dlq")) and (DEPTH, name) not in watched:
            yield queue.address, f"No alarm is on the depth of the dead-letter queue {name}."


_SENDERS = {
    "aws_cloudwatch_event_target": "dead_letter_config.arn",
    "aws_lambda_event_source_mapping": "destination_config.on_failure.destination_arn",
    "aws_lambda_function": "dead_letter_config.target_arn",
    "aws_lambda_function_event_invoke_config": "destination_config.on_failure.destination",
}


@attribute(
    Rule(
        id="CKV_INV_803",
        title="Somebody who exists hears every alarm",
        severity=Severity.MEDIUM,
        types=ALARM,
        rationale="An alarm without an action turns red where nobody looks.",
        guideline=f"{_CW}/AlarmThatSendsEmail.html",
        remedy="Set alarm_actions to the ARN of the alarms' topic, by reference to it, and leave actions_enabled true.",
    )
)
def heard(alarm: Resource) -> Iterator[str]:
    """An action that only the apply names is one."""
    actions = alarm.get("alarm_actions")
    if actions is not UNKNOWN and not [one for one in listed(actions) if one is UNKNOWN or one]:
        yield "It has no alarm action."
    enabled = alarm.get("actions_enabled")
    if enabled is not None and enabled is not UNKNOWN and str(enabled).lower() != "true":
        yield f"actions_enabled is {shown(enabled)}."


@completed("CKV_INV_803")
def heard_by_somebody(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """In a whole environment, whose topics and functions are all in the plan: nobody hears a missing one."""
    if plan.environment in {"", "bootstrap"}:
        return
    functions = {one.get("function_name") for one in plan.of("aws_lambda_function")}
    for alarm in plan.of(*ALARM):
        for action in listed(alarm.get("alarm_actions")):
            called = function_in(action)
            if called and called.name not in functions:
                yield alarm.address, f"Its action calls {called.name}, which is not in this plan."
            elif isinstance(action, str) and ":sns:" in action and not is_of(action, plan.of("aws_sns_topic")):
                yield alarm.address, f"Its action is {shown(action)}, which is no topic of this plan."


@dataclass(frozen=True)
class Named:
    """What a dimension names: resources of a type, by an attribute, in one namespace of AWS."""

    namespace: str
    type: str
    attribute: str


NAMES = {
    "ApiName": Named("AWS/ApiGateway", "aws_api_gateway_rest_api", "name"),
    "BucketName": Named("AWS/S3", "aws_s3_bucket", "bucket"),
    "EventBusName": Named("AWS/Events", "aws_cloudwatch_event_bus", "name"),
    "FunctionName": Named("AWS/Lambda", "aws_lambda_function", "function_name"),
    "QueueName": Named("AWS/SQS", "aws_sqs_queue", "name"),
    "RuleName": Named("AWS/Events", "aws_cloudwatch_event_rule", "name"),
    "Stage": Named("AWS/ApiGateway", "aws_api_gateway_stage", "stage_name"),
    "TableName": Named("AWS/DynamoDB", "aws_dynamodb_table", "name"),
    "TopicName": Named("AWS/SNS", "aws_sns_topic", "name"),
}
"""Dimensions that name resources."""

REQUEST_METRICS = frozenset(
    {
        "4xxErrors",
        "5xxErrors",
        "AllRequests",
        "BytesDownloaded",
        "BytesUploaded",
        "DeleteRequests",
        "FirstByteLatency",
        "GetRequests",
        "HeadRequests",
        "ListRequests",
        "PostRequests",
        "PutRequests",
        "SelectBytesReturned",
        "SelectBytesScanned",
        "SelectRequests",
        "TotalRequestLatency",
    }
)
"""What S3 measures of a bucket only through a filter (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html)."""


@relation(
    Rule(
        id="CKV_INV_804",
        title="Alarms are on what exists",
        severity=Severity.MEDIUM,
        types=ALARM,
        rationale="A metric of something that does not exist never has data: the alarm is green for ever.",
        guideline=f"{_CW}/cloudwatch_concepts.html#Dimension",
        remedy="Name a resource of this environment in the dimension, best by reference to it, under AWS's namespace "
        "for it; give a bucket whose requests are watched its filter (module s3: request_metrics = true).",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def about_something(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Names that the plan knows, in dimensions that are names; and no alarm without any dimension at all."""
    known = {dimension: {one.get(kind.attribute) for one in plan.of(kind.type)} for dimension, kind in NAMES.items()}
    filters = _filters(plan)
    for alarm in plan.of(*ALARM):
        for metric in metrics(alarm):
            if not metric.dimensions and _is_of_aws(metric.namespace or "AWS/"):
                yield alarm.address, f"Its metric {metric.name} has no dimension: it is about the whole account."
            for dimension, value in metric.dimensions.items():
                if dimension not in NAMES:
                    continue
                if value is not UNKNOWN and value not in known[dimension]:
                    yield alarm.address, f"{dimension} is {shown(value)}, which is not in this plan."
                if _is_of_aws(metric.namespace) and metric.namespace != NAMES[dimension].namespace:
                    belongs = f"{dimension} is a dimension of {NAMES[dimension].namespace}"
                    yield alarm.address, f"{belongs}; its metric {metric.name} is in {shown(metric.namespace)}."
            yield from ((alarm.address, message) for message in _unmeasured(metric, filters))


def _is_of_aws(namespace: Any) -> bool:
    """Whether a namespace is, or should be, one of AWS's own; a program may give its own metrics any dimension."""
    return isinstance(namespace, str) and namespace.lower().startswith("aws/")


def _filters(plan: "PlanGraph") -> set[tuple[Any, Any]]:
    """The buckets' request metrics: the bucket's name (`UNKNOWN` if nobody can tell) and the filter's."""
    found = set()
    for one in plan.of("aws_s3_bucket_metric"):
        buckets = [bucket.get("bucket") for bucket in plan.links(one, "bucket", "aws_s3_bucket")]
        value = one.get("bucket")
        found |= {(bucket, one.get("name")) for bucket in ([value] if isinstance(value, str) else buckets or [UNKNOWN])}
    return found


def _unmeasured(metric: Metric, filters: set[tuple[Any, Any]]) -> Iterator[str]:
    if metric.namespace != "AWS/S3" or metric.name not in REQUEST_METRICS:
        return
    bucket, name = metric.dimensions.get("BucketName"), metric.dimensions.get("FilterId")
    if name is None:
        yield f"Its metric {metric.name} has no FilterId: S3 measures requests through a filter only."
    elif UNKNOWN not in (bucket, name) and not {(bucket, name), (UNKNOWN, name), (UNKNOWN, UNKNOWN)} & filters:
        yield (
            f"FilterId is {shown(name)}, and {shown(bucket)} has no such aws_s3_bucket_metric in this plan: S3 "
            "measures no requests."
        )
