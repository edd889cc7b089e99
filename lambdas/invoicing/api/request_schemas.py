"""The request models as JSON Schema draft-04, the dialect of API Gateway's models.

``./noxw -s docs`` writes them to ``modules/invoice-platform/models``. A
unit test fails when a file is out of date. With them API Gateway checks shape and size itself: types, required and
unknown members, lengths. Its errors are the words of its validator, without a pointer to the member. So formats and
values (dates, numbers, codes) are left to the function, which reports each with a pointer and a sentence.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from invoicing.domain.models import CreateInvoice, UpdateInvoice
from invoicing.domain.receipts import ResolvePayment

MODELS: dict[str, type[BaseModel]] = {
    "create-invoice": CreateInvoice,
    "resolve-payment": ResolvePayment,
    "update-invoice": UpdateInvoice,
}
"""The name of each file, without its extension, and the model that it describes."""

FOLDER = Path(__file__).resolve().parents[3] / "modules" / "invoice-platform" / "models"

_DROPPED = frozenset({"title", "default", "$defs"})
_LEFT_TO_THE_FUNCTION = frozenset(
    (
        "const",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maximum",
        "minLength",
        "minimum",
        "multipleOf",
        "pattern",
    )
)


def draft_04(model: type[BaseModel]) -> dict[str, Any]:
    """The model's schema in draft-04, with references replaced by what they refer to.

    Raises:
        ValueError: the model uses a construct that has no conversion here.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    body = _convert(schema, schema.get("$defs", {}))
    return {"$schema": "http://json-schema.org/draft-04/schema#", "title": model.__name__, **body}


def text_of(model: type[BaseModel]) -> str:
    """The file's content."""
    return json.dumps(draft_04(model), indent=2, ensure_ascii=False) + "\n"


def _convert(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        definition = definitions[schema["$ref"].removeprefix("#/$defs/")]
        siblings = {name: value for name, value in schema.items() if name != "$ref"}
        return _convert({**definition, **siblings}, definitions)
    if "anyOf" in schema:
        return _optional(schema, definitions)
    result: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _DROPPED or name in _LEFT_TO_THE_FUNCTION:
            continue
        if name == "properties":
            result[name] = {key: _convert(part, definitions) for key, part in value.items()}
        elif name == "items":
            result[name] = _convert(value, definitions)
        elif name in {"oneOf", "allOf", "prefixItems", "patternProperties"}:
            raise ValueError(f"{name} has no conversion to draft-04 here: add one with its test")
        else:
            result[name] = value
    return result


def _optional(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """``X | None``: X with null as an additional type."""
    others = [part for part in schema["anyOf"] if part != {"type": "null"}]
    if len(others) != 1:
        raise ValueError("a union of several types has no conversion to draft-04 here: add one with its test")
    siblings = {name: value for name, value in schema.items() if name != "anyOf"}
    result = _convert({**others[0], **siblings}, definitions)
    kinds = result["type"] if isinstance(result["type"], list) else [result["type"]]
    return {**result, "type": [*kinds, "null"]}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, model in MODELS.items():
        target = FOLDER / f"{name}.json"
        target.write_text(text_of(model), encoding="utf-8")
        sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
