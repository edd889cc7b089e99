"""The correlation id in the table: each write has that of its invocation, and the stream hands it on."""

from typing import Any

from invoicing.runtime.observability import correlation_id

ATTRIBUTE = "correlationId"
"""The attribute of an item that holds the correlation id of its last write. No response of the API has it."""


def correlated() -> dict[str, str]:
    """The attribute for a write of an invoice or a receipt; nothing outside of an invocation."""
    identity = correlation_id()
    return {ATTRIBUTE: identity} if identity else {}


def of_record(record: dict[str, Any]) -> str | None:
    """The correlation id of the write that a stream record reports; of an edit by hand, the id of the record."""
    image = record["dynamodb"].get("NewImage") or {}
    return image.get(ATTRIBUTE, {}).get("S") or record.get("eventID")
