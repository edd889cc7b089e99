"""What the four API functions share: routing, reading requests, RFC 9457 problems, and CORS on every answer.

A refusal (`invoicing.domain.errors`) becomes its problem document here and nowhere else. Anything else that is raised
stays an unhandled error: Lambda counts it, the alarm sees it, and API Gateway answers a problem document of its own.
"""

import json
import re
import uuid
from collections.abc import Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from invoicing.domain.errors import Busy, InvalidRequest, InvoiceError, NotFound, TooLarge
from invoicing.domain.models import Invoice
from invoicing.runtime.observability import count, logger

PROBLEM = "application/problem+json"
EXPOSED = "Location, ETag, Retry-After"
"""Headers of ours that a browser lets scripts read only when told to."""
MAX_ERRORS = 50
"""Errors that one problem document lists."""

MAX_BODY = 4 * 2**20
"""Characters of a body, below what Lambda takes (6 MB, the whole event); no invoice that can be stored needs them."""

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_ENTITY_TAGS = re.compile(rf"\s*{_TAG}\s*(?:,\s*{_TAG}\s*)*")
_VERSION_TAG = re.compile(r'(?<!/)"([1-9][0-9]{0,17})"', re.ASCII)

Model = TypeVar("Model", bound=BaseModel)


def resolver() -> APIGatewayRestResolver:
    """A router that answers refusals and unknown paths with problem documents."""
    app = APIGatewayRestResolver()

    @app.exception_handler(InvoiceError)  # type: ignore[untyped-decorator] # Powertools does not annotate it
    def _refused(error: InvoiceError) -> Response[str]:
        count("RequestsRefused")
        logger.info("Request refused", slug=error.slug, status=error.status, detail=error.detail)
        return problem(error)

    @app.not_found
    def _unknown(_: NotFoundError) -> Response[str]:
        document = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is no such resource."}
        return Response(404, PROBLEM, json.dumps(document))

    return app


def serve(
    app: APIGatewayRestResolver, event: dict[str, Any], context: LambdaContext, origins: Sequence[str]
) -> dict[str, Any]:
    """Route the request and put the CORS headers on whatever comes back."""
    answer = app.resolve(event, context)
    headers = answer.setdefault("multiValueHeaders", {})
    origin = APIGatewayProxyEvent(event).headers.get("Origin")
    if "*" in origins:
        headers["Access-Control-Allow-Origin"] = ["*"]
    else:
        headers["Vary"] = ["Origin"]
        if origin in origins:
            headers["Access-Control-Allow-Origin"] = [origin]
    headers["Access-Control-Expose-Headers"] = [EXPOSED]
    return answer


def problem(error: InvoiceError) -> Response[str]:
    """The problem document of a refusal."""
    document: dict[str, Any] = {
        "type": f"urn:invoice-platform:problem:{error.slug}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "errors": error.errors,  # as the gateway's own problems have it: empty when there is no more to say
        **error.members,
    }
    headers: dict[str, str | list[str]] = {"Retry-After": "1"} if isinstance(error, Busy) else {}
    return Response(error.status, PROBLEM, json.dumps(document, ensure_ascii=False), headers)


def answer(document: dict[str, Any], status: int = 200, **headers: str) -> Response[str]:
    """A JSON answer; header names are given with ``_`` for ``-``."""
    named: dict[str, str | list[str]] = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, "application/json", json.dumps(document, ensure_ascii=False), named)


def body_of(event: APIGatewayProxyEvent, model: type[Model]) -> Model:
    """The request's body, its numbers read exactly as they are written.

    Raises:
        InvalidRequest: when it is no JSON, or not what the model describes; ``errors`` points at each fault.
        TooLarge: when it is longer than any invoice can be.
    """
    if len(event.body or "") > MAX_BODY:
        raise TooLarge(f"The body is longer than {MAX_BODY // 2**20} MB. Split the invoice.")
    try:
        document = json.loads(event.decoded_body or "", parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):  # an exponent beyond what decimals have is arithmetic
        raise InvalidRequest("The body is not a JSON document.") from None
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidRequest("The body is not as it should be.", errors=_faults(error, "#/")) from None


def query_of(event: APIGatewayProxyEvent, model: type[Model]) -> Model:
    """The query string; empty parameters count as absent.

    Raises:
        InvalidRequest: as `body_of`; unknown and repeated parameters are faults too.
    """
    repeated = [
        {"pointer": name, "detail": "is given more than once"}
        for name, values in (event.get("multiValueQueryStringParameters") or {}).items()
        if len(values) > 1
    ]
    if repeated:
        raise InvalidRequest("A parameter of the query is repeated.", errors=repeated)
    values = {name: value for name, value in (event.query_string_parameters or {}).items() if value}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest("The query is not as it should be.", errors=_faults(error, "")) from None


def idempotency_key(event: APIGatewayProxyEvent) -> str | None:
    """The ``Idempotency-Key`` header.

    Raises:
        InvalidRequest: when it is longer than 255 characters, or not printable ASCII.
    """
    key = event.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        error = {"pointer": "Idempotency-Key", "detail": "must be 1 to 255 printable ASCII characters"}
        raise InvalidRequest("The Idempotency-Key cannot be used.", errors=[error])
    return key


def if_match(event: APIGatewayProxyEvent) -> frozenset[int] | None:
    """The versions that the ``If-Match`` header names, or None when any will do (no header, or ``*``).

    Compared strongly, as RFC 9110 asks: a weak tag, or one that is not ours, names no version.

    Raises:
        InvalidRequest: it is no list of entity tags.
    """
    given = event.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    if not _ENTITY_TAGS.fullmatch(given):
        error = {"pointer": "If-Match", "detail": 'must be an ETag as an answer gave it, such as "3", or *'}
        raise InvalidRequest("If-Match cannot be read.", errors=[error])
    return frozenset(int(version) for version in _VERSION_TAG.findall(given))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _faults(error: ValidationError, root: str) -> list[dict[str, str]]:
    return [
        {
            "pointer": root + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in fault["loc"]),
            "detail": fault["msg"].removeprefix("Value error, "),
        }
        for fault in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_ERRORS]
    ]


def identity(text: str) -> str:
    """An invoice id from a path, in its one spelling; anything that is no UUID cannot be an invoice.

    Raises:
        NotFound: for such.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise NotFound(f"There is no invoice {text[:64]}.") from None


def found(invoice: Invoice | None, invoice_id: str) -> Invoice:
    """The invoice that was looked for.

    Raises:
        NotFound: when there is none.
    """
    if invoice is None:
        raise NotFound(f"There is no invoice {invoice_id}.")
    return invoice
