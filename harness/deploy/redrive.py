"""Redrive: what is in a dead-letter queue is shown, put back to where it belongs, and followed to its end.

An event is given to its function again, or to its rule's target, and not to the bus: other rules have had it. A record
is given to the function that has set it aside. Of records that Lambda has given up it keeps the places only; they are
read from the stream while it has them, which is a day, and after that they become a sweep of that time.
``docs/runbooks/redrive.md`` shows how to use it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from rich.markup import escape
from rich.table import Table

from harness.console import ProgressStep, out
from harness.deploy.invocation import Invoker
from harness.deploy.letters import Kind, Letter, LetterBox
from harness.deploy.sweep import Period, Sweeper
from harness.errors import HarnessError

BATCH = 25
"""Records that a function gets at once, as its mapping does (`batch_size` of modules/lambda)."""

MARGIN = timedelta(minutes=1)
"""Around a sweep's period: Lambda calls the times of its records approximate."""

_FORGOTTEN = {"ExpiredIteratorException", "ResourceNotFoundException", "TrimmedDataAccessException"}
"""What a stream answers of records that it has no more, or a table of a stream that it has no more.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
"""


class NotHandled(Exception):
    """A letter was delivered again, and its receiver failed again; the message says how."""


@dataclass(frozen=True)
class Destination:
    """Where the letters of a queue belong.

    Attributes:
        name: The function's short name, or the rule and its target.
        queue: The URL of the dead-letter queue.
        function: The function; empty if each letter names its target itself.
    """

    name: str
    queue: str
    function: str = ""


def destinations(outputs: Mapping[str, Any], name: str) -> list[Destination]:
    """The queues of a function or a rule.

    Args:
        outputs: The output ``stack`` of the live folder.
        name: A function's short name; or a rule's name, with or without its environment, or with its target behind a
            slash.

    Raises:
        HarnessError: There is neither.
    """
    functions, rules = outputs["dead_letter_queues"], outputs["event_dead_letter_queues"]
    found = [Destination(name, functions[name], name)] if name in functions else []
    found += [Destination(key, url) for key, url in rules.items() if _is_named(key, name)]
    if not found:
        known = ", ".join([*sorted(functions), *sorted(rules)])
        raise HarnessError(f"There is no function or rule {name!r}.", remedy=f"Use one of: {known}.")
    return found


def _is_named(key: str, name: str) -> bool:
    rule = key.partition("/")[0]
    return name in {key, rule, rule.rpartition("-")[0]}


