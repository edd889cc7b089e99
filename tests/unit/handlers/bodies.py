"""Request bodies that the tests of the API share."""

from typing import Any

LINE = {"description": "Widget", "quantity": 1, "unitPrice": "100.00", "taxRate": "19"}
BODY: dict[str, Any] = {"customerId": "C-1", "issueDate": "2026-11-01", "currency": "EUR", "lines": [LINE]}
NUMBERED = BODY | {"invoiceNumber": "0042"}
