"""Lambda: failed batches whose failure cannot be reported."""

import functools
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.services.lambda_.event_source_mapping.pollers import poller, stream_poller

from emulation.patch import patches, source_lacks

_log = logging.getLogger("host.lambda_batch_failures")


def _rejects_a_number(parse: Any) -> bool:
    try:
        parse(7)
    except (TypeError, AttributeError):
        return True
    except (KeyError, ValueError):
        pass
    return False


@patches(poller, "parse_batch_item_failures", needed=_rejects_a_number)
def malformed_reports(original: Any) -> Any:
    """With ReportBatchItemFailures, a response that is not a failure report fails the whole batch.

    AWS: "Lambda treats a batch as a complete failure" for "an invalid JSON response", or an item that names no record.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    The pages on streams name only the latter; this patch assumes that streams behave like queues here.
    LocalStack: handles items that name no record. A number, a list or the like raises an unexpected exception: records
    of a stream are discarded without a message, or retried without counting the call of the function.
    """

    @functools.wraps(original)
    def parse_batch_item_failures(result: Any, valid_item_ids: set[str] | None = None) -> Any:
        try:
            return original(result, valid_item_ids)
        except (TypeError, AttributeError) as error:
            raise ValueError("the response is not a failure report") from error

    return parse_batch_item_failures


@patches(stream_poller, "StreamPoller.send_events_to_dlq", needed=source_lacks("except"))
def unreachable_destination(original: Any) -> Any:
    """If failed records of a stream cannot be reported to their destination, the records after them are processed.

    AWS: discards the records "and continues processing batches from the stream". The undelivered reports are counted
    by the metric ``DestinationDeliveryFailures``, which is not written here.
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    LocalStack: the error ends the polling round, and no other record of this round is ever processed.
    """

    @functools.wraps(original)
    def send_events_to_dlq(self: Any, shard_id: str, events: Any, context: Any) -> None:
        try:
            original(self, shard_id, events, context=context)
        except (ClientError, BotoCoreError) as error:
            _log.error("%d failed records of %s not reported to their destination: %s", len(events), shard_id, error)

    return send_events_to_dlq
