"""Compares the error messages of a rejection with those that a spec expects."""

import re
from collections.abc import Iterator, Sequence


def message_differences(expected: Sequence[str], messages: Sequence[str]) -> Iterator[str]:
    """What is wrong with a rejection: an expected message that is missing, or one that was not expected.

    Args:
        expected: Each a part of a message, or a regular expression between slashes.
        messages: Terraform's messages.
    """
    for pattern in expected:
        if not any(fits(pattern, message) for message in messages):
            yield f"expected a rejection with {pattern!r}, found {_listed(messages)}"
    for message in messages:
        if not any(fits(pattern, message) for pattern in expected):
            yield f"rejected for another reason too: {message!r}"


def fits(pattern: str, message: str) -> bool:
    """Whether a message matches one that a spec expects."""
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        return re.search(pattern[1:-1], message) is not None
    return pattern in message


def _listed(messages: Sequence[str]) -> str:
    return ", ".join(map(repr, messages)) or "none"
