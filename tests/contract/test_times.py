"""Times fit each other: the gateway's, the functions', the queues', the stream's, and what the code remembers."""

import pytest

from harness.contract import timing
from harness.contract.mismatch import symbol, told
from harness.contract.timing import Waiting
from harness.plan.resource import number
from invoicing.documents import bucket
from invoicing.runtime import aws
from invoicing.table import claims, store
from invoicing.uploads import deadline, progress
from tests.contract.conftest import Environment

REMEMBERED = (
    Waiting(
        "A handled upload",
        store.MARKER_LIFE.total_seconds(),
        symbol(progress, "UploadProgress.begin (store.MARKER_LIFE)"),
    ),
    Waiting("An Idempotency-Key", store.MARKER_LIFE.total_seconds(), symbol(store, "MARKER_LIFE")),
    Waiting("What an invoice said", claims.CONTENT_LIFE.total_seconds(), symbol(claims, "CONTENT_LIFE")),
)
"""What ends a repetition, for as long as it is there."""


def test_the_gateway_gives_up_in_time_and_before_the_function(live: Environment) -> None:
    """A function's own time-out may be longer: it also does what no client waits for (DESIGN's values are 30 and 60 s).

    What it goes on with is not lost: the same request again is answered with the first result.
    """
    found = [*timing.gateway(live.plan, live.functions)]

    assert not found, told(found)


def test_queues_hide_messages_while_functions_work_on_them(live: Environment) -> None:
    found = [*timing.queues(live.plan, live.functions)]

    assert not found, told(found)


def test_the_stream_gives_up_no_sooner_than_is_granted(live: Environment) -> None:
    found = [*timing.streams(live.plan, live.functions)]

    assert not found, told(found)
    assert live.plan.of("aws_lambda_event_source_mapping")


@pytest.mark.parametrize("memory", REMEMBERED, ids=lambda one: one.name)
def test_what_was_done_is_remembered_while_it_can_be_asked_for_again(live: Environment, memory: Waiting) -> None:
    found = [*timing.remembered(live.plan, memory)]

    assert not found, told(found)
    seconds, why = timing.longest_delivery(live.plan)
    assert seconds > 14 * 86400, why


def test_functions_have_time_for_what_they_set_aside(live: Environment) -> None:
    reserve = Waiting("The end of a part", deadline.RESERVE_SECONDS, symbol(deadline, "RESERVE_SECONDS"))
    answer = Waiting("One answer of AWS", aws.CONFIG.connect_timeout + aws.CONFIG.read_timeout, symbol(aws, "CONFIG"))

    found = [
        *timing.within_timeout(live.functions["create-invoice"], reserve),
        *(one for function in live.functions.values() for one in timing.within_timeout(function, answer)),
    ]

    assert not found, told(found)


def test_links_end_before_the_session_that_signs_them(live: Environment) -> None:
    link = Waiting("A link to a PDF", bucket.LINK_SECONDS, symbol(bucket, "LINK_SECONDS"))

    found = [*timing.signed(live.plan, live.functions["get-invoice"], link)]

    assert not found, told(found)
    names = {one.get("name") for one in live.plan.of("aws_iam_role") if number(one.get("max_session_duration"))}
    assert live.functions["get-invoice"].function_name in names
