"""Records of the table's stream: read as invoices or receipts, in order, and set aside if they can never be handled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from invoicing.domain.errors import Busy, InvoiceError
from invoicing.domain.models import Invoice
from invoicing.domain.receipts import Receipt
from invoicing.runtime import clock
from invoicing.runtime.observability import logger
from invoicing.table.claims import ClaimContendedError
from invoicing.table.items import decode
from invoicing.table.receipts import PREFIX, read_receipt

RESERVE_S = 15.0
"""Seconds that must be left to begin another record: two calls that get no response, and what is left to do then."""

ATTEMPTS = 1
"""Attempts at a call. The stream repeats what fails, for hours; repetitions here would use up the invocation's time."""

RETRIED_FOR = timedelta(minutes=15)
"""The age up to which a record with an unexpected error is tried again: a deploy or a service may be the cause.

It is shorter than the iterator age with an alarm, since the record holds up its whole shard.
"""

_INTERRUPTIONS: tuple[type[Exception], ...] = (Busy, ClaimContendedError, BotoCoreError, ClientError)
"""Errors of the services, not of the record: the next record would most likely meet the same."""


def read_images(record: dict[str, Any]) -> tuple[Invoice | None, Invoice | None]:
    """The invoice before and after the change that the record describes.

    Returns:
        ``(None, None)`` for removals, which have no new image (LocalStack: an empty one), and for items that are not
        invoices (counters and other markers have ``#`` in their id).

    Raises:
        pydantic.ValidationError: the item has the id of an invoice and cannot be read as one.
    """
    change = record["dynamodb"]
    if not change.get("NewImage") or "#" in change["Keys"]["invoiceId"]["S"]:
        return None, None
    old = change.get("OldImage")
    return Invoice.from_item(decode(old)) if old else None, Invoice.from_item(decode(change["NewImage"]))


def read_receipts(record: dict[str, Any]) -> tuple[Receipt | None, Receipt | None]:
    """The receipt before and after the change; ``(None, None)`` for removals and for other items.

    Raises:
        pydantic.ValidationError: the item has the id of a receipt and cannot be read as one.
    """
    change = record["dynamodb"]
    if not change.get("NewImage") or not change["Keys"]["invoiceId"]["S"].startswith(PREFIX):
        return None, None
    old = change.get("OldImage")
    return read_receipt(decode(old)) if old else None, read_receipt(decode(change["NewImage"]))


@dataclass(frozen=True)
class RecordHandler:
    """How records of a stream are handled, one by one.

    Attributes:
        handle: Handles one record.
        set_aside: Keeps a record that can never be handled, with the reason.
        interruptions: More errors of services, at which to stop.
        impossible: More errors of a record that come again each time.
    """

    handle: Callable[[dict[str, Any]], None]
    set_aside: Callable[[dict[str, Any], Exception], None]
    interruptions: tuple[type[Exception], ...] = ()
    impossible: tuple[type[Exception], ...] = ()

    @property
    def _stop_at(self) -> tuple[type[Exception], ...]:
        return _INTERRUPTIONS + self.interruptions

    def __call__(self, record: dict[str, Any]) -> None:
        """Handle a record, or set it aside.

        Raises:
            Exception: Of a service, at which to stop; or an unexpected one, of a record younger than `RETRIED_FOR`.
        """
        impossible: tuple[type[Exception], ...] = (ValidationError, InvoiceError, *self.impossible)
        try:
            self.handle(record)
        except self._stop_at:  # Busy is an InvoiceError, too
            raise
        except impossible as error:
            logger.error("A stream record can never be handled; it is set aside", exc_info=True)
            self.set_aside(record, error)
        except Exception as error:
            if _age(record) < RETRIED_FOR:
                logger.error("A stream record failed; the stream delivers it again", exc_info=True)
                raise
            logger.error("A stream record has failed for long enough; it is set aside", exc_info=True)
            self.set_aside(record, error)

    def in_order(self, records: Sequence[dict[str, Any]], seconds_left: Callable[[], float]) -> dict[str, Any]:
        """Handle records in order, and return at once, with all that is left, when a service cannot take more.

        Lambda repeats a batch from the lowest reported record on, so what follows an interruption would be handled
        twice. A record that can never be handled (it is unreadable, or breaks a rule) is set aside, and the others go
        on: reported, it would hold them up until it is too old, and then only its position would be kept. Any other
        exception fails the invocation, so that Lambda counts an error, halves the batch and tries again; a record that
        still has one at the age of `RETRIED_FOR` is set aside, too.

        https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
        https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html

        Args:
            records: As the stream delivered them.
            seconds_left: Until the invocation times out. Only the first record begins with less than `RESERVE_S`.

        Returns:
            The response of ``ReportBatchItemFailures``.
        """
        for position, record in enumerate(records):
            if position and seconds_left() < RESERVE_S:
                return _failures(records[position:])
            try:
                self(record)
            except self._stop_at:
                logger.warning("The rest of the batch is left for the next attempt", exc_info=True)
                return _failures(records[position:])
        return _failures([])


def _age(record: dict[str, Any]) -> timedelta:
    """How long ago the change was made; a record without a time is new."""
    made = record["dynamodb"].get("ApproximateCreationDateTime")  # seconds since 1970
    return timedelta(0) if made is None else clock.now() - datetime.fromtimestamp(float(made), UTC)


def _failures(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]} for record in records]}
