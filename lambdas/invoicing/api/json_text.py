"""JSON texts of clients, read exactly: numbers as they are written, and names that are repeated are noticed.

"The names within an object SHOULD be unique": of two equal ones, most parsers keep the last without a word, some the
first (RFC 8259, section 4, https://www.rfc-editor.org/rfc/rfc8259#section-4). In a request for money, nobody can tell
which of the two was meant.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

Place = tuple[str | int, ...]
"""Where a value is in a document: the names and positions that lead to it."""


class _Repeating(dict[str, Any]):
    """An object whose text has a name more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = [name for name in self if names.count(name) > 1]


def read_json(text: str) -> tuple[Any, list[Place]]:
    """The document, and the places of all names that an object has more than once.

    An object that is itself the earlier value of a repeated name is not looked at.

    Raises:
        ValueError: the text is not JSON; NaN and infinities are not.
        ArithmeticError: a number has an exponent that no decimal has.
        RecursionError: it is nested too deeply.
    """
    repeating: list[_Repeating] = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        repeating.append(_Repeating(pairs))
        return repeating[-1]

    document = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=build)
    return document, [*_repeated(document, ())] if repeating else []


def _repeated(value: Any, place: Place) -> Iterator[Place]:
    if isinstance(value, _Repeating):
        yield from ((*place, name) for name in value.repeated)
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _repeated(member, (*place, name))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _repeated(entry, (*place, number))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
