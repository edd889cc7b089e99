"""What can be refused, and how each refusal is told to a client.

Raised by the pure modules and the adapters, turned into RFC 9457 answers by `invoicing.api.resolver` and into rows of a
reject report by `invoicing.uploads.intake`. Anything else that is raised is a fault of ours and stays an unhandled
exception.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class InvoiceError(Exception):
    """Base of all refusals.

    Attributes:
        status: The HTTP status that tells it best.
        slug: The last part of the problem type (``urn:invoice-platform:problem:<slug>``).
        errors: One entry for each thing that is wrong with a request: ``pointer`` (RFC 6901, or the name of a
            parameter) and ``detail``.
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
    """The request itself is wrong; repeating it unchanged cannot help."""


class NotFound(InvoiceError):
    """There is no invoice with that id."""

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
    """``If-Match`` names another version than the current one (RFC 9110, 13.1.1); members as `StatusConflict`."""

    status = 412
    slug = "precondition-failed"


class PaymentConflict(InvoiceError):
    """The payment does not fit what is due, or its id was used before for a different amount."""

    status = 409
    slug = "payment-conflict"


class TooLarge(InvoiceError):
    """The invoice would pass what one DynamoDB item can hold (400 KB)."""

    status = 413
    slug = "invoice-too-large"


class Busy(InvoiceError):
    """The table is throttling or contended; the same request may be sent again a little later."""

    status = 503
    slug = "busy"
