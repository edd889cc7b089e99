"""Comparing the messages of a refusal with those that a spec asks for."""

import re
from collections.abc import Iterator, Sequence


def unlike(wanted: Sequence[str], messages: Sequence[str]) -> Iterator[str]:
    """What is wrong with a refusal: a wanted message that did not come, or one that came unasked.

    Args:
        wanted: Each a part of a message, or a regular expression between slashes.
        messages: What Terraform said.
    """
    for pattern in wanted:
        if not any(fits(pattern, one) for one in messages):
            yield f"expected a refusal that says {pattern!r}, found {_listed(messages)}"
    for one in messages:
        if not any(fits(pattern, one) for pattern in wanted):
            yield f"refused for another reason too: {one!r}"


def fits(pattern: str, message: str) -> bool:
    """Whether a message is what a spec asks for."""
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        return re.search(pattern[1:-1], message) is not None
    return pattern in message


def _listed(messages: Sequence[str]) -> str:
    return ", ".join(repr(one) for one in messages) or "none"
