"""query-invoices: ``GET /invoices``, a page from the index that fits the filters, and ``GET /payments``."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api import resolver
from invoicing.api.response_models import InvoicePage, ReceiptPage
from invoicing.runtime import clock, settings
from invoicing.runtime.observability import count, logger, metrics, tracer
from invoicing.table.connection import InvoiceTable
from invoicing.table.pagination import ListQuery, ReceiptQuery, plan, plan_receipts
from invoicing.table.queries import InvoiceIndexes
from invoicing.table.receipts import FIELDS, read_receipt

config = settings.QueryInvoicesSettings.load()
table = InvoiceTable(config.table_name)
indexes, receipts = InvoiceIndexes(table), InvoiceIndexes(table, FIELDS)
app = resolver.create_app()


@app.get("/invoices")
def list_invoices() -> Response[str]:
    """One page: ``items``, and ``nextToken`` when more follow."""
    query, now = resolver.query_of(app.current_event, ListQuery), clock.now()
    query_plan = plan(query, now)
    page = indexes.page(query_plan, query.limit)
    body = InvoicePage.of(page.items, page.next_token, now.date())
    logger.info("Invoices listed", index=query_plan.index, partitions=len(query_plan.partitions), found=len(body.items))
    if unreadable := len(page.items) - len(body.items):
        logger.error("Items of the index are no invoices", ids=[item["invoiceId"] for item in page.items])
        count("UnreadableInvoices", unreadable)
    return resolver.response(body)


@app.get("/payments")
def list_payments() -> Response[str]:
    """One page of unapplied payments."""
    query = resolver.query_of(app.current_event, ReceiptQuery)
    page = receipts.page(plan_receipts(query), query.limit)
    logger.info("Payments listed", found=len(page.items))
    return resolver.response(ReceiptPage.of([*map(read_receipt, page.items)], page.next_token))


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point."""
    count("EventsReceived")
    return resolver.serve(app, event, context, config.allowed_origins)
