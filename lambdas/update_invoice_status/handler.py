"""update-invoice-status: ``PATCH /invoices/{id}``, and payments that a provider reports as ``invoice-paid`` events."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api import resolver
from invoicing.api.response_models import InvoiceResponse
from invoicing.domain.models import PaymentReceived, UpdateInvoice
from invoicing.runtime import clock, settings
from invoicing.runtime.observability import count, logger, metrics, tracer
from invoicing.services.change_invoice import record_payment, update
from invoicing.table.connection import InvoiceTable
from invoicing.table.store import InvoiceStore

config = settings.UpdateInvoiceStatusSettings.load()
store = InvoiceStore(InvoiceTable(config.table_name))
app = resolver.create_app()


@app.patch("/invoices/<invoice_id>")
def patch_invoice(invoice_id: str) -> Response[str]:
    """Change the status, or record a payment; the response is the invoice after the change."""
    event, now = app.current_event, clock.now()
    request, by, versions = resolver.body_of(event, UpdateInvoice), resolver.caller(event), resolver.if_match(event)
    invoice = update(store, resolver.parse_invoice_id(invoice_id), request, now=now, by=by, if_match=versions)
    count("StatusUpdates")
    logger.info("Invoice updated", invoice_id=invoice_id, status=invoice.status, version=invoice.version)
    return resolver.response(InvoiceResponse.of(invoice, now.date()), ETag=f'"{invoice.version}"')


def receive(event: dict[str, Any]) -> None:
    """Record a provider's payment. Errors are raised: Lambda retries, and finally uses the dead-letter queue."""
    payment = PaymentReceived.model_validate(event["detail"])
    payment = payment.model_copy(update={"invoice_id": resolver.parse_invoice_id(payment.invoice_id)})
    invoice = record_payment(store, payment, now=clock.now(), by=event["source"])
    count("PaymentsReceived")
    logger.info("Payment recorded", invoice_id=invoice.invoice_id, payment_id=payment.payment_id, status=invoice.status)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Entry point. Proxy events of API Gateway have an HTTP method; events of EventBridge have none."""
    count("EventsReceived")
    if "httpMethod" in event:
        return resolver.serve(app, event, context, config.allowed_origins)
    receive(event)
    return None
