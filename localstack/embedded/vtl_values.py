"""The values in mapping templates: the variables that API Gateway provides, and the methods of values.

Reference: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any


class TemplateError(ValueError):
    """The template is broken, or uses something that is not supported."""


class AnyCase(dict[str, Any]):
    """Header values by name without regard to case: the server has converted the names to lower case."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a header, or the default if the request does not have it."""
        return next((value for name, value in self.items() if name.lower() == str(key).lower()), default)


class Input:
    """``$input``: the body and the parameters of the request."""

    def __init__(self, body: str, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        self.body = body
        self._parameters = parameters

    def params(self, name: str | None = None) -> Any:
        """All parameters by kind, or the first of a name in path, query string and headers ("" if there is none)."""
        if name is None:
            return self._parameters
        values = (self._parameters[kind].get(name) for kind in ("path", "querystring", "header"))
        return next((value for value in values if value is not None), "")

    def path(self, path: str) -> Any:
        """The part of the JSON body at a simple JSONPath (``$.a.b[0]``), or None."""
        node = json.loads(self.body) if self.body.strip() else None
        for key, index in re.findall(r"\.?([\w-]+)|\[(\d+)\]", path.lstrip("$")):
            if index and isinstance(node, list) and int(index) < len(node):
                node = node[int(index)]
            elif key and isinstance(node, dict):
                node = node.get(key)
            else:
                return None
        return node

    def json(self, path: str) -> str:
        """The part of the body at a JSONPath, as JSON text."""
        return json.dumps(self.path(path), separators=(",", ":"), ensure_ascii=False)


class Util:
    """``$util``."""

    def escapeJavaScript(self, value: str) -> str:  # noqa: N802 -- Velocity's name
        """The text with quotes and control characters escaped."""
        return json.dumps(str(value), ensure_ascii=False)[1:-1].replace("'", "\\'")

    def parseJson(self, value: str) -> Any:  # noqa: N802
        """The value of a JSON text."""
        return json.loads(value)

    def urlEncode(self, value: str) -> str:  # noqa: N802
        """The text in the encoding ``application/x-www-form-urlencoded``."""
        return urllib.parse.quote_plus(str(value), safe="*").replace("~", "%7E")

    def urlDecode(self, value: str) -> str:  # noqa: N802
        """The reverse of ``urlEncode``."""
        return urllib.parse.unquote_plus(str(value))

    def base64Encode(self, value: str) -> str:  # noqa: N802
        """The text's UTF-8 bytes in base64."""
        return base64.b64encode(str(value).encode()).decode()

    def base64Decode(self, value: str) -> str:  # noqa: N802
        """The reverse of ``base64Encode``."""
        return base64.b64decode(str(value)).decode()


def text(value: Any) -> str:
    """The text of a value in the output."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return "" if value is None else str(value)


_STRING_METHODS: dict[str, Callable[..., Any]] = {
    "contains": lambda s, part: part in s,
    "endsWith": lambda s, part: s.endswith(part),
    "equals": lambda s, other: s == other,
    "equalsIgnoreCase": lambda s, other: s.lower() == str(other).lower(),
    "indexOf": lambda s, part: s.find(part),
    "isEmpty": lambda s: not s,
    "length": len,
    "matches": lambda s, pattern: re.fullmatch(pattern, s) is not None,
    "replace": lambda s, old, new: s.replace(old, new),
    "replaceAll": lambda s, pattern, new: re.sub(pattern, new, s),
    "split": lambda s, pattern: re.split(pattern, s),
    "startsWith": lambda s, part: s.startswith(part),
    "substring": lambda s, start, end=None: s[start:end],
    "toLowerCase": str.lower,
    "toString": str,
    "toUpperCase": str.upper,
    "trim": str.strip,
}
_LIST_METHODS: dict[str, Callable[..., Any]] = {
    "add": lambda items, item: items.append(item) or True,
    "contains": lambda items, item: item in items,
    "get": lambda items, index: items[index] if 0 <= index < len(items) else None,
    "isEmpty": lambda items: not items,
    "size": len,
}
_MAP_METHODS: dict[str, Callable[..., Any]] = {
    "containsKey": lambda m, key: m.get(key) is not None,
    "entrySet": lambda m: [{"key": key, "value": value} for key, value in m.items()],
    "get": lambda m, key: m.get(key),
    "isEmpty": lambda m: not m,
    "keySet": list,
    "put": lambda m, key, value: m.update({key: value}) or "",
    "size": len,
    "values": lambda m: list(m.values()),
}


def step(node: Any, name: str | None, arguments: list[Any] | None) -> Any:
    """Apply one property access, method call or index to a value.

    Raises:
        TemplateError: The value has no such method.
    """
    if name is None:
        return step(node, "get", arguments)
    if isinstance(node, Input | Util):
        member = None if name.startswith("_") else getattr(node, name, None)
        if member is None or callable(member) != (arguments is not None):
            raise TemplateError(f"${type(node).__name__.lower()}.{name} is not supported.")
        return member(*arguments) if arguments is not None else member
    if arguments is None:
        return node.get(name) if isinstance(node, dict) else None
    methods = _MAP_METHODS if isinstance(node, dict) else _LIST_METHODS if isinstance(node, list) else _STRING_METHODS
    if name not in methods:
        raise TemplateError(f"The method {name}() is not supported.")
    return methods[name](node if isinstance(node, dict | list) else text(node), *arguments)
