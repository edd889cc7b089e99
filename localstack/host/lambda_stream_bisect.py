"""Lambda: a stream's failed batches are halved."""

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
    """The function was not called: it was throttled, is not there, or whatever else; see :func:`halved_batches`."""


@patches(esm_worker_factory, "EsmWorkerFactory.get_esm_worker", needed=source_lacks("BisectBatchOnFunctionError"))
def bisect_setting(original: Any) -> Any:
    """A poller knows the ``BisectBatchOnFunctionError`` of its mapping; see :func:`halved_batches`."""

    @functools.wraps(original)
    def get_esm_worker(self: Any) -> Any:
        worker = original(self)
        worker.poller.bisects = bool(self.esm_config.get("BisectBatchOnFunctionError"))
        return worker

    return get_esm_worker


@patches(stream_poller, "StreamPoller.forward_events_to_target", needed=source_lacks("BisectBatchOnFunctionError"))
def halved_batches(original: Any) -> Any:
    """A failed batch is halved until the record that fails is alone; only that one is given up.

    AWS: "splits the batch in half and retries each half separately. [...] Splitting a batch doesn't count toward the
    retry quota." With ReportBatchItemFailures, only what stands at or behind the lowest reported record is tried again.
    A mapping that "is unable to invoke the function due to throttling or other issues" (it was deleted, say) "retries
    until the records expire or exceed the maximum age", however small the retry quota: the shard waits until then.
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    LocalStack: "not implemented"; the whole batch is tried again and given up, with what stands behind the bad record.
    """

    @functools.wraps(original)
    def forward_events_to_target(self: Any, shard_id: str, records: Records) -> None:
        if not getattr(self, "bisects", False):
            original(self, shard_id, records)
            return
        polled = self.pre_filter(self.transform_into_events(records, shard_id))
        matching = self.post_filter(self.filter_events(polled))
        if matching:
            _work(self, shard_id, self.add_source_metadata(matching))

    return forward_events_to_target


def _work(poller: Any, shard_id: str, events: Records) -> None:
    """Process records in their order until each is done or given up, or the mapping is switched off."""
    quota = int(poller.stream_parameters.get("MaximumRetryAttempts", -1))  # -1: until the records expire
    age_s = max(int(poller.stream_parameters.get("MaximumRecordAgeInSeconds", -1)), 0)
    pending, tries, retries, pauses = [events], 0, 0, _pauses()
    while pending and not poller._is_shutdown.is_set():
        batch = pending.pop(0)
        if age_s:
            batch, expired = poller.bisect_events_by_record_age(age_s, batch)
            _give_up(poller, shard_id, expired, "RecordAgeExceeded", tries, {})
        if not batch:
            tries, retries, pauses = 0, 0, _pauses()
            continue
        try:
            failed, error = _attempt(poller, batch)
        except _NotReachedError:
            pending.insert(0, batch)
            poller._is_shutdown.wait(next(pauses))
            continue
        tries += 1
        if len(failed) > 1:
            middle = len(failed) // 2
            pending[0:0] = [failed[:middle], failed[middle:]]
        elif failed and (quota < 0 or retries < quota):
            retries += 1
            pending.insert(0, failed)
            poller._is_shutdown.wait(next(pauses))
        else:
            _give_up(poller, shard_id, failed, "RetryAttemptsExhausted", tries, error)
            tries, retries, pauses = 0, 0, _pauses()


def _attempt(poller: Any, batch: Records) -> tuple[Records, dict[str, Any]]:
    """Call the function: the records to try again, and the error.

    Raises:
        _NotReachedError: It could not be called.
    """
    try:
        poller.processor.process_events_batch(batch)
    except PartialBatchFailureError as partial:
        known = [poller.get_sequence_number(event) for event in batch]
        reported = get_batch_item_failures(partial.partial_failure_payload, set(known))
        return (batch[min(map(known.index, reported)) :] if reported else batch), partial.error
    except BatchFailureError as failure:
        return batch, failure.error
    except (ClientError, BotoCoreError) as fault:
        raise _NotReachedError from fault
    return [], {}


def _give_up(poller: Any, shard_id: str, events: Records, why: str, tries: int, error: dict[str, Any]) -> None:
    """Tell the mapping's destination for failures which records were not processed."""
    if events:
        told = poller.processor.generate_event_failure_context(
            abort_condition=why,
            error=error,
            attempts_count=tries,
            partner_resource_arn=poller.partner_resource_arn,
        )
        poller.send_events_to_dlq(shard_id, events, context=told)


def _pauses() -> Iterator[float]:
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
