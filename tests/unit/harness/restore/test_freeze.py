"""Functions at a standstill, and what lets them run again."""

from typing import Any

from harness.restore.freeze import Freeze

OUTPUTS = {"functions": {"pack": "pack-dev", "tell": "tell-dev"}}


class Functions:
    """Lambda with functions that have a reserved concurrency, or none."""

    def __init__(self, **reserved: int | None) -> None:
        self.reserved = {f"{name}-dev": number for name, number in reserved.items()}

    def get_function_concurrency(self, *, FunctionName: str) -> dict[str, int]:  # noqa: N803 -- as boto3
        number = self.reserved[FunctionName]
        return {} if number is None else {"ReservedConcurrentExecutions": number}

    def put_function_concurrency(self, *, FunctionName: str, ReservedConcurrentExecutions: int) -> None:  # noqa: N803
        self.reserved[FunctionName] = ReservedConcurrentExecutions

    def delete_function_concurrency(self, *, FunctionName: str) -> None:  # noqa: N803 -- as boto3
        self.reserved[FunctionName] = None

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803 -- as boto3
        return {"Timeout": {"pack-dev": 30, "tell-dev": 60}[FunctionName]}


def test_all_functions_stop_and_run_again_as_before() -> None:
    functions = Functions(pack=5, tell=None)
    freeze = Freeze.of(functions, OUTPUTS)

    freeze.begin()
    stopped, over = dict(functions.reserved), freeze.is_over()
    freeze.end()

    assert stopped == {"pack-dev": 0, "tell-dev": 0}
    assert not over
    assert functions.reserved == {"pack-dev": 5, "tell-dev": None}
    assert freeze.is_over()


def test_what_stood_still_before_stays_so() -> None:
    functions = Functions(pack=0, tell=3)
    freeze = Freeze.of(functions, OUTPUTS)

    freeze.begin()
    freeze.begin()
    freeze.end()

    assert functions.reserved == {"pack-dev": 0, "tell-dev": 3}


def test_the_longest_call_is_known() -> None:
    assert Freeze.of(Functions(pack=1, tell=1), OUTPUTS).longest_call_s == 60
