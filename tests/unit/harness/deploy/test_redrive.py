"""Redrive: what a letter is, where it belongs, and what becomes of it; without AWS."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.deploy.invocation import Invoker, Result
from harness.deploy.letters import Kind, Letter
from harness.deploy.redrive import Destination, NotHandled, Redriver, destinations, redrive
from harness.deploy.sweep import Figures, Period, Sweeper
from harness.errors import HarnessError

OUTPUTS = {
    "dead_letter_queues": {"pack": "q/pack-dlq", "tell": "q/tell-dlq"},
    "event_dead_letter_queues": {"order-placed-dev/pack": "q/placed-pack-dlq", "order-placed-dev/tell": "q/tell"},
}
BATCH = {
    "batchSize": 2,
    "shardId": "shard-1",
    "startSequenceNumber": "7",
    "endSequenceNumber": "8",
    "streamArn": "arn:stream",
    "approximateArrivalOfFirstRecord": "2026-11-22T09:30:00.000Z",
    "approximateArrivalOfLastRecord": "2026-11-22T09:31:00.000Z",
}
PACK = Destination("pack", "q", "pack")


def a_letter(body: object, number: int = 1, /, **attributes: str) -> Letter:
    text = body if isinstance(body, str) else json.dumps(body)
    return Letter(f"m-{number}", f"r-{number}", text, attributes, datetime(2026, 11, 22, 9, number, tzinfo=UTC))


class Functions(Invoker):
    """Functions that remember what they got, and respond as they are told."""

    def __init__(self, *results: Result) -> None:
        self.results = [*results]
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def call(self, function: str, event: Mapping[str, Any]) -> Result:
        self.calls.append((function, event))
        return self.results.pop(0) if self.results else Result(None)


class Sweeps(Sweeper):
    def __init__(self) -> None:
        self.periods: list[Period | None] = []

    def run(self, *, period: Period | None = None, **_: Any) -> Figures:
        self.periods.append(period)
        return Figures({"untold": 3})


class Streams:
    """A stream with numbered records, from the first that it remembers on."""

    def __init__(self, first: int = 1, last: int = 9) -> None:
        self.numbers = range(first, last + 1)

    def get_shard_iterator(self, SequenceNumber: str, **_: Any) -> dict[str, str]:  # noqa: N803 -- boto3's name
        if int(SequenceNumber) not in self.numbers:
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException", "Message": "gone"}}, "GetShardIterator")
        return {"ShardIterator": SequenceNumber}

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 -- boto3's name
        moment = datetime(2026, 11, 22, tzinfo=UTC)
        change = {"SequenceNumber": ShardIterator, "ApproximateCreationDateTime": moment}
        return {
            "Records": [{"eventID": ShardIterator, "dynamodb": change}],
            "NextShardIterator": f"{int(ShardIterator) + 1}",
        }


class Topics:
    def __init__(self) -> None:
        self.published: list[dict[str, str]] = []

    def publish(self, **message: str) -> None:
        self.published.append(message)


def a_redriver(functions: Functions | None = None, streams: Streams | None = None) -> tuple[Redriver, Any, Sweeps, Any]:
    functions, sweeps, topics = functions or Functions(), Sweeps(), Topics()
    return Redriver(functions, sweeps, streams or Streams(), topics), functions, sweeps, topics


class Box:
    """A dead-letter queue in memory."""

    def __init__(self, *meanwhile: Letter) -> None:
        self.meanwhile = meanwhile
        self.deleted: list[str] = []
        self.shown: list[str] = []

    def take(self) -> Iterator[Letter]:
        return iter(self.meanwhile)

    def delete(self, letter: Letter) -> None:
        self.deleted.append(letter.message_id)

    def put_back(self, letter: Letter) -> None:
        self.shown.append(letter.message_id)


@pytest.mark.parametrize(
    ("body", "attributes", "kind", "reason"),
    [
        (
            {"detail-type": "a"},
            {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "no"},
            Kind.EVENT,
            "NO_PERMISSIONS: no",
        ),
        ({"detail": {}}, {"ErrorCode": "200", "ErrorMessage": "bad"}, Kind.EVENT, "200: bad"),
        ({"dynamodb": {}}, {"ErrorCode": "Broken"}, Kind.RECORD, "Broken"),
        (
            {"DDBStreamBatchInfo": BATCH, "requestContext": {"condition": "RetryAttemptsExhausted"}},
            {},
            Kind.POSITIONS,
            "RetryAttemptsExhausted",
        ),
        ("no JSON", {}, Kind.EVENT, "its sender does not say why"),
    ],
)
def test_a_letter_says_what_it_is_and_why(body: object, attributes: dict[str, str], kind: Kind, reason: str) -> None:
    letter = a_letter(body, 1, **attributes)

    assert (letter.kind, letter.reason) == (kind, reason)
    assert letter.subject


def test_a_message_of_sqs_is_read() -> None:
    message = {
        "MessageId": "m",
        "ReceiptHandle": "r",
        "Body": "{}",
        "Attributes": {"SentTimestamp": "1795512600000"},
        "MessageAttributes": {"ErrorCode": {"DataType": "String", "StringValue": "x"}},
    }

    letter = Letter.read(message)

    assert (letter.attributes, letter.sent_at.year) == ({"ErrorCode": "x"}, 2026)


@pytest.mark.parametrize(
    ("name", "queues"),
    [
        ("pack", ["q/pack-dlq"]),
        ("order-placed", ["q/placed-pack-dlq", "q/tell"]),
        ("order-placed-dev", ["q/placed-pack-dlq", "q/tell"]),
        ("order-placed-dev/tell", ["q/tell"]),
    ],
)
def test_a_name_leads_to_its_queues(name: str, queues: list[str]) -> None:
    assert [destination.queue for destination in destinations(OUTPUTS, name)] == queues


def test_an_unknown_name_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(HarnessError, match="no function or rule 'ship'") as error:
        destinations(OUTPUTS, "ship")

    assert "order-placed-dev/tell" in error.value.remedy


def test_an_event_goes_to_its_function_again() -> None:
    redriver, functions, _, _ = a_redriver()

    assert redriver.deliver(a_letter({"detail": {"id": 1}}), PACK) == "handled"
    assert functions.calls == [("pack", {"detail": {"id": 1}})]


def test_an_event_of_a_rule_goes_to_the_target_that_it_names() -> None:
    redriver, functions, _, topics = a_redriver()
    rule = Destination("order-placed-dev/x", "q")

    redriver.deliver(a_letter({"id": "1"}, TARGET_ARN="arn:aws:lambda:r:a:function:pack-dev:live"), rule)
    redriver.deliver(a_letter({"id": "2"}, TARGET_ARN="arn:aws:sns:r:a:topic"), rule)

    assert functions.calls == [("arn:aws:lambda:r:a:function:pack-dev:live", {"id": "1"})]
    assert topics.published == [{"TopicArn": "arn:aws:sns:r:a:topic", "Message": '{"id": "2"}'}]
    with pytest.raises(NotHandled, match="does not name its target"):
        redriver.deliver(a_letter({"id": "3"}), rule)


def test_a_function_that_fails_again_is_reported() -> None:
    redriver, _, _, _ = a_redriver(Functions(Result(None, "NotFound: no order 1")))

    with pytest.raises(NotHandled, match="no order 1"):
        redriver.deliver(a_letter({"detail": {}}), PACK)


def test_a_record_that_fails_again_is_reported() -> None:
    failure = Result({"batchItemFailures": [{"itemIdentifier": "7"}]})
    redriver, functions, _, _ = a_redriver(Functions(failure))
    record = {"eventName": "INSERT", "dynamodb": {"Keys": {"id": {"S": "1"}}}}

    with pytest.raises(NotHandled, match="1 of 1 records failed"):
        redriver.deliver(a_letter(record), PACK)

    assert functions.calls == [("pack", {"Records": [record]})]


def test_positions_become_records_again_while_the_stream_has_them() -> None:
    redriver, functions, sweeps, _ = a_redriver()

    outcome = redriver.deliver(a_letter({"DDBStreamBatchInfo": BATCH}), PACK)

    assert outcome == "2 records of the stream handled"
    [(_, event)] = functions.calls
    numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
    assert (numbers, sweeps.periods) == (["7", "8"], [])
    assert json.dumps(event)


@pytest.mark.parametrize("streams", [Streams(first=8), Streams(last=7)])
def test_positions_that_the_stream_has_forgotten_become_a_sweep_of_their_time(streams: Streams) -> None:
    if 7 in streams.numbers:
        streams.get_records = lambda **_: {"Records": [], "NextShardIterator": None}  # type: ignore[method-assign]
    redriver, functions, sweeps, _ = a_redriver(streams=streams)

    outcome = redriver.deliver(a_letter({"DDBStreamBatchInfo": BATCH}), PACK)

    first, last = datetime(2026, 11, 22, 9, 29, tzinfo=UTC), datetime(2026, 11, 22, 9, 32, tzinfo=UTC)
    assert "a sweep has healed 3" in outcome
    assert (functions.calls, sweeps.periods) == ([], [Period(first, last)])


def test_what_is_handled_is_deleted_and_the_rest_is_put_back() -> None:
    redriver, _, _, _ = a_redriver(Functions(Result(None), Result(None, "Broken")))
    box = Box()

    failed = redrive(redriver, box, PACK, [a_letter({"detail": 1}), a_letter({"detail": 2}, 2)])  # type: ignore[arg-type]

    assert (box.deleted, box.shown) == (["m-1"], ["m-2"])
    assert failed == ["detail: Broken"]


def test_a_record_that_is_set_aside_again_counts_as_not_handled() -> None:
    record = {"eventName": "INSERT", "dynamodb": {"Keys": {"id": {"S": "1"}}}}
    redriver, _, _, _ = a_redriver()
    box = Box(a_letter(record, 2, ErrorCode="ValidationError"))

    failed = redrive(redriver, box, PACK, [a_letter(record)])  # type: ignore[arg-type]

    assert failed == ["INSERT 1: it was set aside again: ValidationError"]
    assert box.shown == ["m-2"]


def test_a_sweep_goes_on_until_nothing_is_left() -> None:
    first = {"undecided": 2, "failed": ["a"], "place": "2026-11-22T00:00:00Z/x", "more": True}
    second = {"undecided": 1, "failed": ["a"], "place": "2026-11-23T00:00:00Z", "more": False}
    functions = Functions(Result(first), Result(second))

    figures = Sweeper(functions, "pack").run(since=datetime(2026, 11, 1, tzinfo=UTC))

    assert (figures.counts, figures.failed, figures.calls) == ({"undecided": 3}, {"a"}, 2)
    assert [event["since"] for _, event in functions.calls] == ["2026-11-01T00:00:00.000000Z", first["place"]]


def test_a_sweep_of_a_period_begins_long_before_it() -> None:
    functions = Functions(Result({"failed": [], "more": False}))
    period = Period(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))

    Sweeper(functions, "pack").run(period=period)

    [(_, event)] = functions.calls
    assert event["changed"] == {"from": "2026-11-22T00:00:00.000000Z", "to": "2026-11-23T00:00:00.000000Z"}
    assert event["since"].startswith("2025-10-18")


def test_a_sweep_that_fails_is_an_error() -> None:
    with pytest.raises(HarnessError, match="pack could not sweep: Broken"):
        Sweeper(Functions(Result(None, "Broken")), "pack").run()
