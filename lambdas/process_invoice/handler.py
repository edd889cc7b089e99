"""process-invoice: reads the table's stream, decides on new invoices, and publishes every change as an event."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.domain.rules import Rules
from invoicing.domain.status import ISSUED, Status
from invoicing.events.bus import Event, EventBus, PublishError, UnpublishableError, derive, derive_unapplied
from invoicing.runtime import clock, settings
from invoicing.runtime.aws import client
from invoicing.runtime.observability import correlate, count, logger, metrics, tracer
from invoicing.services.decide_invoice import decide
from invoicing.table.claims import ClaimStore
from invoicing.table.connection import InvoiceTable
from invoicing.table.correlation import of_record
from invoicing.table.dead_letters import DeadLetterQueue
from invoicing.table.store import InvoiceStore
from invoicing.table.stream import ATTEMPTS, RecordHandler, read_images, read_receipts

config = settings.ProcessInvoiceSettings.load()
table = InvoiceTable(config.table_name, client("dynamodb", attempts=ATTEMPTS))
store = InvoiceStore(table)
rules = Rules(config.second_currency, config.changed_vat_id, config.suspected_duplicate)
claims = ClaimStore(table, store, rules)
bus = EventBus(config.event_bus_name, client("events", attempts=ATTEMPTS))
dead_letters = DeadLetterQueue(config.dead_letter_queue_url, client("sqs", attempts=ATTEMPTS))


def handle(record: dict[str, Any]) -> None:
    """Handle one change of one invoice. An exception makes the stream deliver the record again.

    The decision is written before the creation is published, so a consumer that reads the new invoice finds it decided.
    """
    correlate(of_record(record))
    before, after = read_images(record)
    if after is None:
        report_unapplied(record)
        return
    if before is None:
        change = decide(store, claims, after, clock.now())
        if change is not None:
            count("InvoicesHeld" if change.after.status is Status.HELD else "InvoicesProcessed")
            logger.info("Invoice decided", invoice_id=after.invoice_id, status=change.after.status)
    elif before.status is Status.HELD and after.status in ISSUED:
        claims.record(after, clock.now())
    for event in derive(before, after):
        publish(event, invoice_id=after.invoice_id, version=event.detail["version"])


def report_unapplied(record: dict[str, Any]) -> None:
    """Publish that money was received which no invoice takes. The metric has an alarm."""
    before, after = read_receipts(record)
    event = None if after is None else derive_unapplied(before, after)
    if event is not None:
        publish(event, payment_key=event.detail["paymentKey"], reason=event.detail["reason"])
        count("PaymentsUnapplied")


def publish(event: Event, **subject: Any) -> None:
    """Publish one event, and log what it is about."""
    bus.publish(event)
    count("EventsPublished")
    logger.info("Event published", detail_type=event.detail_type, **subject)


def set_aside(record: dict[str, Any], reason: Exception) -> None:
    """Keep a record that can never be handled. The queue has an alarm."""
    dead_letters.keep(record, reason)
    count("RecordsSetAside")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Entry point. Returns from which record on the stream has to deliver again."""
    count("EventsReceived", len(event["Records"]))
    each = RecordHandler(handle, set_aside, interruptions=(PublishError,), impossible=(UnpublishableError,))
    return each.in_order(event["Records"], lambda: context.get_remaining_time_in_millis() / 1000)
