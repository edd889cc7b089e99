"""The table's stream: a record that can never be handled holds up no other, and is kept with its content."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from harness.stack.deployment import Stack


def test_a_poisoned_record_is_kept_and_does_not_block_the_invoices_after_it(
    api: Any, client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], new_invoice: Callable[..., Any]
) -> None:
    poisoned = {"invoiceId": {"S": f"broken-{uuid.uuid4()}"}, "total": {"S": "much"}}
    client("dynamodb").put_item(TableName=stack.table_name, Item=poisoned)
    invoice_id = api("POST", "/invoices", new_invoice()).body["invoiceId"]

    def kept() -> tuple[dict[str, Any], str] | None:
        """The record in the function's dead-letter queue, and why it is there."""
        received = client("sqs").receive_message(
            QueueUrl=stack.dead_letter_queues["process-invoice"],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        )
        for message in received.get("Messages", []):
            record = json.loads(message["Body"])
            if record["dynamodb"]["Keys"]["invoiceId"] == poisoned["invoiceId"]:
                return record, message["MessageAttributes"]["ErrorMessage"]["StringValue"]
        return None

    wait(
        lambda: api("GET", f"/invoices/{invoice_id}").body["status"] == "processed" or None,
        "the invoice after the poisoned record",
    )
    record, reason = wait(kept, "the poisoned record in the dead-letter queue")
    assert record["dynamodb"]["NewImage"] == poisoned
    assert "validation errors for Invoice" in reason
