"""The concurrency of the account: what functions may reserve of it, and what they may not."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from harness.engine import EmbeddedEngine
from tests.engine.cloud import Cloud, serving, worker

CODE = """
    def handler(event, context):
        return {}
"""


@pytest.fixture(scope="module")
def small() -> Iterator[Cloud]:
    """An account with 110 concurrent executions."""
    with serving(EmbeddedEngine(f"concurrency-{worker()}", port="auto"), EMBEDDED_ACCOUNT_CONCURRENCY="110") as cloud:
        yield cloud


def unreserved(cloud: Cloud) -> tuple[int, int]:
    """The account's limit, and what is unreserved."""
    limits = cloud.client("lambda").get_account_settings()["AccountLimit"]
    return limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]


def test_an_account_has_a_thousand_by_default(cloud: Cloud) -> None:
    assert unreserved(cloud)[0] == 1000


def test_functions_may_reserve_all_but_a_hundred(small: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html."""
    functions = small.client("lambda")
    first, second = small.function(CODE), small.function(CODE)

    def reserve(name: str, number: int) -> None:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=number)

    reserve(first, 6)
    with pytest.raises(ClientError) as rejected:
        reserve(second, 5)

    assert rejected.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert "below its minimum value of [100]" in rejected.value.response["Error"]["Message"]
    assert unreserved(small) == (110, 104)
    reserve(second, 4)
    reserve(first, 0)  # AND a function can be stopped at any time, which gives back what it had reserved
    reserve(first, 6)
    assert unreserved(small) == (110, 100)