class Redriver:
    """Delivers letters again.

    Args:
        invoker: Calls functions.
        sweeper: Sweeps, for what the stream has forgotten.
        streams: A client of DynamoDB's streams.
        sns: A client of SNS.
    """

    def __init__(self, invoker: Invoker, sweeper: Sweeper, streams: Any, sns: Any) -> None:
        self._invoker, self._sweeper, self._streams, self._sns = invoker, sweeper, streams, sns

    def deliver(self, letter: Letter, destination: Destination) -> str:
        """Deliver a letter again, and wait for the end.

        Returns:
            What became of it, in a few words.

        Raises:
            NotHandled: Its receiver failed.
        """
        if not letter.content:
            raise NotHandled("it is no JSON object, which no function gets")
        match letter.kind:
            case Kind.POSITIONS:
                return self._deliver_positions(letter, destination)
            case Kind.RECORD:
                self._deliver_records([letter.content], destination)
                return "handled"
            case Kind.EVENT:
                return self._deliver_event(letter, destination)

    def _deliver_event(self, letter: Letter, destination: Destination) -> str:
        target = letter.attributes.get("TARGET_ARN", "")
        if ":sns:" in target:
            self._sns.publish(TopicArn=target, Message=letter.body)
            return "published"
        function = destination.function or target
        if not function:
            raise NotHandled("it does not name its target")
        self._call(function, letter.content)
        return "handled"

    def _deliver_positions(self, letter: Letter, destination: Destination) -> str:
        batch = letter.content["DDBStreamBatchInfo"]
        try:
            records = [*self._records(batch)]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _FORGOTTEN:
                raise
            records = []
        if len(records) == batch["batchSize"]:
            for start in range(0, len(records), BATCH):
                self._deliver_records(records[start : start + BATCH], destination)
            return f"{len(records)} records of the stream handled"
        figures = self._sweeper.run(period=_period(batch))
        return f"the stream has forgotten them; a sweep has healed {figures.healed}"

    def _records(self, batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The records of a batch as Lambda delivers them."""
        end = int(batch["endSequenceNumber"])
        iterator = self._streams.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
        while iterator:
            response = self._streams.get_records(ShardIterator=iterator)
            for record in response["Records"]:
                if int(record["dynamodb"]["SequenceNumber"]) > end:
                    return
                yield {**record, "dynamodb": _plain(record["dynamodb"]), "eventSourceARN": batch["streamArn"]}
                if int(record["dynamodb"]["SequenceNumber"]) == end:
                    return
            iterator = response.get("NextShardIterator") if response["Records"] else None

    def _deliver_records(self, records: Sequence[Mapping[str, Any]], destination: Destination) -> None:
        response = self._call(destination.function, {"Records": records})
        failures = response.get("batchItemFailures", []) if isinstance(response, dict) else []
        if failures:
            raise NotHandled(f"{len(failures)} of {len(records)} records failed; the log says why")

    def _call(self, function: str, event: Mapping[str, Any]) -> Any:
        result = self._invoker.call(function, event)
        if result.error:
            raise NotHandled(result.error)
        return result.response


def _plain(change: Mapping[str, Any]) -> dict[str, Any]:
    """A change in JSON: boto3 reads its moment as a date."""
    moment = change.get("ApproximateCreationDateTime")
    return {**change, "ApproximateCreationDateTime": moment.timestamp()} if isinstance(moment, datetime) else {**change}


def _period(batch: Mapping[str, Any]) -> Period:
    first, last = (datetime.fromisoformat(batch[f"approximateArrivalOf{which}Record"]) for which in ("First", "Last"))
    return Period(first - MARGIN, last + MARGIN)


def show(destination: Destination, letters: Iterable[Letter]) -> None:
    """Print what is in a queue, and why."""
    table = Table("Since", "What", "About", "Why", title=destination.name)
    for letter in letters:
        since = f"{datetime.now(UTC) - letter.sent_at}".partition(".")[0]
        table.add_row(since, letter.kind, escape(letter.subject), escape(letter.reason))
    out.print(table)


def redrive(redriver: Redriver, box: LetterBox, destination: Destination, letters: Sequence[Letter]) -> list[str]:
    """Deliver letters again, the oldest first. What is handled is deleted; what is not is put back.

    Returns:
        What was not handled, each with the reason.
    """
    failed = []
    with ProgressStep(f"Redrive {destination.name}") as step:
        for number, letter in enumerate(letters):
            step.advance_to(number, len(letters), letter.subject)
            try:
                outcome = redriver.deliver(letter, destination)
            except NotHandled as error:
                failed.append(f"{letter.subject}: {error}")
                box.put_back(letter)
            else:
                box.delete(letter)
                out.print(escape(f"  {letter.subject}: {outcome}"))
        step.conclude(f"{len(letters) - len(failed)} of {len(letters)} handled")
    return failed + _came_back(box, letters, {json.dumps(letter.content, sort_keys=True) for letter in letters})


def _came_back(box: LetterBox, letters: Sequence[Letter], contents: set[str]) -> list[str]:
    """The letters that came into the queue meanwhile with the content of one that was handled: set aside once more."""
    known = {letter.message_id for letter in letters}
    again = []
    for letter in box.take():
        box.put_back(letter)
        if letter.message_id not in known and json.dumps(letter.content, sort_keys=True) in contents:
            again.append(f"{letter.subject}: it was set aside again: {letter.reason}")
    return again
