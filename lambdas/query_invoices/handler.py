"""query-invoices: ``GET /invoices``, a page of summaries from the one index that fits the filters."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api import resolver
from invoicing.api.responses import summary
from invoicing.runtime import clock, settings
from invoicing.runtime.observability import count, logger, metrics, tracer
from invoicing.table.pagination import ListQuery, plan
from invoicing.table.queries import InvoiceIndexes

config = settings.QueryInvoices.load()
indexes = InvoiceIndexes(config.table_name)
app = resolver.resolver()


@app.get("/invoices")
def list_invoices() -> Response[str]:
    """One page: ``items``, and ``nextToken`` when more follow."""
    query, now = resolver.query_of(app.current_event, ListQuery), clock.now()
    chosen = plan(query, now)
    page = indexes.page(chosen, query.limit)
    logger.info("Invoices listed", index=chosen.index, partitions=len(chosen.partitions), found=len(page.items))
    document: dict[str, Any] = {"items": [summary(item, now.date()) for item in page.items]}
    if page.next_token:
        document["nextToken"] = page.next_token
    return resolver.answer(document)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point."""
    count("EventsReceived")
    return resolver.serve(app, event, context, config.allowed_origins)
