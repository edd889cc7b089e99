"""API Gateway: ``$context`` variables in texts (access log formats, templates of gateway responses).

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)")


def lookup(path: str, variables: Mapping[str, Any]) -> Any:
    """The value of ``$context.<path>``, or None."""
    node: Any = variables
    for part in path.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def substitute(template: str, variables: Mapping[str, Any], *, missing: str) -> str:
    """Replace every ``$context`` variable in a template.

    Args:
        template: The text.
        variables: The values of ``$context``.
        missing: The text for a variable without a value: ``-`` in access logs, empty in templates.
    """

    def text(match: re.Match[str]) -> str:
        path = match.group(1)
        if path == "error.messageString":  # "a quoted version of $context.error.message"
            return json.dumps(lookup("error.message", variables))
        value = lookup(path, variables)
        return missing if value is None else str(value)

    return _VARIABLE.sub(text, template)
