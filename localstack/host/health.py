"""What the harness asks: ``/_localstack/health`` tells which mends are at work."""

from typing import Any

from localstack.services import internal

from embedded.mend import Mend, mends

verdicts: list[tuple[Mend, bool]] = []
"""Every mend with whether it was needed; set by :func:`host.mending.mend`."""


@mends(internal, "merge_recursive", needed=None)
def told_mends(original: Any) -> Any:
    """The health answer lists the mends that were applied, as ``mends``.

    This function puts it together. (The resource itself may be bound to its route before anything is mended: whatever
    imports LocalStack's handlers does that.)
    """

    def merge_recursive(source: Any, destination: Any, *more: Any, **options: Any) -> Any:
        merged = original(source, destination, *more, **options)
        return {**merged, "mends": [one.name for one, needed in verdicts if needed]}

    return merge_recursive
