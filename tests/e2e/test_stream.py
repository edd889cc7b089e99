"""The table's stream: what cannot be read holds nothing up for good.

The last file of the tier: a record that fails is tried again for more than a minute, and what the tests behind it
write waits for that.
"""

import uuid
from collections.abc import Callable
from typing import Any

from harness.stack.deployment import Stack


def test_a_poisoned_record_does_not_block_the_invoices_behind_it(
    api: Any, client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], new_invoice: Callable[..., Any]
) -> None:
    poisoned = {"invoiceId": {"S": f"broken-{uuid.uuid4()}"}, "total": {"S": "much"}}
    client("dynamodb").put_item(TableName=stack.table_name, Item=poisoned)
    invoice_id = api("POST", "/invoices", new_invoice()).body["invoiceId"]

    wait(
        lambda: api("GET", f"/invoices/{invoice_id}").body["status"] == "processed" or None,
        "the invoice behind the poisoned record",
    )
