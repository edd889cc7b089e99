"""What is wrong with a field, in a sentence of ours: pydantic's own words are about its types, not about invoices.

The types of errors are those of https://docs.pydantic.dev/latest/errors/validation_errors/. A validator of
`invoicing.domain.fields` raises a ValueError, and its text is the sentence.
"""

from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

_SENTENCES: Mapping[str, str] = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "extra_forbidden": "is not a known name here; names are written as documented, in camelCase",
    "greater_than_equal": "must be {ge} or more",
    "int_type": "must be a whole number",
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list",
    "missing": "is required",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_too_long": "has more than {max_length} characters",
    "string_too_short": "must not be empty",
    "string_type": "must be a text",
    "string_unicode": "contains a character that could not be read",
    "too_long": "has {actual_length} entries; at most {max_length} are allowed",
    "too_short": "needs at least {min_length} entry",
}


def sentence(error: ErrorDetails) -> str:
    """One error of ``ValidationError.errors()``, as the detail of a problem or the reason of a rejected row."""
    kind, values = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if kind in {"literal_error", "enum"}:
        return f"must be one of {_choices(values)}"
    return _SENTENCES.get(kind, "is not valid here").format(**values)


def _choices(values: Mapping[str, Any]) -> str:
    return str(values["expected"]).replace("'", "").replace(" or ", ", ")
