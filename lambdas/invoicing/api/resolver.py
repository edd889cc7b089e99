"""What the four API functions share: routing, reading requests, RFC 9457 problems, and CORS on every response.

An `invoicing.domain.errors.InvoiceError` becomes a problem document here and nowhere else. Any other exception stays
unhandled: Lambda counts it, the alarm fires, and API Gateway responds with its own problem document.
"""

import json
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from invoicing.api.json_text import read_json
from invoicing.api.response_models import Problem, ResponseModel
from invoicing.domain.errors import Busy, InvalidRequest, InvoiceError, NotFound, TooLarge
from invoicing.domain.models import Invoice
from invoicing.domain.sentences import sentence
from invoicing.runtime.observability import correlate, count, logger

PROBLEM = "application/problem+json"
EXPOSED = "Location, ETag, Retry-After"
"""Response headers that a browser hides from scripts unless they are listed."""
MAX_ERRORS = 50
"""Errors that one problem document lists at most."""

MAX_BODY = 4 * 2**20
"""Characters of a body. Lambda accepts 6 MB for the complete event; no invoice that can be stored needs this many."""

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_ENTITY_TAGS = re.compile(rf"\s*{_TAG}\s*(?:,\s*{_TAG}\s*)*")
_VERSION_TAG = re.compile(r'(?<!/)"([1-9][0-9]{0,17})"', re.ASCII)

Model = TypeVar("Model", bound=BaseModel)


def create_app() -> APIGatewayRestResolver:
    """A router that responds to errors and unknown paths with problem documents."""
    app = APIGatewayRestResolver()

    @app.exception_handler(InvoiceError)  # type: ignore[untyped-decorator] # Powertools does not annotate it
    def _invoice_error(error: InvoiceError) -> Response[str]:
        count("RequestsRefused")
        logger.info("Request rejected", slug=error.slug, status=error.status, detail=error.detail)
        return problem_response(error, _request_id(app))

    @app.not_found
    def _unknown_path(_: NotFoundError) -> Response[str]:
        problem = Problem(
            type="about:blank",
            title="Not Found",
            status=404,
            detail="There is no such resource.",
            errors=[],
            request_id=_request_id(app),
        )
        return Response(404, PROBLEM, _json(problem))

    return app


def serve(
    app: APIGatewayRestResolver, event: dict[str, Any], context: LambdaContext, origins: Sequence[str]
) -> dict[str, Any]:
    """Route the request, and add the headers of every response: CORS, and that nobody may store it.

    The correlation id is the request's id at the gateway, which access logs and problem documents have too.

    An invoice holds personal data, and its status changes: "the no-store response directive indicates that a cache MUST
    NOT store any part of either the immediate request or the response" (RFC 9111, 5.2.2.5,
    https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.5).
    """
    correlate((event.get("requestContext") or {}).get("requestId"))
    response = app.resolve(event, context)
    headers = response.setdefault("multiValueHeaders", {})
    headers["Cache-Control"] = ["no-store"]
    origin = APIGatewayProxyEvent(event).headers.get("Origin")
    if "*" in origins:
        headers["Access-Control-Allow-Origin"] = ["*"]
    else:
        headers["Vary"] = ["Origin"]
        if origin in origins:
            headers["Access-Control-Allow-Origin"] = [origin]
    headers["Access-Control-Expose-Headers"] = [EXPOSED]
    return response


def problem_response(error: InvoiceError, request_id: str | None) -> Response[str]:
    """The problem document of an error.

    Args:
        error: The error.
        request_id: The id of the request at the gateway, by which its logs name it.
    """
    headers: dict[str, str | list[str]] = {"Retry-After": "1"} if isinstance(error, Busy) else {}
    return Response(error.status, PROBLEM, _json(Problem.of(error, request_id)), headers)


def _request_id(app: APIGatewayRestResolver) -> str | None:
    return (app.current_event.get("requestContext") or {}).get("requestId")


def response(model: ResponseModel, status: int = 200, **headers: str) -> Response[str]:
    """A JSON response; header names are passed with ``_`` for ``-``."""
    header_values: dict[str, str | list[str]] = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, "application/json", _json(model), header_values)


