"""Times that have to fit each other: of the gateway, functions, queues, streams, retries, and what code remembers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.functions import Function, called
from harness.contract.mismatch import Mismatch
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN, Resource, number

GATEWAY_S = 29.0
"""The longest that a REST API waits for a function (API Gateway quotas: "Integration timeout", 29 s)."""


@dataclass(frozen=True)
class Waiting:
    """Times that the code sets.

    Attributes:
        name: Of what.
        seconds: How long.
        where: File and symbol.
    """

    name: str
    seconds: float
    where: str


def gateway(plan: PlanGraph, functions: Mapping[str, Function]) -> Iterator[Mismatch]:
    """The gateway gives up within its limit and before the function is cut off: whoever waits is answered by it."""
    for one in plan.of("aws_api_gateway_integration"):
        name = called(one.get("uri"), functions) if one.get("type") != "MOCK" else ""
        if not name:
            continue
        waits = (number(one.get("timeout_milliseconds")) or GATEWAY_S * 1000) / 1000
        runs = functions[name].timeout if name in functions else 0.0
        if waits > GATEWAY_S or waits > runs:
            address = functions[name].address if name in functions else "no function"
            yield Mismatch(
                f"The gateway waits longer for {name} than it may, or than that runs",
                f"a REST API waits {GATEWAY_S:g} s at the most; {name} runs {runs:g} s at the most",
                f"{one.address} waits {waits:g} s; {address} has a timeout of {runs:g} s",
                f"Let timeout_milliseconds be at most {GATEWAY_S * 1000:g} and the function's time-out no less.",
            )


def queues(plan: PlanGraph, functions: Mapping[str, Function]) -> Iterator[Mismatch]:
    """A queue that feeds a function hides a message for as long as that may run: six times as long, as AWS advises.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    for mapping in plan.of("aws_lambda_event_source_mapping"):
        linked = plan.links(mapping, "event_source_arn", "aws_sqs_queue")
        runs = _runs(plan, mapping, functions)
        for queue in linked:
            hides = number(queue.get("visibility_timeout_seconds")) or 30
            if hides < 6 * runs:
                yield Mismatch(
                    f"{queue.address} shows a message again while it is worked on",
                    f"the function may run {runs:g} s; six times that is to be hidden",
                    f"{queue.address} hides it for {hides:g} s, and {mapping.address} reads it",
                    "Raise visibility_timeout_seconds.",
                )


def streams(plan: PlanGraph, functions: Mapping[str, Function]) -> Iterator[Mismatch]:
    """A stream's window and the age at which it gives up leave its function time for the tries that it is granted."""
    for mapping in plan.of("aws_lambda_event_source_mapping"):
        runs = _runs(plan, mapping, functions)
        age = number(mapping.get("maximum_record_age_in_seconds"))
        tries = number(mapping.get("maximum_retry_attempts"))
        window = number(mapping.get("maximum_batching_window_in_seconds")) or 0
        if age is not None and age >= 0 and tries is not None and tries >= 0 and age < window + runs * (1 + tries):
            yield Mismatch(
                "Records of a stream are given up before they are tried as often as is granted",
                f"the function may run {runs:g} s each time",
                f"{mapping.address} gives up after {age:g} s, waits {window:g} s, and grants {tries:g} retries",
                "Raise maximum_record_age_in_seconds (-1: as long as the stream keeps them), or lower the retries.",
            )


def _runs(plan: PlanGraph, mapping: Resource, functions: Mapping[str, Function]) -> float:
    """Seconds that the function behind a mapping may run; 0 if the plan does not say which that is."""
    linked = plan.links(mapping, "function_name", "aws_lambda_alias", "aws_lambda_function")
    names = {one.get("function_name") for one in linked}
    return max((one.timeout for one in functions.values() if one.function_name in names), default=0.0)


def longest_delivery(plan: PlanGraph) -> tuple[float, str]:
    """Seconds after which no event is delivered to a function any more, and what allows that.

    EventBridge's retries, then the function's own asynchronous ones, then the time that a dead-letter queue keeps what
    failed: it can be sent again until then.
    """
    targets = [
        (number(one.get("retry_policy.maximum_event_age_in_seconds")) or 86400, one.address)
        for one in plan.of("aws_cloudwatch_event_target")
    ]
    configs = [
        (number(one.get("maximum_event_age_in_seconds")) or 21600, one.address)
        for one in plan.of("aws_lambda_function_event_invoke_config")
    ]
    kept = [
        (number(one.get("message_retention_seconds")) or 345600, one.address)
        for one in plan.of("aws_sqs_queue")
        if one.get("message_retention_seconds") is not UNKNOWN
    ]
    parts = [max(some) for some in (targets, configs, kept) if some]
    return sum(seconds for seconds, _ in parts), " + ".join(f"{address} ({seconds:g} s)" for seconds, address in parts)


def remembered(plan: PlanGraph, memory: Waiting) -> Iterator[Mismatch]:
    """What was done is remembered for longer than the event that asks for it can come again."""
    seconds, why = longest_delivery(plan)
    if memory.seconds <= seconds:
        yield Mismatch(
            f"{memory.name} is forgotten before its event stops coming",
            f"{memory.where} is {memory.seconds:g} s",
            f"an event can come again for {seconds:g} s: {why}",
            "Remember for longer, or retry and keep for less.",
        )


def within_timeout(function: Function, *waits: Waiting) -> Iterator[Mismatch]:
    """What code sets aside of an invocation's time leaves some of it."""
    for one in waits:
        if one.seconds >= function.timeout:
            yield Mismatch(
                f"{one.name} takes all the time that {function.name} has",
                f"{one.where} is {one.seconds:g} s",
                f"{function.address} has a timeout of {function.timeout:g} s",
                "Set aside less, or raise the time-out.",
            )


def signed(plan: PlanGraph, function: Function, link: Waiting) -> Iterator[Mismatch]:
    """A link does not outlive the session that signed it: a role's sessions last no longer than it says."""
    for role in plan.of("aws_iam_role"):
        lasts = number(role.get("max_session_duration"))
        if role.get("name") == function.function_name and lasts is not None and link.seconds > lasts:
            yield Mismatch(
                f"{link.name} outlives the session that signs it",
                f"{link.where} is {link.seconds:g} s",
                f"{role.address} has sessions of {lasts:g} s at the most",
                "Let links end sooner.",
            )
