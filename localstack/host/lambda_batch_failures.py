"""Lambda: batches that failed, and cannot be told to have failed."""

import functools
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.services.lambda_.event_source_mapping.pollers import poller, stream_poller

from emulation.patch import patches, source_lacks

_log = logging.getLogger("host.lambda_batch_failures")


def _takes_no_number(parse: Any) -> bool:
    try:
        parse(7)
    except (TypeError, AttributeError):
        return True
    except (KeyError, ValueError):
        pass
    return False


@patches(poller, "parse_batch_item_failures", needed=_takes_no_number)
def malformed_reports(original: Any) -> Any:
    """With ReportBatchItemFailures, an answer that is no report of failures fails the whole batch.

    AWS: "Lambda treats a batch as a complete failure" for "an invalid JSON response", or an item that names no record.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    The pages on streams name only the latter; that theirs fail like those of queues is what we take from it.
    LocalStack: knows items that name no record; a number, a list or the like raises what nobody expects: records of a
    stream are given up without a word, or tried again without counting that the function was called.
    """

    @functools.wraps(original)
    def parse_batch_item_failures(result: Any, valid_item_ids: set[str] | None = None) -> Any:
        try:
            return original(result, valid_item_ids)
        except (TypeError, AttributeError) as fault:
            raise ValueError("this is no report of failures") from fault

    return parse_batch_item_failures


@patches(stream_poller, "StreamPoller.send_events_to_dlq", needed=source_lacks("except"))
def unreachable_destination(original: Any) -> Any:
    """A stream's records that cannot be told to the destination for failures are given up; those behind them go on.

    AWS: discards the records "and continues processing batches from the stream"; what could not be delivered is counted
    as ``DestinationDeliveryFailures``, a metric that is not written here.
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    LocalStack: the error ends the round, and whatever was read from the stream in it is never processed.
    """

    @functools.wraps(original)
    def send_events_to_dlq(self: Any, shard_id: str, events: Any, context: Any) -> None:
        try:
            original(self, shard_id, events, context=context)
        except (ClientError, BotoCoreError) as fault:
            _log.error("%d failed records of %s not told to their destination: %s", len(events), shard_id, fault)

    return send_events_to_dlq