def body_of(event: APIGatewayProxyEvent, model: type[Model]) -> Model:
    """The request's body, with its numbers read exactly as written.

    Raises:
        InvalidRequest: the body is not JSON, has a name twice, or does not match the model; ``errors`` lists every
            problem.
        TooLarge: the body is longer than any invoice can be.
    """
    if len(event.body or "") > MAX_BODY:
        raise TooLarge(f"The body is longer than {MAX_BODY // 2**20} MB. Split the invoice.")
    try:
        document, repeated = read_json(event.decoded_body or "")
    except (ValueError, ArithmeticError, RecursionError):  # ArithmeticError: the exponent is too large for a decimal
        raise InvalidRequest("The body is not a JSON document.") from None
    if repeated:
        errors = [{"pointer": _body_pointer(place), "detail": "must not be repeated"} for place in repeated]
        raise InvalidRequest("The body has a name more than once in one object.", errors=errors[:MAX_ERRORS])
    try:
        return model.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidRequest("The body is invalid.", errors=_errors_of(error, _body_pointer)) from None


def query_of(event: APIGatewayProxyEvent, model: type[Model]) -> Model:
    """The query string.

    An empty parameter is an error: a list for no customer would be that of all of them.

    Raises:
        InvalidRequest: a parameter does not match the model, is unknown, empty or repeated.
    """
    repeated = [
        {"pointer": name, "detail": "must not be repeated"}
        for name, values in (event.get("multiValueQueryStringParameters") or {}).items()
        if len(values) > 1
    ]
    if repeated:
        raise InvalidRequest("A query parameter is repeated.", errors=repeated)
    values = dict(event.query_string_parameters or {})
    if empty := [{"pointer": name, "detail": "must not be empty"} for name, value in values.items() if not value]:
        raise InvalidRequest("A query parameter is empty.", errors=empty)
    try:
        return model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidRequest("The query is invalid.", errors=_errors_of(error, _parameter)) from None


def caller(event: APIGatewayProxyEvent) -> str:
    """Who the history names for a request: the API key that API Gateway has checked, never what a caller wrote."""
    key = event.request_context.identity.api_key_id
    return f"api-key:{key}" if key else "api"


def idempotency_key(event: APIGatewayProxyEvent) -> str | None:
    """The ``Idempotency-Key`` header.

    Raises:
        InvalidRequest: the key is empty, longer than 255 characters, or not printable ASCII.
    """
    key = event.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        error = {"pointer": "Idempotency-Key", "detail": "must be 1 to 255 printable ASCII characters"}
        raise InvalidRequest("The Idempotency-Key is invalid.", errors=[error])
    return key


def if_match(event: APIGatewayProxyEvent) -> frozenset[int] | None:
    """The versions that the ``If-Match`` header names, or None when any version matches (no header, or ``*``).

    RFC 9110 requires the strong comparison: a weak tag, or one that is not ours, names no version.

    Raises:
        InvalidRequest: the header is not a list of entity tags.
    """
    header = event.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    if not _ENTITY_TAGS.fullmatch(header):
        error = {"pointer": "If-Match", "detail": 'must be an ETag of a response, such as "3", or *'}
        raise InvalidRequest("The If-Match header is invalid.", errors=[error])
    return frozenset(int(version) for version in _VERSION_TAG.findall(header))


def _json(model: ResponseModel) -> str:
    return json.dumps(model.body(), ensure_ascii=False)


def _errors_of(error: ValidationError, pointer: Callable[[Sequence[str | int]], str]) -> list[dict[str, str]]:
    return [
        {"pointer": pointer(entry["loc"]), "detail": sentence(entry)}
        for entry in error.errors(include_url=False, include_input=False)[:MAX_ERRORS]
    ]


def _body_pointer(place: Sequence[str | int]) -> str:
    """A JSON pointer as a fragment (RFC 6901, section 6); ``#`` is the whole body."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def _parameter(place: Sequence[str | int]) -> str:
    """The name of a parameter; an error of several is reported for the query."""
    return ".".join(map(str, place)) or "query"


def parse_id(text: str, kind: str) -> str:
    """The id in a path, in its one spelling.

    Args:
        text: The part of the path.
        kind: What it names: ``invoice`` or ``payment``.

    Raises:
        NotFound: the text is not a UUID, so it cannot be such an id.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise NotFound(f"There is no {kind} {text[:64]}.") from None


def require(invoice: Invoice | None, invoice_id: str) -> Invoice:
    """The invoice that was read.

    Raises:
        NotFound: there is none.
    """
    if invoice is None:
        raise NotFound(f"There is no invoice {invoice_id}.")
    return invoice
