"""The models as OpenAPI 3.1 component schemas and query parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

REFERENCE = "#/components/schemas/{model}"


def parameters_of(model: type[BaseModel], descriptions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each field of the model as a parameter of the query string, with its description."""
    schema = model.model_json_schema(by_alias=True, ref_template=REFERENCE)
    return [
        {"name": name, "in": "query", "required": False, "description": descriptions[name], "schema": _never_null(part)}
        for name, part in schema["properties"].items()
    ]


def schemas(requests: Sequence[type[BaseModel]], responses: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """The component schemas of all models, by name; a schema that both use is described as requests may have it."""
    _, request_schemas = models_json_schema([(model, "validation") for model in requests], ref_template=REFERENCE)
    _, response_schemas = models_json_schema([(model, "validation") for model in responses], ref_template=REFERENCE)
    schemas = {name: _never_null(schema) for name, schema in response_schemas["$defs"].items()}
    schemas |= {name: _untitled(schema) for name, schema in request_schemas["$defs"].items()}
    return dict(sorted(schemas.items()))


def _untitled(schema: Any) -> Any:
    """The schema without the titles that repeat its names."""
    if isinstance(schema, dict):
        return {
            name: {key: _untitled(part) for key, part in value.items()} if name == "properties" else _untitled(value)
            for name, value in schema.items()
            if not (name == "title" and isinstance(value, str))
        }
    return [_untitled(part) for part in schema] if isinstance(schema, list) else schema


def _never_null(schema: Any) -> Any:
    """The schema without null as a type or a default: members without a value are left out."""
    if isinstance(schema, list):
        return [_never_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    untitled = _untitled(schema)
    result = {name: _never_null(value) for name, value in untitled.items() if not (name == "default" and value is None)}
    kinds = [kind for kind in result.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        return {**kinds[0], **{name: value for name, value in result.items() if name != "anyOf"}}
    return result
