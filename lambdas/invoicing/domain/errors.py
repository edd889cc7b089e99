"""The errors that a request can cause, and how clients see them.

The domain and the table raise them. `invoicing.api.resolver` turns them into RFC 9457 responses, and
`invoicing.uploads` into rows of a reject report. Any other exception is a failure of the platform and stays unhandled.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class InvoiceError(Exception):
    """Base of all errors that a request can cause.

    Attributes:
        status: The HTTP status.
        slug: The last part of the problem type (``urn:invoice-platform:problem:<slug>``).
        errors: One entry for each problem of a request: ``pointer`` (RFC 6901, or the name of a parameter) and
            ``detail``.
        members: Extension members of the problem document, in JSON types.
    """

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "invalid-request"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = [dict(error) for error in errors]
        self.members = dict(members or {})


class InvalidRequest(InvoiceError):
    """The request itself is invalid; repeating it unchanged cannot help."""


class NotFound(InvoiceError):
    """There is no invoice with this id."""

    status = 404
    slug = "not-found"


class ContentConflict(InvoiceError):
    """The same identity (invoice number or Idempotency-Key) was used before with different content."""

    status = 409
    slug = "content-conflict"


class StatusConflict(InvoiceError):
    """The invoice's status or version does not allow the change; carries ``currentStatus`` and ``currentVersion``."""

    status = 409
    slug = "status-conflict"


class PreconditionFailed(InvoiceError):
    """``If-Match`` does not name the current version (RFC 9110, 13.1.1); members as for `StatusConflict`."""

    status = 412
    slug = "precondition-failed"


class PaymentConflict(InvoiceError):
    """The payment does not fit the amount due, or its id was used before for another payment."""

    status = 409
    slug = "payment-conflict"


class NotAcceptable(InvoiceError):
    """The content is well-formed, but no invoice may be issued with it; ``errors`` lists every objection."""

    status = 422
    slug = "not-acceptable"


class TooLarge(InvoiceError):
    """The request, or the invoice, is larger than what can be stored: a DynamoDB item holds 400 KB."""

    status = 413
    slug = "invoice-too-large"


class Busy(InvoiceError):
    """The table throttles, or too many writers meet; the same request may be sent again a little later."""

    status = 503
    slug = "busy"
