"""API Gateway (REST), data plane: the violations in a rejected request body."""

import json
from collections.abc import Iterator
from typing import Any

from ministack.services import apigateway_v1 as gw

from emulation.patch import patches, source_lacks

PAYLOAD_LIMIT = 10 * 2**20
"""The largest request in bytes ("Payload size: 10 MB").

https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

_MAX_SHOWN = 200  # characters of a value that a message repeats

_VARIABLE = "$context.error.validationErrorString"


@patches(gw, "_check_request_validation", needed=source_lacks("validationError"))
def validation_details(original: Any) -> Any:
    """The error for an invalid request body carries every violation; see :func:`validation_error_string`.

    A body over the payload limit is rejected for its size before it is parsed. A body that is nested too deeply for the
    parser is rejected as invalid.
    """

    def check(method: Any, api_id: str, request: Any, headers: Any, body: Any, query: Any) -> Any:
        if len(body or b"") > PAYLOAD_LIMIT:
            return gw._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        try:
            error = original(method, api_id, request, headers, body, query)
        except RecursionError:
            error = gw._gw_error("BAD_REQUEST_BODY", "Invalid request body")
        if error is not None and error.response_type == "BAD_REQUEST_BODY":
            content_type = (gw._header_ci(headers, "content-type") or "application/json").split(";", 1)[0].strip()
            models = method.get("requestModels") or {}
            schema = gw._model_schema(api_id, models.get(content_type) or models.get("application/json"))
            error.violations = _body_violations(body, schema)
        return error

    return check


@patches(gw, "_gateway_error_response", needed=source_lacks("validationErrorString"))
def validation_error_string(original: Any) -> Any:
    """Gateway response templates can show the violations in a request body.

    AWS: ``$context.error.validationErrorString`` is "a string containing a detailed validation error message", such as
    ``[object has missing required properties (["lines"])]``, and may be used inside a JSON string.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    MiniStack: does not replace the variable.
    """

    def respond(error: Any, request: Any) -> Any:
        status, headers, body = original(error, request)
        details = getattr(error, "violations", None)
        text = f"[{', '.join(details)}]" if details else ""
        return status, headers, body.replace(_VARIABLE.encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode())

    return respond


def _body_violations(body: Any, schema: Any) -> list[str]:
    try:
        document = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        return ["Unable to parse the request body as JSON"]
    return list(dict.fromkeys(violations(schema, document, schema)))


def violations(schema: Any, value: Any, root: Any) -> Iterator[str]:
    """The violations of a draft-04 schema in a value, in the words of the validator that API Gateway uses.

    Args:
        schema: The (sub)schema.
        value: The value to check.
        root: The whole schema, to which references point.
    """
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        schema, root = gw._resolve_schema_ref(schema["$ref"], root)
    if not isinstance(schema, dict) or gw._json_schema_valid(schema, value, root):
        return
    for check in (_type, _choice, _number, _text, _array, _members):
        yield from check(schema, value)
    for sub in schema.get("allOf") or []:
        yield from violations(sub, value, root)
    yield from _alternatives(schema, value, root)
    for sub, item in _children(schema, value):
        yield from violations(sub, item, root)


def _children(schema: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from ((sub, value[name]) for name, sub in (schema.get("properties") or {}).items() if name in value)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        yield from ((schema["items"], item) for item in value)


def _alternatives(schema: Any, value: Any, root: Any) -> Iterator[str]:
    for keyword, quantity in (("anyOf", "at least"), ("oneOf", "exactly")):
        matches = [gw._json_schema_valid(sub, value, root) for sub in schema.get(keyword) or []]
        if matches and (not any(matches) or (keyword == "oneOf" and sum(matches) > 1)):
            yield f"instance failed to match {quantity} one required schema among {len(matches)}"


def _type(schema: Any, value: Any) -> Iterator[str]:
    types = schema.get("type")
    allowed = types if isinstance(types, list) else [types] if types else []
    if allowed and not any(gw._JSON_TYPES.get(name, lambda _: True)(value) for name in allowed):
        kind = next(name for name in ("null", "boolean", "integer", "number", "string", "array", "object")
                    if gw._JSON_TYPES[name](value))  # fmt: skip
        yield (
            f"instance type ({kind}) does not match any allowed primitive type (allowed: {_compact(sorted(allowed))})"
        )


def _choice(schema: Any, value: Any) -> Iterator[str]:
    if "enum" in schema and not any(gw._json_equal(value, choice) for choice in schema["enum"]):
        yield f"instance value ({_compact(value)}) not found in enum (possible values: {_compact(schema['enum'])})"


def _number(schema: Any, value: Any) -> Iterator[str]:
    if not gw._JSON_TYPES["number"](value):
        return
    if value < (least := schema.get("minimum", value)):
        yield f"numeric instance is lower than the required minimum (minimum: {least}, found: {value})"
    if value > (most := schema.get("maximum", value)):
        yield f"numeric instance is greater than the required maximum (maximum: {most}, found: {value})"


def _text(schema: Any, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        return
    length, excerpt = len(value), _compact(value)
    if length < (least := schema.get("minLength", 0)):
        yield f"string {excerpt} is too short (length: {length}, required minimum: {least})"
    if length > (most := schema.get("maxLength", length)):
        yield f"string {excerpt} is too long (length: {length}, maximum allowed: {most})"
    if "pattern" in schema and gw._regex_search(schema["pattern"], value) is False:
        yield f"ECMA 262 regex {_compact(schema['pattern'])} does not match input string {excerpt}"
    if not gw._JSON_FORMATS.get(schema.get("format"), lambda _: True)(value):
        yield f"string {excerpt} is invalid against requested format {schema['format']}"


def _array(schema: Any, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        return
    count = len(value)
    if count < (least := schema.get("minItems", 0)):
        yield f"array is too short: must have at least {least} elements but instance has {count} elements"
    if count > (most := schema.get("maxItems", count)):
        yield f"array is too long: must have at most {most} elements but instance has {count} elements"


def _members(schema: Any, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    missing = sorted(name for name in schema.get("required") or [] if name not in value)
    if missing:
        yield f"object has missing required properties ({_compact(missing)})"
    if schema.get("additionalProperties") is False and not schema.get("patternProperties"):
        unknown = sorted(set(value) - set(schema.get("properties") or {}))
        if unknown:
            yield f"object instance has properties which are not allowed by the schema: {_compact(unknown)}"


def _compact(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
