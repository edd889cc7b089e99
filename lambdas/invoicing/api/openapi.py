"""The API's description, OpenAPI 3.1, generated from the models that the functions and the gateway validate with.

``PYTHONPATH=lambdas python -m invoicing.api.openapi`` writes ``docs/openapi.yaml`` (``--check`` only compares). A unit
test fails when the file is out of date. This module needs PyYAML, which no function ships.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from invoicing.api.openapi_schemas import REFERENCE, parameters_of, schemas
from invoicing.api.response_models import (
    InvoicePage,
    InvoiceResponse,
    InvoiceWithDocument,
    Problem,
    ReceiptPage,
    ReceiptResponse,
)
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import CreateInvoice, UpdateInvoice
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.receipts import ResolvePayment
from invoicing.table.pagination import ListQuery, ReceiptQuery

TARGET = Path(__file__).resolve().parents[3] / "docs" / "openapi.yaml"

EXAMPLE_REQUEST: dict[str, Any] = {
    "invoiceNumber": "2026-0042",
    "customerId": "C-1001",
    "customer": {"name": "Example Ltd", "email": "accounts@example.com", "address": "1 Example Street"},
    "issueDate": "2026-11-22",
    "paymentTermsDays": 14,
    "currency": "EUR",
    "lines": [{"description": "Consulting", "quantity": "2", "unitPrice": "450.00", "discount": "10", "taxRate": "19"}],
}

_DESCRIPTION = """\
Create, list, read, pay and void invoices, as JSON. Every request needs the header `x-api-key`.
Money is a string with exactly the currency's minor digits (`"1190.00"`); percentages are percent (`19` means 19 %).
In requests, numbers may be JSON numbers or strings; they are read exactly as written.
Errors are RFC 9457 problem documents, including those of the gateway itself.
Requests can be repeated safely: the same invoice or `Idempotency-Key` of a POST, and the same `paymentId` of a PATCH,
take effect once. PATCH does not support `Idempotency-Key`, so give each payment a `paymentId`."""

_CREATE = """\
Returns version 1 of the invoice. A repeated request gets 200 and the first body, with the status of now.
Content with which no invoice may be issued (dates, a closed period, tax rates, amounts) gets 422 with a pointer for
each objection. No number is used up by it."""
_LIST = """\
Newest first: lists are ordered by the time of creation, and limited by it with `from` and `to`. Without any filter,
the invoices created in the current month. Issue dates are no filter: no index has them."""
_UPDATE = """\
`paid` without a payment records one for the amount due. With a payment, the amount decides between `paid` and
`partially-paid`; more than the amount due is an error. A `paymentId` that is already recorded changes nothing.
`method: write-off` closes what will not come. `processed` releases a held invoice. `void` cancels one that is held, or
processed and unpaid. A payment that `reverses` another takes it back, completely or in part, and reopens the invoice:
the status is `processed` or `partially-paid` then, and what is left decides between them. With `If-Match` or
`expectedVersion`, only that version is changed."""
_PAYMENTS = """\
What no invoice takes: payments for an invoice that is void, held or unknown, in another currency, or with an amount
that could not be read. The oldest first."""
_RESOLVE = "`applied` records the payment on an invoice; `returned` notes that the money went back."
_KEY = "1 to 255 printable ASCII characters that identify this request and its content."

_FILTERS = {
    "customerId": "Invoices of one customer.",
    "status": "Invoices in this status.",
    "from": "Created at or after this: a date (its first moment in UTC), or a date and time with an offset.",
    "to": "Created at or before this: a date (its last moment in UTC), or a date and time with an offset."
    " Without `from`, `customerId` and `status`, only its month is searched.",
    "dueBefore": "Invoices that are due before this date; with `customerId`, `status` or `overdue`.",
    "overdue": "`true`: invoices with money due before today (UTC); first the partially paid ones, then the others.",
    "order": "By time of creation.",
    "limit": "Maximum number of invoices on one page.",
    "nextToken": "From the previous page; the rest of the query must be the same.",
}

_ERRORS = {
    400: "The request is invalid; `errors` lists the problems.",
    403: "The API key is missing or not valid.",
    404: "The invoice or the path does not exist.",
    409: "The status, version or content of the invoice does not allow it. The problem has the current values.",
    412: "`If-Match` does not name the current version.",
    413: "The request, or the resulting invoice, is too large.",
    422: "No invoice may be issued with this content; `errors` lists every objection.",
    415: "The preflight request has a `Content-Type` that is not supported.",
    429: "More requests than the usage plan of the API key allows.",
    500: "The service failed, or has too many requests at once: try again.",
    503: "The table is busy: send the same request again after `Retry-After` seconds.",
    504: "The service did not respond in time. Send the same request again to learn its result.",
}
_ANY = (403, 429, 500, 504)

_CORS = {
    "Access-Control-Allow-Origin": {
        "description": "The caller's origin if it is allowed, or `*`.",
        "schema": {"type": "string"},
    },
    "Access-Control-Expose-Headers": {
        "description": "The headers that scripts may read.",
        "required": True,
        "schema": {"type": "string"},
    },
}
_ETAG = {
    "description": "The invoice's version in quotes.",
    "required": True,
    "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
}
_LOCATION = {
    "description": "The URL of the invoice, relative to the parent of this collection.",
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
}
_RETRY_AFTER = {"description": "Seconds.", "required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}


def describe() -> dict[str, Any]:
    """The complete document, in JSON types."""
    created_headers = {"ETag": _ETAG, "Location": _LOCATION}
    invoices = {
        "post": _operation(
            "createInvoice", "Create an invoice", _CREATE, (400, 409, 413, 422, 503),
            {
                201: _success("Created.", InvoiceResponse, created_headers, example=example()),
                200: _success("An equal request created the invoice before.", InvoiceResponse, created_headers),
            },
            parameters=[_header("Idempotency-Key", _KEY, r"^[ -~]{1,255}$")],
            body=_body(CreateInvoice, EXAMPLE_REQUEST),
        ),
        "get": _operation(
            "listInvoices", "List invoices", _LIST, (400, 503),
            {200: _success("One page of summaries.", InvoicePage, {}, example=_example_page())},
            parameters=parameters_of(ListQuery, _FILTERS),
        ),
    }  # fmt: skip
    invoice = {
        "parameters": [
            {"name": "id", "in": "path", "required": True, "description": "The invoice's id.",
             "schema": {"type": "string", "format": "uuid"}}
        ],
        "get": _operation(
            "getInvoice", "Read an invoice", "With `documentUrl` once its PDF exists, unless it is held or void.",
            (404, 503),
            {200: _success("The invoice as it is now.", InvoiceWithDocument, {"ETag": _ETAG}, example=example())},
        ),
        "patch": _operation(
            "updateInvoice", "Pay, reopen, release or void an invoice", _UPDATE, (400, 404, 409, 412, 413, 503),
            {200: _success("The invoice after the change.", InvoiceResponse, {"ETag": _ETAG})},
            parameters=[_header("If-Match", "The version to change, as a response's `ETag` has it; or `*`.", None)],
            body=_body(UpdateInvoice, {"status": "paid", "payment": {"paymentId": "P-1", "amount": "963.90"}}),
        ),
    }  # fmt: skip
    payments = {
        "get": _operation(
            "listPayments", "List unapplied payments", _PAYMENTS, (400, 503),
            {200: _success("One page of payments.", ReceiptPage, {}, example=_example_receipts())},
            parameters=parameters_of(ReceiptQuery, _FILTERS | {"status": "Only `unapplied` payments are listed."}),
        ),
    }  # fmt: skip
    payment = {
        "parameters": [
            {"name": "id", "in": "path", "required": True, "description": "The payment's `paymentKey`.",
             "schema": {"type": "string", "format": "uuid"}}
        ],
        "patch": _operation(
            "resolvePayment", "Apply or return an unapplied payment", _RESOLVE, (400, 404, 409, 413, 503),
            {200: _success("The payment after that.", ReceiptResponse, {})},
            body=_body(ResolvePayment, {"status": "applied", "invoiceId": example()["invoiceId"]}),
        ),
    }  # fmt: skip
    paths: dict[str, tuple[str, dict[str, Any]]] = {
        "/invoices": ("Invoices", invoices),
        "/invoices/{id}": ("Invoice", invoice),
        "/payments": ("Payments", payments),
        "/payments/{id}": ("Payment", payment),
    }
    for name, operations in paths.values():
        operations["options"] = _preflight(name)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Invoice platform",
            "version": "1",
            "summary": "Invoices in, PDFs and payments out.",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/v1",
                "description": "Terraform's output `api_url`.",
                "variables": {"api": {"default": "api"}, "region": {"default": "us-east-1"}},
            }
        ],
        "security": [{"apiKey": []}],
        "tags": [{"name": "invoices"}],
        "paths": {path: operations for path, (_, operations) in paths.items()},
        "components": {
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
            "headers": _CORS,
            "responses": {str(status): _error(status) for status in _ERRORS},
            "schemas": schemas(
                [CreateInvoice, ResolvePayment, UpdateInvoice],
                [InvoiceResponse, InvoiceWithDocument, InvoicePage, ReceiptPage, ReceiptResponse, Problem],
            ),
        },
    }


def example() -> dict[str, Any]:
    """The response to the example request, built by the code that the function runs."""
    request = CreateInvoice.model_validate(EXAMPLE_REQUEST)
    now = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    number = EXAMPLE_REQUEST["invoiceNumber"]
    invoice = issue(request, number=number, origin=Origin(now, "api", "api"))
    return InvoiceResponse.of(invoice, now.date()).body()


def _example_page() -> dict[str, Any]:
    body = example()
    names = {"customerName", *InvoicePage.model_json_schema()["$defs"]["InvoiceSummary"]["properties"]}
    summary = {name: value for name, value in body.items() if name in names}
    return {"items": [{**summary, "customerName": body["customer"]["name"]}]}


def _example_receipts() -> dict[str, Any]:
    """A payment whose amount was written in the German way."""
    detail = {"invoiceId": example()["invoiceId"], "paymentId": "P-7", "amount": "963,90", "currency": "EUR"}
    receipt = read_receipt(detail, source="payments.example", event_id="1", at="2026-11-23T08:00:00.000000Z")
    return ReceiptPage.of([receipt], None).body()


def _operation(  # noqa: PLR0913 -- the parts of an operation
    identity: str,
    summary: str,
    description: str,
    errors: Sequence[int],
    successes: dict[int, Any],
    *,
    parameters: Sequence[Any] = (),
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    references = {status: {"$ref": f"#/components/responses/{status}"} for status in sorted({*errors, *_ANY})}
    operation: dict[str, Any] = {"operationId": identity, "tags": ["invoices"], "summary": summary}
    operation["description"] = description
    if parameters:
        operation["parameters"] = list(parameters)
    if body:
        operation["requestBody"] = body
    operation["responses"] = {str(status): response for status, response in {**successes, **references}.items()}
    return operation


def _preflight(name: str) -> dict[str, Any]:
    headers = {
        f"Access-Control-Allow-{name}": {"schema": {"type": "string"}} for name in ("Headers", "Methods", "Origin")
    }
    return {
        "operationId": f"preflight{name}",
        "tags": ["invoices"],
        "summary": "Browsers ask this before they send a request",
        "security": [],
        "responses": {
            "204": {"description": "What is allowed; nothing for an origin that is not.", "headers": headers},
            "415": {"$ref": "#/components/responses/415"},
            "429": {"$ref": "#/components/responses/429"},
            "500": {"$ref": "#/components/responses/500"},
        },
    }


def _success(description: str, model: type[BaseModel], headers: dict[str, Any], example: Any = None) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}
    if example is not None:
        media["example"] = example
    shared = {name: {"$ref": f"#/components/headers/{name}"} for name in _CORS}
    return {"description": description, "headers": {**headers, **shared}, "content": {"application/json": media}}


def _error(status: int) -> dict[str, Any]:
    headers: dict[str, Any] = {name: {"$ref": f"#/components/headers/{name}"} for name in _CORS}
    if status in {429, 503}:
        headers["Retry-After"] = _RETRY_AFTER
    schema = {"$ref": REFERENCE.format(model=Problem.__name__)}
    return {
        "description": _ERRORS[status],
        "headers": headers,
        "content": {"application/problem+json": {"schema": schema}},
    }


def _header(name: str, description: str, pattern: str | None) -> dict[str, Any]:
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=model.__name__)}
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def text() -> str:
    """The file's content."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, _: Any) -> bool:
            return True

    body = yaml.dump(json.loads(json.dumps(describe())), Dumper=Plain, sort_keys=False, allow_unicode=True, width=110)
    return "# Generated from the models. Edit those, then run: ./noxw -s docs\n" + body


def main(arguments: Sequence[str], target: Path = TARGET) -> int:
    """Write the file; with ``--check``, only report whether it is up to date (0) or not (1)."""
    if "--check" in arguments:
        current = target.is_file() and target.read_text(encoding="utf-8") == text()
        if not current:
            sys.stderr.write(f"{target} is out of date; run: ./noxw -s docs\n")
        return 0 if current else 1
    target.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
