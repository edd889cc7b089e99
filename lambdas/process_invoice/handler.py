"""process-invoice: reads the table's stream, decides on new invoices, and publishes every change as an event.

On schedule it also measures what waits, and sweeps: it heals what waits because something was lost.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.documents.bucket import DocumentStore
from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice
from invoicing.domain.rules import Rules
from invoicing.domain.status import ISSUED, Status
from invoicing.events.bus import Event, EventBus, PublishError, UnpublishableError, derive, derive_unapplied
from invoicing.events.sweep import Sweep, SweepRequest
from invoicing.runtime import clock, settings
from invoicing.runtime.aws import client
from invoicing.runtime.observability import correlate, count, logger, metrics, tracer
from invoicing.services.decide_invoice import decide
from invoicing.table.backlog import Backlog, number
from invoicing.table.claims import ClaimStore
from invoicing.table.connection import InvoiceTable
from invoicing.table.correlation import of_record
from invoicing.table.dead_letters import DeadLetterQueue
from invoicing.table.store import InvoiceStore
from invoicing.table.stream import ATTEMPTS, RecordHandler, read_images, read_receipts
from invoicing.uploads.waiting import count_waiting

config = settings.ProcessInvoiceSettings.load()
table = InvoiceTable(config.table_name, client("dynamodb", attempts=ATTEMPTS))
store, backlog = InvoiceStore(table), Backlog(table)
rules = Rules(config.second_currency, config.changed_vat_id, config.suspected_duplicate)
claims = ClaimStore(table, store, rules)
bus = EventBus(config.event_bus_name, client("events", attempts=ATTEMPTS))
dead_letters = DeadLetterQueue(config.dead_letter_queue_url, client("sqs", attempts=ATTEMPTS))
documents = DocumentStore(config.documents_bucket)


def handle(record: dict[str, Any]) -> None:
    """Handle one change of one invoice. An exception makes the stream deliver the record again."""
    correlate(of_record(record))
    before, after = read_images(record)
    if after is None:
        report_unapplied(record)
    else:
        settle(before, after)


def settle(before: Invoice | None, after: Invoice) -> None:
    """Decide on an invoice if it is new, and publish what is new of it.

    The decision is written before the creation is published, so a consumer that reads the new invoice finds it decided.
    """
    if before is None:
        change = decide(store, claims, after, clock.now())
        if change is not None:
            count("InvoicesHeld" if change.after.status is Status.HELD else "InvoicesProcessed")
            logger.info("Invoice decided", invoice_id=after.invoice_id, status=change.after.status)
    elif before.status is Status.HELD and after.status in ISSUED:
        claims.record(after, clock.now())
    for event in derive(before, after):
        publish(event)


def report_unapplied(record: dict[str, Any]) -> None:
    """Publish that money was received which no invoice takes. The metric has an alarm."""
    before, after = read_receipts(record)
    event = None if after is None else derive_unapplied(before, after)
    if event is not None:
        publish(event)
        count("PaymentsUnapplied")


def publish(event: Event) -> None:
    """Publish one event, and log what it is about."""
    bus.publish(event)
    count("EventsPublished")
    logger.info("Event published", detail_type=event.detail_type, **event.subject())


def set_aside(record: dict[str, Any], reason: Exception) -> None:
    """Keep a record that can never be handled. The queue has an alarm."""
    dead_letters.keep(record, reason)
    count("RecordsSetAside")


def sweep(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Heal the invoices that wait because something was lost; the response says how many there were."""
    sweeping = Sweep(store, backlog, documents, lambda invoice: settle(None, invoice), publish)
    figures = sweeping.run(SweepRequest.model_validate(event), clock.now(), seconds_left(context))
    count("InvoicesSwept", figures.undecided + figures.undrawn + figures.untold)
    count("SweepFailures", len(figures.failed))
    logger.info("Swept", report=figures.document())
    return figures.document()


def measure(_: dict[str, Any], __: LambdaContext) -> None:
    """Count what waits for longer than it should. Each metric has an alarm."""
    now = clock.now()
    count("InvoicesUndecided", number(backlog.undecided(timestamp(now - timedelta(minutes=10)))))
    count("PaymentsUnresolved", number(backlog.unapplied(timestamp(now - timedelta(days=1)))))
    count("UploadsWaiting", count_waiting(config.uploads_bucket, now - timedelta(hours=1)))


def seconds_left(context: LambdaContext) -> Callable[[], float]:
    """Until the invocation times out."""
    return lambda: context.get_remaining_time_in_millis() / 1000


TASKS: dict[str, Callable[[dict[str, Any], LambdaContext], Any]] = {"measure": measure, "sweep": sweep}
"""What the schedules of modules/invoice-platform start, and people do by hand."""


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Entry point. Of a batch of the stream it returns from which record on it has to be delivered again."""
    count("EventsReceived", len(event.get("Records", [event])))
    if "task" in event:
        return TASKS[event["task"]](event, context)
    each = RecordHandler(handle, set_aside, interruptions=(PublishError,), impossible=(UnpublishableError,))
    return each.in_order(event["Records"], seconds_left(context))
