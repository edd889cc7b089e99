"""What happens when several writers meet at one item: throttling, transactions in each other's way, and waiting."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from invoicing.domain.errors import Busy
from invoicing.table.items import decode

PATIENCE = 6
"""Attempts at a write that meets other writers' unfinished ones; with the pauses between them, about a second."""

_CONFLICT = "TransactionConflictException"
_THROTTLES = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionInProgressException",
    _CONFLICT,
}

Answer = TypeVar("Answer")


class Canceled(Exception):
    """A transaction was canceled; ``reasons`` holds one entry for each write."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(", ".join(str(reason.get("Code")) for reason in reasons))
        self.reasons = reasons

    def failed(self, index: int) -> bool:
        """Whether the condition of the ``index``-th write is what failed."""
        return bool(self.reasons[index].get("Code") == "ConditionalCheckFailed")

    def there(self, index: int) -> dict[str, Any] | None:
        """The item that the ``index``-th write found in its place, if it failed and was told."""
        item = self.reasons[index].get("Item")
        return decode(item) if item else None


@contextmanager
def throttling() -> Iterator[None]:
    """Tell throttling as `Busy`."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _THROTTLES:
            raise Busy("The invoices table is busy; send the same request again in a moment.") from error
        raise


def patiently(write: Callable[[], Answer]) -> Answer:
    """The write's answer, waiting for transactions of others that hold the item.

    Raises:
        Busy: they hold it for longer than `PATIENCE`, or the table throttles.
        ClientError: any other answer.
    """
    for attempt in range(1, PATIENCE):
        try:
            with throttling():
                return write()
        except Busy as busy:
            if not isinstance(busy.__cause__, ClientError) or busy.__cause__.response["Error"]["Code"] != _CONFLICT:
                raise
            pause(attempt)
    with throttling():
        return write()


def pause(attempt: int) -> None:
    """Wait a little, longer each time and never in step with others."""
    time.sleep(random.uniform(0.02, 0.06) * attempt)  # noqa: S311 -- spreads writers, keeps no secret
