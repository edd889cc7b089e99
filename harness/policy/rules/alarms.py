"""Alarms: everything that can fail has one, it watches something that exists, and it notifies somebody."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.plan.arn import function_in, is_of
from harness.plan.dimensions import NAMES
from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.rule import also_on_plan, attribute, relation
from harness.policy.rules import reviewed

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

ALARM = ("aws_cloudwatch_metric_alarm",)
FUNCTION_METRICS = ("Duration", "Errors", "Throttles")
DEPTH = "ApproximateNumberOfMessagesVisible"


@dataclass(frozen=True)
class Metric:
    """A metric that an alarm watches.

    Attributes:
        namespace: Such as ``AWS/Lambda``; None without one, `UNKNOWN` if it is known after the apply only.
        name: Such as ``Errors``.
        dimensions: What it measures, such as ``{"FunctionName": "create-invoice"}``.
    """

    namespace: Any
    name: str
    dimensions: Mapping[str, Any]


def metrics(alarm: Resource) -> Iterator[Metric]:
    """The metrics that an alarm watches: its own, or those of its queries."""
    for source in (
        alarm.values,
        *(metric for query in listed(alarm.values.get("metric_query")) for metric in _metric(query)),
    ):
        name = source.get("metric_name")
        if isinstance(name, str) and name:  # an alarm on an expression has "" there once it exists
            dimensions = source.get("dimensions")
            yield Metric(source.get("namespace"), name, dimensions if isinstance(dimensions, Mapping) else {})


def _metric(query: Any) -> list[Mapping[str, Any]]:
    return (
        [metric for metric in listed(query.get("metric")) if isinstance(metric, Mapping)]
        if isinstance(query, Mapping)
        else []
    )


def _watched(plan: "PlanGraph", dimension: str) -> set[tuple[str, Any]]:
    """The metrics, each with a resource's name, that alarms watch by one dimension, in AWS's namespace for it."""
    return {
        (metric.name, metric.dimensions.get(dimension))
        for alarm in plan.of(*ALARM)
        for metric in metrics(alarm)
        if isinstance(metric.dimensions.get(dimension), str)
        and (metric.namespace is UNKNOWN or metric.namespace == NAMES[dimension].namespace)
    }


@relation("CKV_INV_801", ("aws_lambda_function",))
def functions_watched(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the namespace AWS/Lambda and the dimension FunctionName."""
    watched = _watched(plan, "FunctionName")
    for function in plan.of("aws_lambda_function"):
        name = function.get("function_name")
        missing = [metric for metric in FUNCTION_METRICS if (metric, name) not in watched]
        if missing:
            yield function.address, f"No alarm watches its {', '.join(missing)}."


