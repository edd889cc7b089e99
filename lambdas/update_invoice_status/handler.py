"""update-invoice-status: changes by the API, and payments that a provider reports as ``invoice-paid`` events."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api import resolver
from invoicing.api.response_models import InvoiceResponse, ReceiptResponse
from invoicing.domain.fields import timestamp
from invoicing.domain.models import UpdateInvoice
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.receipts import ResolvePayment
from invoicing.runtime import clock, settings
from invoicing.runtime.observability import correlate, count, logger, metrics, tracer
from invoicing.services.change_invoice import update
from invoicing.services.receive_payment import receive as receive_payment
from invoicing.services.resolve_payment import resolve
from invoicing.table.connection import InvoiceTable
from invoicing.table.store import InvoiceStore

config = settings.UpdateInvoiceStatusSettings.load()
store = InvoiceStore(InvoiceTable(config.table_name))
app = resolver.create_app()


@app.patch("/invoices/<invoice_id>")
def patch_invoice(invoice_id: str) -> Response[str]:
    """Change the status, or record a payment; the response is the invoice after the change."""
    event, now = app.current_event, clock.now()
    request, versions = resolver.body_of(event, UpdateInvoice), resolver.if_match(event)
    identity, by = resolver.parse_id(invoice_id, "invoice"), resolver.caller(event)
    invoice = update(store, identity, request, now=now, by=by, if_match=versions)
    count("StatusUpdates")
    logger.info("Invoice updated", invoice_id=invoice_id, status=invoice.status, version=invoice.version)
    return resolver.response(InvoiceResponse.of(invoice, now.date()), ETag=f'"{invoice.version}"')


@app.patch("/payments/<payment_key>")
def patch_payment(payment_key: str) -> Response[str]:
    """Apply an unapplied payment to an invoice, or return it; the response is the payment after that."""
    request, key = resolver.body_of(app.current_event, ResolvePayment), resolver.parse_id(payment_key, "payment")
    receipt = resolve(store, key, request, now=clock.now(), by=resolver.caller(app.current_event))
    count("PaymentsResolved")
    logger.info("Payment resolved", payment_key=key, state=receipt.state, invoice_id=receipt.applied_to)
    return resolver.response(ReceiptResponse.of(receipt))


def receive(event: dict[str, Any]) -> None:
    """Keep a provider's payment, on its invoice or unapplied. Only the table can make this fail, and be retried."""
    correlate(event["id"])
    now = clock.now()
    reported = read_receipt(event["detail"], source=event["source"], event_id=event["id"], at=timestamp(now))
    logger.info("Payment reported", payment_key=reported.payment_key, invoice_id=reported.invoice_id)
    receipt = receive_payment(store, reported, now)
    count("PaymentsReceived")
    logger.info("Payment kept", payment_key=receipt.payment_key, state=receipt.state, invoice_id=receipt.applied_to)


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
