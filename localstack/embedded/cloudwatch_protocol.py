"""CloudWatch's wire protocols, translated to the JSON protocol, which MiniStack serves completely.

The shapes come from botocore's service model.
"""

import functools
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.loaders
import botocore.model
import cbor2
from ministack.services import cloudwatch as cw

from emulation.patch import patches, source_lacks

_TARGET = "GraniteServiceVersion20100801"
_XMLNS = "http://monitoring.amazonaws.com/doc/2010-08-01/"


@patches(cw, "handle_request", needed=source_lacks("service_model", "service-2"))
def query_and_cbor(original: Any) -> Any:
    """CloudWatch responds alike in the Query, CBOR and JSON protocols.

    AWS: the service has all three (``protocols`` in its model); Terraform's provider 5.x speaks Query, boto3 CBOR.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonParameters.html
    MiniStack: its Query handlers drop members (metric queries of an alarm, insufficient-data actions, dashboards'
    errors), and its CBOR handlers take a body that is not CBOR for an empty one.
    """

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if "cbor" in headers.get("content-type", "") or "cbor" in headers.get("smithy-protocol", ""):
            operation = path.rpartition("/")[2]
            render = _cbor_response
            try:
                request = cbor2.loads(body) if body else {}
            except cbor2.CBORDecodeError as error:
                return render(operation, 400, {"__type": "SerializationException", "message": str(error)})
        elif "json" not in headers.get("content-type", "") and not headers.get("x-amz-target"):
            form = {name: values[0] for name, values in query.items()} | dict(parse_qsl(body.decode(), True))  # noqa: FBT003
            operation = form.get("Action", "")
            model = _operation(operation)
            request = _from_form(form, "", model.input_shape) if model else {}
            render = _query_response
        else:
            return await original(method, path, headers, body, query)
        json_headers = {
            **headers,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"{_TARGET}.{operation}",
        }
        json_headers.pop("smithy-protocol", None)
        content = json.dumps(request, default=datetime.timestamp).encode()
        status, _, payload = await original("POST", "/", json_headers, content, {})
        return render(operation, status, json.loads(payload or b"{}"))

    return handle_request


@functools.cache
def _service() -> botocore.model.ServiceModel:
    description = botocore.loaders.Loader().load_service_model("cloudwatch", "service-2")
    return botocore.model.ServiceModel(description, "cloudwatch")


def _operation(name: str) -> Any:
    """The operation's model, or None if the service has no operation of that name."""
    return _service().operation_model(name) if name in _service().operation_names else None


# --- Query, requests ----------------------------------------------------------------------------------------------


def _from_form(form: dict[str, str], prefix: str, shape: Any) -> Any:
    """The value of a shape, read from ``Name.member.1.Key=…`` pairs; None if there are none.

    https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
    """
    if shape is None:
        return {}
    if shape.type_name == "structure":
        dot = f"{prefix}." if prefix else ""
        members = {
            name: _from_form(form, dot + member.serialization.get("name", name), member)
            for name, member in shape.members.items()
        }
        present = {name: value for name, value in members.items() if value is not None}
        return present or (None if prefix else {})
    if shape.type_name == "list":
        base = prefix if shape.serialization.get("flattened") else f"{prefix}.member"
        numbers = sorted({int(m[1]) for key in form if (m := re.match(rf"{re.escape(base)}\.(\d+)(?:\.|$)", key))})
        items = [_from_form(form, f"{base}.{number}", shape.member) for number in numbers]
        return items or ([] if prefix in form else None)
    text = form.get(prefix)
    return None if text is None else _scalars.get(shape.type_name, str)(text)


_scalars: dict[str, Callable[[str], Any]] = {
    "boolean": lambda text: text == "true",
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
}


# --- responses ----------------------------------------------------------------------------------------------------


def _query_response(operation: str, status: int, content: dict[str, Any]) -> Any:
    request_id = uuid.uuid4()
    if status >= 400:
        code, message = _error(content)
        origin = "Sender" if status < 500 else "Receiver"
        error = f"<Type>{origin}</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        inner = f"<Error>{error}</Error><RequestId>{request_id}</RequestId>"
        return _xml(status, f'<ErrorResponse xmlns="{_XMLNS}">{inner}</ErrorResponse>')
    shape = _operation(operation).output_shape
    result = "" if shape is None else f"<{operation}Result>{_to_xml(content, shape)}</{operation}Result>"
    metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return _xml(status, f'<{operation}Response xmlns="{_XMLNS}">{result}{metadata}</{operation}Response>')


def _xml(status: int, text: str) -> Any:
    return status, {"Content-Type": "text/xml"}, text.encode()


def _to_xml(value: Any, shape: Any) -> str:
    if shape.type_name == "structure":
        return "".join(
            f"<{name}>{_to_xml(value[name], member)}</{name}>"
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if shape.type_name == "list":
        return "".join(f"<member>{_to_xml(item, shape.member)}</member>" for item in value)
    if shape.type_name == "timestamp":
        return _time(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return escape(str(value))


def _cbor_response(operation: str, status: int, content: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    if status >= 400:
        code, message = _error(content)
        # boto3 reads the error code of the Query protocol from this header (awsQueryCompatible).
        headers["x-amzn-query-error"] = f"{code};{'Sender' if status < 500 else 'Receiver'}"
        return status, headers, _cbor({"__type": code, "message": message})
    shape = _operation(operation).output_shape
    return status, headers, _cbor(_typed(content, shape) if shape is not None else {})


def _cbor(value: Any) -> bytes:
    """The bytes of a value, with times as epoch seconds (tag 1), as the protocol demands.

    https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#timestamp-type-serialization
    """
    encoded: bytes = cbor2.dumps(value, datetime_as_timestamp=True)
    return encoded


def _typed(value: Any, shape: Any) -> Any:
    """A JSON value with the types of its shape: times as datetimes, doubles as floats, without nulls."""
    if shape.type_name == "structure":
        return {
            name: _typed(value[name], member) for name, member in shape.members.items() if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_typed(item, shape.member) for item in value]
    if shape.type_name == "timestamp":
        return _time(value)
    return float(value) if shape.type_name in {"double", "float"} else value


def _time(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(float(value), UTC)


def _error(content: dict[str, Any]) -> tuple[str, str]:
    code = str(content.get("__type", "InternalServiceFault")).rpartition("#")[2]
    return code, str(content.get("message") or content.get("Message") or "")
