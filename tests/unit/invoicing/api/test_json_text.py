"""JSON texts of clients: names that are repeated are noticed wherever they are."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.api.json_text import Place, read_json

_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(_VALUES)
def test_a_document_without_repetitions_is_what_the_standard_library_reads(value: Any) -> None:
    text = json.dumps(value)

    assert read_json(text) == (json.loads(text), [])


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"a": 1, "a": 1}', [("a",)]),
        ('{"a": 1, "b": 2, "a": 3, "b": 4, "a": 5}', [("a",), ("b",)]),
        ('{"lines": [{"q": 1}, {"q": 1, "q": 7}]}', [("lines", 1, "q")]),
        ('{"a": {"b": 1, "b": 2}, "c": [[{"d": 1, "d": 2}]]}', [("a", "b"), ("c", 0, 0, "d")]),
        ('{"q": 1, "\\u0071": 7}', [("q",)]),
        ('{"a": {"b": 1, "b": 2}, "a": 1}', [("a",)]),
        ('[{"": 1, "": 2}]', [(0, "")]),
        ('{"a": 1, "A": 2}', []),
    ],
)
def test_every_repeated_name_has_its_place(text: str, places: list[Place]) -> None:
    assert read_json(text)[1] == places


def test_numbers_are_read_as_they_are_written() -> None:
    document, _ = read_json('{"a": 0.1000, "b": 10}')

    assert (str(document["a"]), document["b"]) == ("0.1000", 10)
    assert isinstance(document["a"], Decimal)
