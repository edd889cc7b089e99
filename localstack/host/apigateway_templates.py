"""API Gateway: ``$context`` variables put into texts (access log formats, gateway responses' templates).

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)")


def lookup(path: str, variables: Mapping[str, Any]) -> Any:
    """The value of ``$context.<path>``; None where there is none."""
    node: Any = variables
    for part in path.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def substitute(template: str, variables: Mapping[str, Any], *, missing: str) -> str:
    """The template with every ``$context`` variable in it replaced.

    Args:
        template: A text.
        variables: What ``$context`` holds.
        missing: What stands for a variable without a value: ``-`` in access logs, nothing in templates.
    """

    def value(match: re.Match[str]) -> str:
        path = match.group(1)
        if path == "error.messageString":  # "a quoted version of $context.error.message"
            return json.dumps(lookup("error.message", variables))
        found = lookup(path, variables)
        return missing if found is None else str(found)

    return _VARIABLE.sub(value, template)
