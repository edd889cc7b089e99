"""The API's description, OpenAPI 3.1, made from the models that the functions and the gateway check requests with.

``PYTHONPATH=lambdas python -m invoicing.api.openapi`` writes ``docs/openapi.yaml`` (``--check`` only compares); a unit
test notices when that was forgotten. Needs PyYAML, which no function ships.
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
from invoicing.api.response_models import InvoiceAnswer, InvoicePage, InvoiceWithDocument, Problem
from invoicing.api.responses import document
from invoicing.domain.invoice_factory import Origin, invoice_id, issue
from invoicing.domain.models import CreateInvoice, UpdateInvoice
from invoicing.table.pagination import ListQuery

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
Invoices as JSON: created, listed, read, paid and voided. Every request needs the header `x-api-key`.
Money is a string with exactly the currency's minor digits (`"1190.00"`); percentages are percent (`19` means 19 %).
In requests numbers may be JSON numbers or strings; they are read exactly as they are written.
Errors are RFC 9457 problem documents, also those that the gateway answers by itself.
A request may be sent again: the same invoice or `Idempotency-Key` of a POST, and the same `paymentId`, has one effect.
PATCH knows no `Idempotency-Key`: name each payment by a `paymentId`."""

_CREATE = """\
Answers the invoice, version 1. A repetition is answered with 200 and the first body, whatever happened since."""
_LIST = "Newest first; without any filter, the invoices created in the current month."
_UPDATE = """\
`paid` without a payment records one for the amount due; with a payment, the amount decides between `paid` and
`partially-paid`, and more than is due is refused. A `paymentId` that is recorded already changes nothing.
`void` ends an unpaid invoice. With `If-Match` or `expectedVersion` the change is made only to that version."""
_KEY = "1 to 255 printable ASCII characters: stands for this content."

_FILTERS = {
    "customerId": "Invoices of one customer.",
    "status": "Invoices in this status.",
    "from": "Created from here on: a date (its first moment in UTC) or a date and time with an offset.",
    "to": "Created until here: a date (its last moment in UTC) or a date and time with an offset."
    " Without `from`, customer and status only its month is looked at.",
    "order": "By creation.",
    "limit": "Invoices on one page at the most.",
    "nextToken": "From the page before, with otherwise the same query.",
}

_REFUSALS = {
    400: "The request is not as it should be; `errors` points at each fault.",
    403: "The API key is missing or not valid.",
    404: "There is no such invoice or path.",
    409: "The invoice's status, version or content does not allow it; the problem tells the current ones.",
    412: "`If-Match` names another version than the current one.",
    413: "The request, or the invoice that it would make, is too large.",
    415: "A preflight has no body of a type of its own.",
    429: "More requests than the usage plan of the key allows.",
    500: "A fault of the service, or too many requests at once for it: try again.",
    503: "The table is busy: the same request may be sent again after `Retry-After` seconds.",
    504: "The service did not answer in time; send the same request again to learn what became of it.",
}
_ANY = (403, 429, 500, 504)

