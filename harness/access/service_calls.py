"""What Lambda itself does as a function's role, by the function's configuration: no call of the code shows it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from collections.abc import Iterator
from itertools import product

from harness.access.recorded_calls import RecordedCall
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN, Resource

LAMBDA = "Lambda itself"

_READ_STREAM = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")


def rows(plan: PlanGraph) -> list[RecordedCall]:
    """What Lambda does for each function of a plan, as rows with `LAMBDA` and a reason instead of a call."""
    return sorted({row for function in plan.of("aws_lambda_function") for row in _of(plan, function)})


def _of(plan: PlanGraph, function: Resource) -> Iterator[RecordedCall]:
    name = str(function.get("function_name")).removesuffix(f"-{plan.environment}")

    def row(why: str, action: str, resource: str) -> RecordedCall:
        return RecordedCall(name, f"{LAMBDA}: {why}", action, resource)

    for group in _beside(plan, function, "aws_cloudwatch_log_group"):
        arn = f"arn:aws:logs:{{region}}:{{account}}:log-group:{group.get('name')}:log-stream:x"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield row("logs", action, arn)
    if function.get("tracing_config.mode") == "Active":
        for action in ("xray:PutTelemetryRecords", "xray:PutTraceSegments"):
            yield row("X-Ray", action, "*")
    queues = [
        f"arn:aws:sqs:{{region}}:{{account}}:{queue.get('name')}" for queue in _beside(plan, function, "aws_sqs_queue")
    ]
    if function.get("dead_letter_config.target_arn") is not None:
        yield from (row("dead letters", "sqs:SendMessage", queue) for queue in queues)
    for mapping in _beside(plan, function, "aws_lambda_event_source_mapping"):
        if mapping.get("destination_config.on_failure.destination_arn") is not None:
            yield from (row("stream's dead letters", "sqs:SendMessage", queue) for queue in queues)
        for table, action in product(_streams(plan, mapping), _READ_STREAM):
            stream = f"arn:aws:dynamodb:{{region}}:{{account}}:table/{table}/stream/x"
            yield row("stream", f"dynamodb:{action}", stream)


def _beside(plan: PlanGraph, function: Resource, kind: str) -> list[Resource]:
    return [resource for resource in plan.of(kind) if resource.module == function.module]


def _streams(plan: PlanGraph, mapping: Resource) -> list[str]:
    """The tables whose stream a mapping reads."""
    arn = mapping.get("event_source_arn")
    if arn is UNKNOWN:
        return [
            str(table.get("name")) for table in plan.of("aws_dynamodb_table") if table.get("stream_enabled") is True
        ]
    return [str(arn).split("/")[1]] if ":dynamodb:" in str(arn) else []
