"""Functions at a standstill: nothing is written while a table takes the place of another.

"To throttle a function, set the reserved concurrency to zero. This stops your function from processing any events until
you remove the limit." Asynchronous events and the records of streams wait; callers of the API are told to come back.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Freeze:
    """The functions of one environment, at a standstill or not.

    Attributes:
        lambdas: A client of Lambda.
        functions: Their names.
        before: The reserved concurrency that each frozen one had; None for none.
    """

    lambdas: Any
    functions: tuple[str, ...]
    before: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, lambdas: Any, outputs: Mapping[str, Any]) -> "Freeze":
        """Of the functions in the output ``stack`` of a live folder."""
        return cls(lambdas, tuple(sorted(outputs["functions"].values())))

    @property
    def longest_call_s(self) -> int:
        """Seconds after which a call that began before the standstill has ended."""
        timeouts = [self.lambdas.get_function_configuration(FunctionName=name)["Timeout"] for name in self.functions]
        return max(timeouts, default=0)

    def begin(self) -> None:
        """Stop all functions; calls in progress come to their end."""
        for name in self.functions:
            reserved = self.lambdas.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
            self.before.setdefault(name, reserved)
            self.lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    def end(self) -> None:
        """Let those that this object has stopped run again as before."""
        for name, reserved in self.before.items():
            if reserved:
                self.lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
            elif reserved is None:
                self.lambdas.delete_function_concurrency(FunctionName=name)
        self.before.clear()

    def is_over(self) -> bool:
        """Whether every function may run."""
        reserved = (self.lambdas.get_function_concurrency(FunctionName=name) for name in self.functions)
        return all(each.get("ReservedConcurrentExecutions") != 0 for each in reserved)
