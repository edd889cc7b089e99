"""The table's stream: a record that cannot be read does not block the others indefinitely.

This is the last file of the tier: a failing record is retried for more than a minute, and the records of later tests
would wait for that.
"""

import uuid
from collections.abc import Callable
from typing import Any

from harness.stack.deployment import Stack


def test_a_poisoned_record_does_not_block_the_invoices_after_it(
    api: Any, client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], new_invoice: Callable[..., Any]
) -> None:
    poisoned = {"invoiceId": {"S": f"broken-{uuid.uuid4()}"}, "total": {"S": "much"}}
    client("dynamodb").put_item(TableName=stack.table_name, Item=poisoned)
    invoice_id = api("POST", "/invoices", new_invoice()).body["invoiceId"]

    wait(
        lambda: api("GET", f"/invoices/{invoice_id}").body["status"] == "processed" or None,
        "the invoice after the poisoned record",
    )
