"""get-invoice: ``GET /invoices/{id}``, the complete invoice with a link to its PDF, if that may be sent."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api import resolver
from invoicing.api.response_models import InvoiceWithDocument
from invoicing.documents.bucket import DocumentStore
from invoicing.runtime import clock, settings
from invoicing.runtime.observability import count, logger, metrics, tracer
from invoicing.table.connection import InvoiceTable
from invoicing.table.store import InvoiceStore

config = settings.GetInvoiceSettings.load()
store = InvoiceStore(InvoiceTable(config.table_name))
documents = DocumentStore(config.documents_bucket)
app = resolver.create_app()


@app.get("/invoices/<invoice_id>")
def get_invoice(invoice_id: str) -> Response[str]:
    """The invoice as it is now; the ETag of the response is its version."""
    invoice = resolver.require(store.get(resolver.parse_id(invoice_id, "invoice")), invoice_id)
    link = documents.link(invoice)
    body = InvoiceWithDocument.of(invoice, clock.now().date()).linked(link)
    logger.info("Invoice read", invoice_id=invoice_id, version=invoice.version, has_document=link is not None)
    return resolver.response(body, ETag=f'"{invoice.version}"')


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point."""
    count("EventsReceived")
    return resolver.serve(app, event, context, config.allowed_origins)