@relation("CKV_INV_802", ("aws_sqs_queue",))
def dead_letters_watched(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Queues that receive the failures of something, and those whose name ends in ``-dlq``."""
    watched = _watched(plan, "QueueName")
    for queue in dead_letter_queues(plan):
        name = str(queue.get("name"))
        if (DEPTH, name) not in watched:
            yield queue.address, f"No alarm watches the depth of the dead-letter queue {name}."


def dead_letter_queues(plan: "PlanGraph") -> list[Resource]:
    """The queues that receive the failures of something, and those whose name ends in ``-dlq``."""
    targets = {
        queue.address
        for kind, path in _SENDERS.items()
        for sender in plan.of(kind)
        for queue in plan.links(sender, path, "aws_sqs_queue")
    }
    queues = plan.of("aws_sqs_queue")
    return [queue for queue in queues if queue.address in targets or str(queue.get("name")).endswith("-dlq")]


_SENDERS = {
    "aws_cloudwatch_event_target": "dead_letter_config.arn",
    "aws_lambda_event_source_mapping": "destination_config.on_failure.destination_arn",
    "aws_lambda_function": "dead_letter_config.target_arn",
    "aws_lambda_function_event_invoke_config": "destination_config.on_failure.destination",
}


@attribute("CKV_INV_803", ALARM)
def alarm_actions(alarm: Resource) -> Iterator[str]:
    """An action that is known after the apply only counts as one."""
    actions = alarm.get("alarm_actions")
    if actions is not UNKNOWN and not [action for action in listed(actions) if action is UNKNOWN or action]:
        yield "It has no alarm action."
    enabled = alarm.get("actions_enabled")
    if enabled is not None and enabled is not UNKNOWN and str(enabled).lower() != "true":
        yield f"actions_enabled is {shown(enabled)}."


@also_on_plan("CKV_INV_803")
def recipients_exist(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """In whole environments, where the plan has every topic and function: a missing one notifies nobody."""
    if plan.environment in {"", "bootstrap"}:
        return
    functions = {function.get("function_name") for function in plan.of("aws_lambda_function")}
    for alarm in plan.of(*ALARM):
        for action in listed(alarm.get("alarm_actions")):
            function = function_in(action)
            if function and function.name not in functions:
                yield alarm.address, f"Its action calls {function.name}, which is not in this plan."
            elif isinstance(action, str) and ":sns:" in action and not is_of(action, plan.of("aws_sns_topic")):
                yield alarm.address, f"Its action is {shown(action)}, which is not a topic of this plan."


@relation("CKV_INV_810", ALARM)
def subscribed(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every topic that alarms or budgets notify has as many mail addresses as the environment needs."""
    needed = reviewed.of(plan.environment).alert_emails
    mailed = [
        _topics(plan, subscription, "topic_arn")
        for subscription in plan.of("aws_sns_topic_subscription")
        if subscription.get("protocol") in {"email", "email-json"}
    ]
    by_block: dict[tuple[str, str], frozenset[str]] = {}
    for kind, path in _NOTIFYING.items():
        for resource in plan.of(kind):
            block = (resource.definition, repr(resource.all(path)))
            if block not in by_block:
                by_block[block] = _topics(plan, resource, path)
            recipients = sum(not by_block[block].isdisjoint(topics) for topics in mailed)
            if recipients < needed:
                yield resource.address, f"It notifies {recipients} mail addresses, and needs {needed}."


_NOTIFYING = {
    "aws_budgets_budget": "notification.subscriber_sns_topic_arns",
    "aws_cloudwatch_metric_alarm": "alarm_actions",
}


def _topics(plan: "PlanGraph", resource: Resource, path: str) -> frozenset[str]:
    """The addresses of the topics that an attribute names: by their ARNs, else by what the expression may mean.

    A plan leaves out locals. Then they are those that the module has, or that are passed to it.
    """
    values = [value for each in resource.all(path) for value in listed(each)]
    topics = plan.of("aws_sns_topic")
    if known := [value for value in values if isinstance(value, str) and value]:
        return frozenset(topic.address for topic in topics if any(is_of(arn, [topic]) for arn in known))
    if UNKNOWN not in values:
        return frozenset()
    found = plan.links(resource, path, "aws_sns_topic") or [each for each in topics if each.module == resource.module]
    if not found and resource.module:
        caller = resource.module[:-1]
        found = [each for name in plan.arguments(resource.module) for each in plan.followed(name, caller)]
    return frozenset(each.address for each in found if each.type == "aws_sns_topic")


@relation(
    "CKV_INV_812",
    ("aws_api_gateway_stage", "aws_dynamodb_table", "aws_lambda_event_source_mapping", "aws_s3_bucket_metric"),
)
def platform_watched(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the metric and the dimension: server errors of each stage, throttling of each table, lag of each stream.

    Without any alarm, CKV_INV_801 and CKV_INV_802 report the functions and queues already.
    """
    if not plan.of(*ALARM):
        return
    for stage in plan.of("aws_api_gateway_stage"):
        if ("5XXError", stage.get("stage_name")) not in _watched(plan, "Stage"):
            yield stage.address, "No alarm watches its server errors (5XXError)."
    for table in plan.of("aws_dynamodb_table"):
        if ("ThrottledRequests", table.get("name")) not in _watched(plan, "TableName"):
            yield table.address, "No alarm watches its ThrottledRequests."
    for measured in plan.of("aws_s3_bucket_metric"):
        names = [
            measured.get("bucket"),
            *(each.get("bucket") for each in plan.links(measured, "bucket", "aws_s3_bucket")),
        ]
        if not any(("4xxErrors", name) in _watched(plan, "BucketName") for name in names if isinstance(name, str)):
            yield measured.address, "No alarm watches its rejected requests (4xxErrors)."
    for source in plan.of("aws_lambda_event_source_mapping"):
        yield from ((source.address, message) for message in _unwatched_lag(plan, source))


def _unwatched_lag(plan: "PlanGraph", source: Resource) -> Iterator[str]:
    names = reading_functions(plan, source)
    if not names:
        yield "The plan does not show which function reads it, so no alarm is known to watch it."
    watched = _watched(plan, "FunctionName")
    yield from (
        f"No alarm watches the IteratorAge of {name}." for name in names if ("IteratorAge", name) not in watched
    )


def reading_functions(plan: "PlanGraph", source: Resource) -> list[str]:
    """The names of the functions that a mapping calls: by the ARN, or by the reference while that is not known."""
    value = source.get("function_name")
    if isinstance(value, str):
        function = function_in(value)
        return [function.name if function else value.split(":")[0]]
    linked = plan.links(source, "function_name", "aws_lambda_alias", "aws_lambda_function")
    names = [each.get("function_name") for each in linked]
    return sorted({name.split(":")[-1] for name in names if isinstance(name, str)})


_UNFILLED = re.compile(r"(?<!FILL\()\bMETRICS\(")


@attribute("CKV_INV_808", ALARM)
def filled(alarm: Resource) -> Iterator[str]:
    """METRICS() takes every metric of the alarm, and metrics of errors have no data point while there are none."""
    for query in listed(alarm.values.get("metric_query")):
        expression = query.get("expression") if isinstance(query, Mapping) else None
        if isinstance(expression, str) and _UNFILLED.search(re.sub(r"\s", "", expression).upper()):
            yield f"Its expression {shown(expression)} has no value in a period in which one of its metrics has none."


@relation("CKV_INV_809", ("aws_lambda_function",))
def namespaces(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the variable with which Powertools gets the namespace; a preview's name begins with its environment's."""
    for function in plan.of("aws_lambda_function"):
        variables = function.get("environment.variables")
        namespace = variables.get(_NAMESPACE) if isinstance(variables, Mapping) else None
        if isinstance(namespace, str) and plan.environment not in namespace.split("/")[-1]:
            yield function.address, f"{_NAMESPACE} is {shown(namespace)}, which does not name {plan.environment}."


_NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"


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
"""Metrics that S3 measures only through a filter (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html)."""


@relation("CKV_INV_804", ALARM)
def about_something(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """A dimension that is a name must name a resource of the plan; an alarm on AWS's metrics must have a dimension."""
    names = {
        dimension: {resource.get(target.attribute) for resource in plan.of(target.type)}
        for dimension, target in NAMES.items()
    }
    filters = _filters(plan)
    for alarm in plan.of(*ALARM):
        for metric in metrics(alarm):
            if not metric.dimensions and is_of_aws("AWS/" if metric.namespace in {None, ""} else metric.namespace):
                yield alarm.address, f"Its metric {metric.name} has no dimension: it measures the whole account."
            for dimension, value in metric.dimensions.items():
                if dimension not in NAMES:
                    yield from ((alarm.address, message) for message in _unmeasured_dimension(metric, dimension, value))
                    continue
                if value is not UNKNOWN and value not in names[dimension]:
                    yield alarm.address, f"{dimension} is {shown(value)}, which is not in this plan."
                if is_of_aws(metric.namespace) and metric.namespace != NAMES[dimension].namespace:
                    home = f"{dimension} is a dimension of {NAMES[dimension].namespace}"
                    yield alarm.address, f"{home}; its metric {metric.name} is in {shown(metric.namespace)}."
            yield from ((alarm.address, message) for message in _unmeasured(metric, filters))
            if is_of_aws(metric.namespace) and metric.name not in MEASURED.get(metric.namespace, ()):
                yield alarm.address, f"{shown(metric.namespace)} has no metric {shown(metric.name)} that we know."


OPERATIONS = frozenset(
    {
        *("BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems"),
        *("TransactWriteItems", "UpdateItem"),
    }
)
"""Operations of DynamoDB, as its metrics name them."""

_OTHER_DIMENSIONS: Mapping[str, frozenset[str] | None] = {
    "FilterId": None,
    "Operation": OPERATIONS,
    "StorageType": None,
}
"""Dimensions that name no resource, with their values; None where another check judges them."""


def _unmeasured_dimension(metric: Metric, dimension: str, value: Any) -> Iterator[str]:
    if not is_of_aws(metric.namespace):
        return  # the code's own: CKV_INV_811
    if dimension not in _OTHER_DIMENSIONS:
        yield f"{shown(metric.namespace)} has no dimension {dimension} that we know."
    elif (values := _OTHER_DIMENSIONS[dimension]) is not None and value is not UNKNOWN and value not in values:
        yield f"{dimension} is {shown(value)}, which is not one of DynamoDB's."


MEASURED: Mapping[str, frozenset[str]] = {
    "AWS/ApiGateway": frozenset({"4XXError", "5XXError", "Count", "IntegrationLatency", "Latency"}),
    "AWS/DynamoDB": frozenset(
        {
            *("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "SystemErrors"),
            *("ThrottledRequests", "UserErrors", "WriteThrottleEvents"),
        }
    ),
    "AWS/Events": frozenset({"FailedInvocations", "Invocations", "InvocationsSentToDlq", "ThrottledRules"}),
    "AWS/Lambda": frozenset(
        {
            *("AsyncEventsDropped", "ConcurrentExecutions", "DeadLetterErrors", "DestinationDeliveryFailures"),
            *("Duration", "Errors", "Invocations", "IteratorAge", "Throttles"),
        }
    ),
    "AWS/S3": REQUEST_METRICS | {"BucketSizeBytes", "NumberOfObjects"},
    "AWS/SNS": frozenset({"NumberOfNotificationsFailed", "NumberOfMessagesPublished"}),
    "AWS/SQS": frozenset({"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}),
}
"""The metrics that alarms may watch, by namespace: a misspelled one never has data. Each service's page
lists them, such as https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html."""


def is_of_aws(namespace: Any) -> bool:
    """Whether a namespace is, or should be, one of AWS's own; a program may give its own metrics any dimension."""
    return isinstance(namespace, str) and namespace.lower().startswith("aws/")


def _filters(plan: "PlanGraph") -> set[tuple[Any, Any]]:
    """The buckets' request metrics: the bucket's name (`UNKNOWN` if the plan does not show it) and the filter's."""
    filters = set()
    for request_metric in plan.of("aws_s3_bucket_metric"):
        linked = [bucket.get("bucket") for bucket in plan.links(request_metric, "bucket", "aws_s3_bucket")]
        value = request_metric.get("bucket")
        buckets = [value] if isinstance(value, str) else linked or [UNKNOWN]
        filters |= {(bucket, request_metric.get("name")) for bucket in buckets}
    return filters


def _unmeasured(metric: Metric, filters: set[tuple[Any, Any]]) -> Iterator[str]:
    if metric.namespace != "AWS/S3" or metric.name not in REQUEST_METRICS:
        return
    bucket, name = metric.dimensions.get("BucketName"), metric.dimensions.get("FilterId")
    if name is None:
        yield f"Its metric {metric.name} has no FilterId: S3 measures requests only through a filter."
    elif UNKNOWN not in (bucket, name) and not {(bucket, name), (UNKNOWN, name), (UNKNOWN, UNKNOWN)} & filters:
        yield (
            f"FilterId is {shown(name)}, and {shown(bucket)} has no such aws_s3_bucket_metric in this plan: S3 "
            "measures no requests."
        )
