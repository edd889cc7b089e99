"""Times fit each other: those of the gateway, functions, queues and stream, and how long the code remembers."""

import pytest

from harness.contract import timing
from harness.contract.mismatch import report, symbol
from harness.contract.timing import Duration
from harness.plan.resource import number
from invoicing.documents import bucket
from invoicing.runtime import aws
from invoicing.table import claims, store, stream
from invoicing.uploads import deadline, progress
from tests.contract.conftest import Environment

REMEMBERED = (
    Duration(
        "A handled upload",
        store.MARKER_LIFE.total_seconds(),
        symbol(progress, "UploadProgress.begin (store.MARKER_LIFE)"),
    ),
    Duration("An Idempotency-Key", store.MARKER_LIFE.total_seconds(), symbol(store, "MARKER_LIFE")),
    Duration("What an invoice said", claims.CONTENT_LIFE.total_seconds(), symbol(claims, "CONTENT_LIFE")),
)
"""Records that prevent a repetition, and how long each is kept."""


def test_the_gateway_times_out_before_the_function(live: Environment) -> None:
    """A function's own timeout may be longer, because it also does work that no client waits for.

    docs/decisions/0004-environment-values.md has the timeouts of both environments (30 and 60 s). Work that goes on
    after the gateway's timeout is not lost: the same request again gets the first result.
    """
    mismatches = [*timing.compare_gateway(live.plan, live.functions)]

    assert not mismatches, report(mismatches)


def test_queues_hide_messages_while_functions_work_on_them(live: Environment) -> None:
    mismatches = [*timing.compare_queues(live.plan, live.functions)]

    assert not mismatches, report(mismatches)


def test_the_stream_leaves_time_for_all_retries(live: Environment) -> None:
    mismatches = [*timing.compare_streams(live.plan, live.functions)]

    assert not mismatches, report(mismatches)
    assert live.plan.of("aws_lambda_event_source_mapping")


@pytest.mark.parametrize("memory", REMEMBERED, ids=lambda memory: memory.name)
def test_work_is_remembered_while_its_event_can_come_again(live: Environment, memory: Duration) -> None:
    mismatches = [*timing.compare_memory(live.plan, memory)]

    assert not mismatches, report(mismatches)
    seconds, why = timing.longest_delivery(live.plan)
    assert seconds > 14 * 86400, why


def test_functions_have_time_for_what_they_reserve(live: Environment) -> None:
    reserve = Duration("The end of a part", deadline.RESERVE_SECONDS, symbol(deadline, "RESERVE_SECONDS"))
    call = Duration("One call of AWS with all its attempts", aws.longest_call(), symbol(aws, "longest_call"))

    record = Duration("A record of the stream", stream.RESERVE_S, symbol(stream, "RESERVE_S"))

    mismatches = [
        *timing.compare_timeout(live.functions["create-invoice"], reserve),
        *timing.compare_timeout(live.functions["process-invoice"], record),
        *(each for function in live.functions.values() for each in timing.compare_timeout(function, call)),
    ]

    assert not mismatches, report(mismatches)


def test_links_expire_before_the_session_that_signs_them(live: Environment) -> None:
    link = Duration("A link to a PDF", bucket.LINK_SECONDS, symbol(bucket, "LINK_SECONDS"))

    mismatches = [*timing.compare_link(live.plan, live.functions["get-invoice"], link)]

    assert not mismatches, report(mismatches)
    names = {role.get("name") for role in live.plan.of("aws_iam_role") if number(role.get("max_session_duration"))}
    assert live.functions["get-invoice"].function_name in names
