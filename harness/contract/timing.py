"""Times that have to fit each other: of the gateway, functions, queues, streams, retries, and the code's memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.functions import Function, function_called
from harness.contract.mismatch import Mismatch
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN, Resource, number

GATEWAY_S = 29.0
"""The longest that a REST API waits for a function (API Gateway quotas: "Integration timeout", 29 s)."""


@dataclass(frozen=True)
class Duration:
    """A time that the code sets.

    Attributes:
        name: What takes or lasts this long.
        seconds: How long.
        where: File and symbol.
    """

    name: str
    seconds: float
    where: str


def compare_gateway(plan: PlanGraph, functions: Mapping[str, Function]) -> Iterator[Mismatch]:
    """The gateway's timeout is within its limit and no longer than the function's: then clients get a response."""
    for integration in plan.of("aws_api_gateway_integration"):
        name = function_called(integration.get("uri"), functions) if integration.get("type") != "MOCK" else ""
        if not name:
            continue
        waits = (number(integration.get("timeout_milliseconds")) or GATEWAY_S * 1000) / 1000
        runs = functions[name].timeout if name in functions else 0.0
        if waits > GATEWAY_S or waits > runs:
            address = functions[name].address if name in functions else "no function"
            yield Mismatch(
                f"The gateway waits longer for {name} than it may, or than the function runs",
                f"a REST API waits {GATEWAY_S:g} s at most; {name} runs {runs:g} s at most",
                f"{integration.address} waits {waits:g} s; {address} has a timeout of {runs:g} s",
                f"Let timeout_milliseconds be at most {GATEWAY_S * 1000:g}, and no longer than the function's timeout.",
            )


def compare_queues(plan: PlanGraph, functions: Mapping[str, Function]) -> Iterator[Mismatch]:
    """A queue hides a message for six times as long as the function that reads it may run, as AWS advises.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    for mapping in plan.of("aws_lambda_event_source_mapping"):
        queues = plan.links(mapping, "event_source_arn", "aws_sqs_queue")
        runs = _runs(plan, mapping, functions)
        for queue in queues:
            hides = number(queue.get("visibility_timeout_seconds")) or 30
            if hides < 6 * runs:
                yield Mismatch(
                    f"{queue.address} shows a message again while a function works on it",
                    f"the function may run {runs:g} s; the message has to be hidden for six times as long",
                    f"{queue.address} hides it for {hides:g} s, and {mapping.address} reads it",
                    "Raise visibility_timeout_seconds.",
                )


def compare_streams(plan: PlanGraph, functions: Mapping[str, Function]) -> Iterator[Mismatch]:
    """A stream's batching window and maximum record age leave time for all retries that it grants its function."""
    for mapping in plan.of("aws_lambda_event_source_mapping"):
        runs = _runs(plan, mapping, functions)
        age = number(mapping.get("maximum_record_age_in_seconds"))
        tries = number(mapping.get("maximum_retry_attempts"))
        window = number(mapping.get("maximum_batching_window_in_seconds")) or 0
        if age is not None and age >= 0 and tries is not None and tries >= 0 and age < window + runs * (1 + tries):
            yield Mismatch(
                "Records of a stream are dropped before all retries are used",
                f"the function may run {runs:g} s each time",
                f"{mapping.address} drops them after {age:g} s, waits {window:g} s, and grants {tries:g} retries",
                "Raise maximum_record_age_in_seconds (-1: as long as the stream keeps them), or lower the retries.",
            )


def _runs(plan: PlanGraph, mapping: Resource, functions: Mapping[str, Function]) -> float:
    """Seconds that a mapping's function may run; 0 if the plan does not show which function it is."""
    targets = plan.links(mapping, "function_name", "aws_lambda_alias", "aws_lambda_function")
    names = {target.get("function_name") for target in targets}
    return max((function.timeout for function in functions.values() if function.function_name in names), default=0.0)


def longest_delivery(plan: PlanGraph) -> tuple[float, str]:
    """Seconds after which no event is delivered to a function any more, and the resources that allow it.

    That is: EventBridge's retries, then the function's own asynchronous ones, then the retention of the dead-letter
    queue, from which a failed event can be sent again.
    """
    targets = [
        (number(resource.get("retry_policy.maximum_event_age_in_seconds")) or 86400, resource.address)
        for resource in plan.of("aws_cloudwatch_event_target")
    ]
    configs = [
        (number(resource.get("maximum_event_age_in_seconds")) or 21600, resource.address)
        for resource in plan.of("aws_lambda_function_event_invoke_config")
    ]
    retentions = [
        (number(resource.get("message_retention_seconds")) or 345600, resource.address)
        for resource in plan.of("aws_sqs_queue")
        if resource.get("message_retention_seconds") is not UNKNOWN
    ]
    parts = [max(limits) for limits in (targets, configs, retentions) if limits]
    return sum(seconds for seconds, _ in parts), " + ".join(f"{address} ({seconds:g} s)" for seconds, address in parts)


def compare_memory(plan: PlanGraph, memory: Duration) -> Iterator[Mismatch]:
    """Completed work is remembered for longer than its event can be delivered again."""
    seconds, why = longest_delivery(plan)
    if memory.seconds <= seconds:
        yield Mismatch(
            f"{memory.name} is forgotten while its event can still be delivered",
            f"{memory.where} is {memory.seconds:g} s",
            f"an event can be delivered again for {seconds:g} s: {why}",
            "Remember for longer, or lower the retries and the retention.",
        )


def compare_timeout(function: Function, *reserved: Duration) -> Iterator[Mismatch]:
    """The times that code reserves within an invocation are shorter than the function's timeout."""
    for duration in reserved:
        if duration.seconds >= function.timeout:
            yield Mismatch(
                f"{duration.name} takes all the time that {function.name} has",
                f"{duration.where} is {duration.seconds:g} s",
                f"{function.address} has a timeout of {function.timeout:g} s",
                "Reserve less, or raise the timeout.",
            )


def compare_link(plan: PlanGraph, function: Function, link: Duration) -> Iterator[Mismatch]:
    """A presigned link expires before the session that signed it, whose length the role limits."""
    for role in plan.of("aws_iam_role"):
        lasts = number(role.get("max_session_duration"))
        if role.get("name") == function.function_name and lasts is not None and link.seconds > lasts:
            yield Mismatch(
                f"{link.name} outlives the session that signs it",
                f"{link.where} is {link.seconds:g} s",
                f"{role.address} has sessions of {lasts:g} s at most",
                "Let links expire sooner.",
            )
