"""Planned values that are known only after the apply.

A plan shows them twice: ``after`` leaves them out, and ``after_unknown`` has true in their places. `known` puts the two
together.
"""

from collections.abc import Mapping
from typing import Any, Final


class Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "(known after apply)"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false: compare with `is UNKNOWN`")


UNKNOWN: Final = Unknown()
"""A value that is known after the apply only, or that checkov could not render."""


def known(after: Any, unknown: Any) -> Any:
    """A planned value with `UNKNOWN` wherever ``after_unknown`` has true."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, Mapping):
        values = after if isinstance(after, Mapping) else {}
        return {name: known(values.get(name), unknown.get(name, False)) for name in {**values, **unknown}}
    if isinstance(unknown, list):
        items = after if isinstance(after, list) else []
        count = max(len(items), len(unknown))
        pad = [None] * count
        return [known(item, part) for item, part in zip([*items, *pad][:count], [*unknown, *pad][:count], strict=True)]
    return after
