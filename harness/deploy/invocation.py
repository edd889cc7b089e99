"""Calls of a deployed environment's functions, through the alias that callers get."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.deploy.release import ALIAS

LONGEST_CALL_S = 120
"""Seconds that a call may take: more than any function's time-out."""


@dataclass(frozen=True)
class Result:
    """What a call has led to.

    Attributes:
        response: What the function returned.
        error: What failed; empty if nothing did.
    """

    response: Any
    error: str = ""


class Invoker:
    """Calls functions.

    Args:
        functions: A client of Lambda that repeats nothing and waits for `LONGEST_CALL_S`.
        names: The functions' names by their short names.
    """

    def __init__(self, functions: Any, names: Mapping[str, str]) -> None:
        self._functions, self._names = functions, names

    def call(self, function: str, event: Mapping[str, Any]) -> Result:
        """Call a function, and wait for its end.

        Args:
            function: Its short name, or the ARN of its alias.
            event: What it gets.
        """
        name = f"{self._names[function]}:{ALIAS}" if function in self._names else function
        response = self._functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        result = json.loads(response["Payload"].read() or b"null")
        if "FunctionError" not in response:
            return Result(result)
        about = result if isinstance(result, dict) else {}
        parts = [str(about[name]) for name in ("errorType", "errorMessage") if about.get(name)]
        return Result(result, ": ".join(parts) or str(response["FunctionError"]))