_CORS = {
    "Access-Control-Allow-Origin": {
        "description": "The caller's origin if it is an allowed one, or `*`.",
        "schema": {"type": "string"},
    },
    "Access-Control-Expose-Headers": {
        "description": "What scripts may read.",
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
    "description": "Where the invoice is, relative to this collection's parent.",
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
}
_RETRY_AFTER = {"description": "Seconds.", "required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}


def description() -> dict[str, Any]:
    """The whole document, in JSON types."""
    made = {"ETag": _ETAG, "Location": _LOCATION}
    invoices = {
        "post": _operation(
            "createInvoice", "Create an invoice", _CREATE, (400, 409, 413, 503),
            {
                201: _answer("Created.", InvoiceAnswer, made, example=example()),
                200: _answer("Created before by an equal request.", InvoiceAnswer, made),
            },
            parameters=[_header("Idempotency-Key", _KEY, r"^[ -~]{1,255}$")],
            body=_body(CreateInvoice, EXAMPLE_REQUEST),
        ),
        "get": _operation(
            "listInvoices", "List invoices", _LIST, (400, 503),
            {200: _answer("One page of summaries.", InvoicePage, {}, example=_example_page())},
            parameters=parameters_of(ListQuery, _FILTERS),
        ),
    }  # fmt: skip
    one = {
        "parameters": [
            {"name": "id", "in": "path", "required": True, "description": "The invoice's id.",
             "schema": {"type": "string", "format": "uuid"}}
        ],
        "get": _operation(
            "getInvoice", "Read an invoice", "With `documentUrl` once its PDF exists, unless it is void or rejected.",
            (404, 503),
            {200: _answer("The invoice as it is now.", InvoiceWithDocument, {"ETag": _ETAG}, example=example())},
        ),
        "patch": _operation(
            "updateInvoice", "Pay or void an invoice", _UPDATE, (400, 404, 409, 412, 413, 503),
            {200: _answer("The invoice as it is then.", InvoiceAnswer, {"ETag": _ETAG})},
            parameters=[_header("If-Match", "The version to change, as an answer's `ETag` gave it; or `*`.", None)],
            body=_body(UpdateInvoice, {"status": "paid", "payment": {"paymentId": "P-1", "amount": "963.90"}}),
        ),
    }  # fmt: skip
    for path in (invoices, one):
        path["options"] = _preflight("Invoices" if path is invoices else "Invoice")
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
        "paths": {"/invoices": invoices, "/invoices/{id}": one},
        "components": {
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
            "headers": _CORS,
            "responses": {str(status): _refusal(status) for status in _REFUSALS},
            "schemas": schemas(
                [CreateInvoice, UpdateInvoice], [InvoiceAnswer, InvoiceWithDocument, InvoicePage, Problem]
            ),
        },
    }


def example() -> dict[str, Any]:
    """The answer to the example request, by the code that answers it."""
    request = CreateInvoice.model_validate(EXAMPLE_REQUEST)
    now = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    number = EXAMPLE_REQUEST["invoiceNumber"]
    identity = invoice_id(request.customer_id, number)
    return document(issue(request, number=number, identity=identity, origin=Origin(now, "api", "api")), now.date())


def _example_page() -> dict[str, Any]:
    whole = example()
    names = {"customerName", *InvoicePage.model_json_schema()["$defs"]["InvoiceSummary"]["properties"]}
    summary = {name: value for name, value in whole.items() if name in names}
    return {"items": [{**summary, "customerName": whole["customer"]["name"]}]}


def _operation(  # noqa: PLR0913 -- the parts of an operation
    identity: str,
    summary: str,
    told: str,
    refusals: Sequence[int],
    answers: dict[int, Any],
    *,
    parameters: Sequence[Any] = (),
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    statuses = {status: {"$ref": f"#/components/responses/{status}"} for status in sorted({*refusals, *_ANY})}
    operation: dict[str, Any] = {"operationId": identity, "tags": ["invoices"], "summary": summary, "description": told}
    if parameters:
        operation["parameters"] = list(parameters)
    if body:
        operation["requestBody"] = body
    operation["responses"] = {str(status): answer for status, answer in {**answers, **statuses}.items()}
    return operation


def _preflight(name: str) -> dict[str, Any]:
    granted = {
        f"Access-Control-Allow-{what}": {"schema": {"type": "string"}} for what in ("Headers", "Methods", "Origin")
    }
    return {
        "operationId": f"preflight{name}",
        "tags": ["invoices"],
        "summary": "What browsers ask before they send a request",
        "security": [],
        "responses": {
            "204": {"description": "What is allowed; nothing to a foreign origin.", "headers": granted},
            "415": {"$ref": "#/components/responses/415"},
            "429": {"$ref": "#/components/responses/429"},
            "500": {"$ref": "#/components/responses/500"},
        },
    }


def _answer(told: str, model: type[BaseModel], headers: dict[str, Any], example: Any = None) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}
    if example is not None:
        media["example"] = example
    shared = {name: {"$ref": f"#/components/headers/{name}"} for name in _CORS}
    return {"description": told, "headers": {**headers, **shared}, "content": {"application/json": media}}


def _refusal(status: int) -> dict[str, Any]:
    headers: dict[str, Any] = {name: {"$ref": f"#/components/headers/{name}"} for name in _CORS}
    if status == 503:
        headers["Retry-After"] = _RETRY_AFTER
    schema = {"$ref": REFERENCE.format(model=Problem.__name__)}
    return {
        "description": _REFUSALS[status],
        "headers": headers,
        "content": {"application/problem+json": {"schema": schema}},
    }


def _header(name: str, told: str, pattern: str | None) -> dict[str, Any]:
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"name": name, "in": "header", "required": False, "description": told, "schema": schema}


def _body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=model.__name__)}
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def text() -> str:
    """The file's content."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, _: Any) -> bool:
            return True

    body = yaml.dump(
        json.loads(json.dumps(description())), Dumper=Plain, sort_keys=False, allow_unicode=True, width=110
    )
    return "# Made from the models. Edit those, then: PYTHONPATH=lambdas python -m invoicing.api.openapi\n" + body


def main(arguments: Sequence[str], target: Path = TARGET) -> int:
    """Write the file, or with ``--check`` say whether it is up to date (0) or not (1)."""
    if "--check" in arguments:
        current = target.is_file() and target.read_text(encoding="utf-8") == text()
        if not current:
            sys.stderr.write(f"{target} is out of date: PYTHONPATH=lambdas python -m invoicing.api.openapi\n")
        return 0 if current else 1
    target.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
