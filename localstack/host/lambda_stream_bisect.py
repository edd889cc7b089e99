"""Lambda: halving of a stream's failed batches."""

import functools
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.services.lambda_.event_source_mapping import esm_worker_factory
from localstack.services.lambda_.event_source_mapping.event_processor import (
    BatchFailureError,
    PartialBatchFailureError,
)
from localstack.services.lambda_.event_source_mapping.pollers import stream_poller
from localstack.services.lambda_.event_source_mapping.pollers.poller import get_batch_item_failures

from emulation.patch import patches, source_lacks

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0

Records = list[dict[str, Any]]


class _NotReachedError(Exception):
    """The function could not be called, for example because it is throttled or deleted; see :func:`halved_batches`."""


@patches(esm_worker_factory, "EsmWorkerFactory.get_esm_worker", needed=source_lacks("BisectBatchOnFunctionError"))
def bisect_setting(original: Any) -> Any:
    """A poller has the ``BisectBatchOnFunctionError`` of its mapping; see :func:`halved_batches`."""

    @functools.wraps(original)
    def get_esm_worker(self: Any) -> Any:
        worker = original(self)
        worker.poller.bisects = bool(self.esm_config.get("BisectBatchOnFunctionError"))
        return worker

    return get_esm_worker


@patches(stream_poller, "StreamPoller.forward_events_to_target", needed=source_lacks("BisectBatchOnFunctionError"))
def halved_batches(original: Any) -> Any:
    """A failed batch is halved until the failing record is alone; only this record is discarded.

    AWS: "splits the batch in half and retries each half separately. [...] Splitting a batch doesn't count toward the
    retry quota." With ReportBatchItemFailures, "the batch is bisected at the returned sequence number, and Lambda
    retries only the remaining records", undivided.
    A mapping that "is unable to invoke the function due to throttling or other issues" (for example because it is
    deleted) "retries until the records expire or exceed the maximum age", however small the
    retry quota: the shard waits until then.
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    LocalStack: "not implemented"; the whole batch is retried and discarded, with the records after the failing one.
    """

    @functools.wraps(original)
    def forward_events_to_target(self: Any, shard_id: str, records: Records) -> None:
        if not getattr(self, "bisects", False):
            original(self, shard_id, records)
            return
        polled = self.pre_filter(self.transform_into_events(records, shard_id))
        matching = self.post_filter(self.filter_events(polled))
        if matching:
            _process(self, shard_id, self.add_source_metadata(matching))

    return forward_events_to_target


def _process(poller: Any, shard_id: str, events: Records) -> None:
    """Process records in order until each succeeds or is discarded, or the mapping is disabled."""
    quota = int(poller.stream_parameters.get("MaximumRetryAttempts", -1))  # -1: until the records expire
    age_s = max(int(poller.stream_parameters.get("MaximumRecordAgeInSeconds", -1)), 0)
    pending, attempts, retries, pauses = [events], 0, 0, _pauses()
    while pending and not poller._is_shutdown.is_set():
        batch = pending.pop(0)
        if age_s:
            batch, expired = poller.bisect_events_by_record_age(age_s, batch)
            _discard(poller, shard_id, expired, "RecordAgeExceeded", attempts, {})
        if not batch:
            attempts, retries, pauses = 0, 0, _pauses()
            continue
        try:
            failed, partial, error = _attempt(poller, batch)
        except _NotReachedError:
            pending.insert(0, batch)
            poller._is_shutdown.wait(next(pauses))
            continue
        attempts += 1
        if parts := _split(batch, failed, partial=partial):
            pending[0:0] = parts
        elif failed and (quota < 0 or retries < quota):
            retries += 1
            pending.insert(0, failed)
            poller._is_shutdown.wait(next(pauses))
        else:
            _discard(poller, shard_id, failed, "RetryAttemptsExhausted", attempts, error)
            attempts, retries, pauses = 0, 0, _pauses()


def _split(batch: Records, failed: Records, *, partial: bool) -> list[Records]:
    """The smaller batches in which failed records are retried; none if they are not split."""
    if partial:
        return [failed] if len(failed) < len(batch) else []
    middle = len(failed) // 2
    return [failed[:middle], failed[middle:]] if middle else []


def _attempt(poller: Any, batch: Records) -> tuple[Records, bool, dict[str, Any]]:
    """Call the function with a batch.

    Returns:
        The records to retry, whether a partial response named them, and the error.

    Raises:
        _NotReachedError: The function could not be called.
    """
    try:
        poller.processor.process_events_batch(batch)
    except PartialBatchFailureError as partial:
        sequences = [poller.get_sequence_number(event) for event in batch]
        reported = get_batch_item_failures(partial.partial_failure_payload, set(sequences))
        if reported:
            return batch[min(map(sequences.index, reported)) :], True, partial.error
        return batch, False, partial.error
    except BatchFailureError as failure:
        return batch, False, failure.error
    except (ClientError, BotoCoreError) as error:
        raise _NotReachedError from error
    return [], False, {}


def _discard(poller: Any, shard_id: str, events: Records, reason: str, attempts: int, error: dict[str, Any]) -> None:
    """Report discarded records to the mapping's destination for failures."""
    if events:
        report = poller.processor.generate_event_failure_context(
            abort_condition=reason,
            error=error,
            attempts_count=attempts,
            partner_resource_arn=poller.partner_resource_arn,
        )
        poller.send_events_to_dlq(shard_id, events, context=report)


def _pauses() -> Iterator[float]:
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
