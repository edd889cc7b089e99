"""generate-pdf: on ``invoice-created``, renders the invoice and stores the PDF in the documents bucket."""

from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.documents.bucket import DocumentStore, key_of
from invoicing.documents.pdf import Renderer
from invoicing.domain.errors import NotFound
from invoicing.domain.status import Status
from invoicing.runtime import settings
from invoicing.runtime.observability import correlate, count, logger, metrics, tracer
from invoicing.table.connection import InvoiceTable
from invoicing.table.store import InvoiceStore

config = settings.GeneratePdfSettings.load()
store = InvoiceStore(InvoiceTable(config.table_name))
documents = DocumentStore(config.documents_bucket)
renderer = Renderer(config, Path(__file__).parent / "fonts")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> None:
    """Entry point. The event names the invoice; its content is read from the table."""
    count("EventsReceived")
    invoice_id = event["detail"]["invoiceId"]
    correlate(event["detail"].get("correlationId"))
    logger.info("PDF requested", invoice_id=invoice_id)
    invoice = store.get(invoice_id)
    if invoice is None:
        raise NotFound(f"There is no invoice {invoice_id}.")
    if invoice.status is Status.VOID:  # a held one has its PDF, and a link to it once it is released
        count("PdfsSkipped")
        logger.info("Invoice not printed", invoice_id=invoice_id, status=invoice.status)
        return
    pdf = renderer.render(invoice)
    stored = documents.put(invoice, pdf)
    count("PdfsRendered" if stored else "PdfsKept")
    message = "PDF stored" if stored else "PDF was there already"
    logger.info(message, invoice_id=invoice_id, key=key_of(invoice), bytes=len(pdf))
