"""What happens when several writers meet at one item: throttling, conflicting transactions, and waiting."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from invoicing.domain.errors import Busy
from invoicing.table.items import decode

PATIENCE = 6
"""Attempts at a write that meets unfinished transactions of other writers; with the pauses, about a second."""

_CONFLICT = "TransactionConflictException"
_THROTTLES = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionInProgressException",
    _CONFLICT,
}
_THROTTLED_WRITES = {"ProvisionedThroughputExceeded", "ThrottlingError"}
"""Reasons of a canceled transaction: of a table with provisioned capacity, and of one that is paid per request.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

Response = TypeVar("Response")


class Canceled(Exception):
    """A transaction was canceled; ``reasons`` holds one entry for each write."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(", ".join(str(reason.get("Code")) for reason in reasons))
        self.reasons = reasons

    def failed(self, index: int) -> bool:
        """Whether the condition of the ``index``-th write is what failed."""
        return bool(self.reasons[index].get("Code") == "ConditionalCheckFailed")

    def too_large(self, index: int) -> bool:
        """Whether the item of the ``index``-th write has no room for it."""
        reason = self.reasons[index]
        return reason.get("Code") == "ValidationError" and "Item size" in str(reason.get("Message"))

    def existing_item(self, index: int) -> dict[str, Any] | None:
        """The item that kept the ``index``-th write from happening, if DynamoDB returned it."""
        item = self.reasons[index].get("Item")
        return decode(item) if item else None


def canceled(reasons: Sequence[Mapping[str, Any]]) -> Exception:
    """The exception for a canceled transaction: `Busy` if the table throttled any of its writes, else `Canceled`.

    The SDK repeats throttled requests, but no canceled transactions.
    """
    throttled = any(reason.get("Code") in _THROTTLED_WRITES for reason in reasons)
    return busy() if throttled else Canceled(reasons)


@contextmanager
def throttling() -> Iterator[None]:
    """Translate throttling into `Busy`."""
    try:
        yield
    except ClientError as error:
        if _code_of(error) in _THROTTLES:
            raise busy() from error
        raise


def retry_conflicts(write: Callable[[], Response]) -> Response:
    """The response to the write, repeated while transactions of other writers hold the item.

    Raises:
        Busy: they still hold it after `PATIENCE` attempts, or the table throttles.
        ClientError: any other error.
    """
    attempt = 1
    while True:
        try:
            return write()
        except ClientError as error:
            code = _code_of(error)
            if code not in _THROTTLES:
                raise
            if code != _CONFLICT or attempt == PATIENCE:
                raise busy() from error
        pause(attempt)
        attempt += 1


def retry_throttled(call: Callable[[], Response], seconds: float) -> Response:
    """The response to a call that must not fail because the table throttles it for a moment.

    Args:
        call: Raises `Busy` when it is throttled.
        seconds: How long it is repeated.

    Raises:
        Busy: it was throttled all that time.
    """
    deadline = time.monotonic() + seconds
    attempt = 1
    while True:
        try:
            return call()
        except Busy:
            if time.monotonic() > deadline:
                raise
        pause(attempt)
        attempt += 1


def pause(attempt: int) -> None:
    """Wait a little: longer each time, and never in step with other writers."""
    time.sleep(random.uniform(0.02, 0.06) * attempt)  # noqa: S311 -- spreads writers, keeps no secret


def _code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def busy() -> Busy:
    """The error that a client sees when the table cannot take a request now."""
    return Busy("The invoices table is busy; send the same request again in a moment.")
