"""create-invoice: a CSV that arrives in the uploads bucket, or ``POST /invoices``, becomes invoices in the table."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing import api, clock, settings
from invoicing.answers import document
from invoicing.creating import create
from invoicing.intake import Intake
from invoicing.issuing import Origin, first_version
from invoicing.loading import InvoiceLoader
from invoicing.models import CreateInvoice
from invoicing.observability import count, logger, metrics, tracer
from invoicing.uploads import Upload, UploadStore

config = settings.CreateInvoice.load()
store = InvoiceLoader(config.table_name)
uploads = UploadStore(config.archives_bucket)
app = api.resolver()


@app.post("/invoices")
def post_invoice() -> Response[str]:
    """Create one invoice: 201 and where it is, or 200 and the first answer when it was created by an equal request."""
    event = app.current_event
    request = api.body_of(event, CreateInvoice)
    key, now = api.idempotency_key(event), clock.now()
    stored = create(store, request, Origin(now, "api", "api"), key)
    invoice = first_version(stored.invoice)
    count("InvoicesCreated" if stored.created else "InvoicesReplayed")
    logger.info("Invoice created" if stored.created else "Invoice replayed", invoice_id=invoice.invoice_id)
    location = f"./invoices/{invoice.invoice_id}"  # relative: right under any stage, base path or engine
    return api.answer(document(invoice, now.date()), 201 if stored.created else 200, Location=location, ETag='"1"')


def receive(event: dict[str, Any], context: LambdaContext) -> None:
    """Import every file that the S3 event names."""
    intake = Intake(store, uploads, remaining=lambda: context.get_remaining_time_in_millis() / 1000)
    for record in event.get("Records", []):
        upload = Upload.from_record(record)
        figures = intake.receive(upload)
        if figures is None:
            logger.info("Upload was handled before, or is gone", bucket=upload.bucket, key=upload.key)
            continue
        count("InvoicesCreated", figures.created)
        count("InvoicesReplayed", figures.duplicates)
        count("UploadInvoicesRejected", figures.rejected)
        logger.info("Upload imported", report=figures.document())


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Entry point: API Gateway's proxy events have a method, S3's have none."""
    count("EventsReceived")
    if "httpMethod" in event:
        return api.serve(app, event, context, config.allowed_origins)
    return receive(event, context)
