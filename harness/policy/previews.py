"""The plan of a preview, judged as the plan of the environment that it is a copy of.

A preview is an environment in a workspace of its own; its names end with those of both (``invoices-dev-pr-00007``). The
rules know the environment. So the plan is read as if the copy were the original; the original is a stranger to it then.
"""

import re
from collections.abc import Mapping
from typing import Any

STRANGER = "original"
"""What the environment itself is called in the plan of its copy: no rule takes that for its own."""

_OF_PLAN = ("configuration", "variables")
"""Parts of a plan that are the same for the environment and its copy."""


def as_original(document: Mapping[str, Any], environment: str, workspace: str) -> dict[str, Any]:
    """A plan with the names of the environment instead of its copy's.

    Args:
        document: What ``terraform show -json`` printed.
        environment: The live folder's name.
        workspace: The workspace of the copy.
    """
    copy = re.compile(rf"\b{re.escape(f'{environment}-{workspace}')}\b")
    original = re.compile(
        rf"(?<=[-$]){re.escape(environment)}\b(?!-{re.escape(workspace)})|\A{re.escape(environment)}\Z"
    )

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return copy.sub(environment, original.sub(STRANGER, value))
        if isinstance(value, Mapping):
            return {key: renamed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [renamed(each) for each in value]
        return value

    return {part: each if part in _OF_PLAN else renamed(each) for part, each in document.items()}
