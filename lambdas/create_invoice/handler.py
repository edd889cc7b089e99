"""create-invoice: stores invoices from ``POST /invoices``, and from CSV files that arrive in the uploads bucket."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api import resolver
from invoicing.api.response_models import InvoiceResponse
from invoicing.domain.door import Door
from invoicing.domain.invoice_factory import Origin
from invoicing.domain.models import CreateInvoice
from invoicing.events.bus import EventBus
from invoicing.runtime import clock, settings
from invoicing.runtime.aws import client
from invoicing.runtime.observability import correlate, count, logger, metrics, tracer
from invoicing.services.create_invoice import create
from invoicing.table.batches import InvoiceLoader
from invoicing.table.connection import InvoiceTable
from invoicing.table.store import InvoiceStore
from invoicing.uploads.buckets import UploadStore
from invoicing.uploads.intake import Intake
from invoicing.uploads.progress import UploadProgress
from invoicing.uploads.upload import uploads_in

config = settings.CreateInvoiceSettings.load()
table, door = InvoiceTable(config.table_name), Door(config.closed_until)
store = InvoiceStore(table)
upload_table = InvoiceTable(config.table_name, client("dynamodb", attempts=1))  # an upload paces its writes itself
loader, progress = InvoiceLoader(upload_table, door), UploadProgress(upload_table)
uploads = UploadStore(config.archives_bucket)
bus = EventBus(config.event_bus_name)
app = resolver.create_app()


@app.post("/invoices")
def post_invoice() -> Response[str]:
    """Create one invoice: 201 and its location; or 200, the first response and the status of now for a repetition."""
    event = app.current_event
    request = resolver.body_of(event, CreateInvoice)
    key, now = resolver.idempotency_key(event), clock.now()
    result = create(store, door, request, Origin(now, "api", resolver.caller(event)), key)
    invoice = result.invoice.first_version()
    count("InvoicesCreated" if result.created else "InvoicesReplayed")
    logger.info("Invoice created" if result.created else "Invoice replayed", invoice_id=invoice.invoice_id)
    body, status = InvoiceResponse.of(invoice, now.date()), 201 if result.created else 200
    if not result.created:
        body = body.with_status_of(result.invoice, now.date())
    location = f"./invoices/{invoice.invoice_id}"  # relative, so it is right under any stage, base path or engine
    return resolver.response(body, status, Location=location, ETag='"1"')


def receive(event: dict[str, Any], context: LambdaContext) -> None:
    """Import the files that S3 names, or the next part of the file that an event ``upload-continued`` names."""
    intake = Intake(loader, progress, uploads, bus, remaining=lambda: context.get_remaining_time_in_millis() / 1000)
    for upload, part in uploads_in(event):
        correlate(upload.correlation_id)
        logger.info("Upload received", bucket=upload.bucket, key=upload.key, version=upload.version, part=part)
        result = intake.receive(upload, part)
        if result is None:
            logger.info("Upload was handled before, or is gone", bucket=upload.bucket, key=upload.key, part=part)
            continue
        figures = result.figures
        logger.info("Upload imported" if result.done else "Upload continues", part=part, report=figures.document())
        if result.done:  # once for each upload, however many parts it took
            count("InvoicesCreated", figures.created)
            count("InvoicesReplayed", figures.duplicates)
            count("UploadInvoicesRejected", figures.rejected)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Entry point. Proxy events of API Gateway have an HTTP method; other events have none."""
    count("EventsReceived")
    if "httpMethod" in event:
        return resolver.serve(app, event, context, config.allowed_origins)
    receive(event, context)
    return None
