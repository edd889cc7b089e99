"""query-invoices: ``GET /invoices``, a page of summaries from the index that fits the filters."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api import resolver
from invoicing.api.response_models import InvoicePage
from invoicing.runtime import clock, settings
from invoicing.runtime.observability import count, logger, metrics, tracer
from invoicing.table.connection import InvoiceTable
from invoicing.table.pagination import ListQuery, plan
from invoicing.table.queries import InvoiceIndexes

config = settings.QueryInvoicesSettings.load()
indexes = InvoiceIndexes(InvoiceTable(config.table_name))
app = resolver.create_app()


@app.get("/invoices")
def list_invoices() -> Response[str]:
    """One page: ``items``, and ``nextToken`` when more follow."""
    query, now = resolver.query_of(app.current_event, ListQuery), clock.now()
    query_plan = plan(query, now)
    page = indexes.page(query_plan, query.limit)
    logger.info("Invoices listed", index=query_plan.index, partitions=len(query_plan.partitions), found=len(page.items))
    return resolver.response(InvoicePage.of(page.items, page.next_token, now.date()))


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point."""
    count("EventsReceived")
    return resolver.serve(app, event, context, config.allowed_origins)
