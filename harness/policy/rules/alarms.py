"""Alarms: there is one for everything that can fail, about something that exists, and somebody hears it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.policy.finding import Severity
from harness.policy.resource import UNKNOWN, Resource, listed, shown
from harness.policy.rule import PLAN, Rule, attribute, relation

if TYPE_CHECKING:
    from harness.policy.planned import Planned

ALARM = ("aws_cloudwatch_metric_alarm",)
_CW = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
FUNCTION_METRICS = ("Duration", "Errors", "Throttles")
DEPTH = "ApproximateNumberOfMessagesVisible"


def metrics(alarm: Resource) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The metrics that an alarm is on, each with its dimensions: its own, or those of its queries."""
    for source in (alarm.values, *(m for q in listed(alarm.values.get("metric_query")) for m in _metric(q))):
        name = source.get("metric_name")
        if isinstance(name, str) and name:  # an alarm on an expression has "" there once it exists
            dimensions = source.get("dimensions")
            yield name, dimensions if isinstance(dimensions, Mapping) else {}


def _metric(query: Any) -> list[Mapping[str, Any]]:
    return (
        [one for one in listed(query.get("metric")) if isinstance(one, Mapping)] if isinstance(query, Mapping) else []
    )


def _watched(plan: "Planned", dimension: str) -> set[tuple[str, Any]]:
    """Metric and name of everything of one kind that some alarm is on."""
    return {
        (name, dimensions.get(dimension))
        for alarm in plan.of(*ALARM)
        for name, dimensions in metrics(alarm)
        if isinstance(dimensions.get(dimension), str)
    }


@relation(
    Rule(
        id="CKV_INV_801",
        title="Each function has alarms for errors, throttles and duration",
        severity=Severity.MEDIUM,
        types=("aws_lambda_function",),
        rationale="What nobody hears of fails for days.",
        guideline="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html",
        mend="Add the function to the module monitoring (functions = { … }), which makes all three.",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def functions_watched(plan: "Planned") -> Iterator[tuple[str, str]]:
    """By the dimension FunctionName."""
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
        mend=f"Add the queue to the module monitoring (queues = {{ … }}), or an alarm on {DEPTH} with the dimension "
        "QueueName.",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def dead_letters_watched(plan: "Planned") -> Iterator[tuple[str, str]]:
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
        title="Somebody hears every alarm",
        severity=Severity.MEDIUM,
        types=ALARM,
        rationale="An alarm without an action turns red where nobody looks.",
        guideline=f"{_CW}/AlarmThatSendsEmail.html",
        mend="Set alarm_actions to the alarms' topic, and leave actions_enabled true.",
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


NAMES = {
    "ApiName": ("aws_api_gateway_rest_api", "name"),
    "BucketName": ("aws_s3_bucket", "bucket"),
    "EventBusName": ("aws_cloudwatch_event_bus", "name"),
    "FunctionName": ("aws_lambda_function", "function_name"),
    "QueueName": ("aws_sqs_queue", "name"),
    "RuleName": ("aws_cloudwatch_event_rule", "name"),
    "Stage": ("aws_api_gateway_stage", "stage_name"),
    "TableName": ("aws_dynamodb_table", "name"),
    "TopicName": ("aws_sns_topic", "name"),
}
"""Dimensions that name resources: of which type, by which attribute."""


@relation(
    Rule(
        id="CKV_INV_804",
        title="Alarms are on what exists",
        severity=Severity.MEDIUM,
        types=ALARM,
        rationale="A metric of something that does not exist never has data: the alarm is green for ever.",
        guideline=f"{_CW}/cloudwatch_concepts.html#Dimension",
        mend="Name a resource of this environment in the dimension, best by reference to it.",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def about_something(plan: "Planned") -> Iterator[tuple[str, str]]:
    """Names that the plan knows, in dimensions that are names; and no alarm without any dimension at all."""
    known = {dimension: {one.get(name) for one in plan.of(kind)} for dimension, (kind, name) in NAMES.items()}
    for alarm in plan.of(*ALARM):
        for metric, dimensions in metrics(alarm):
            if not dimensions and str(alarm.get("namespace") or "AWS/").startswith("AWS/"):
                yield alarm.address, f"Its metric {metric} has no dimension: it is about the whole account."
            for dimension, value in dimensions.items():
                if dimension in NAMES and value is not UNKNOWN and value not in known[dimension]:
                    yield alarm.address, f"{dimension} is {shown(value)}, which is not in this plan."
