"""The form of a question to an engine, the register of all of them, and what several of them need.

Each interaction asks an engine through boto3 or HTTP and returns what a client can tell from the answer, as JSON,
without names that are made up. `expected` is AWS's answer; `source` is the document that promises it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.engine.cloud import Cloud

Ask = Callable[[Cloud], Any]
DOCS = "https://docs.aws.amazon.com"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Interaction:
    """One question to an engine.

    Attributes:
        feature: What of AWS it shows, in dashed words; ``localstack/differences.yaml`` uses the same.
        service: As boto3 spells it.
        aws: What AWS does, in a sentence.
        source: The document that says so.
        expected: The answer that follows from it.
        ask: Asks an engine.
        runs_functions: Whether it needs functions or a deployed API to run, which moto cannot without Docker.
    """

    feature: str
    service: str
    aws: str
    source: str
    expected: Any
    ask: Ask
    runs_functions: bool


REGISTERED: list[Interaction] = []


def interaction(service: str, *, source: str, expected: Any, runs_functions: bool = False) -> Callable[[Ask], Ask]:
    """Register the decorated function; its name is the feature, its docstring what AWS does."""

    def register(ask: Ask) -> Ask:
        feature = ask.__name__.replace("_", "-")
        about = " ".join((ask.__doc__ or "").split())
        REGISTERED.append(Interaction(feature, service, about, DOCS + source, expected, ask, runs_functions))
        return ask

    return register


def refusal(call: Callable[[], Any]) -> Any:
    """The code and status with which a call is refused; what it answers if it is not."""
    try:
        answer = call()
    except ClientError as refused:
        return [refused.response["Error"]["Code"], refused.response["ResponseMetadata"]["HTTPStatusCode"]]
    return {"not refused": sorted(answer)}


def bucket(cloud: Cloud) -> str:
    """A bucket that no other question uses."""
    name = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def table(cloud: Cloud, **more: Any) -> str:
    """A table that no other question uses, with the text ``id`` as its key."""
    name = cloud.name("table")
    key = [{"AttributeName": "id", "AttributeType": "S"}]
    cloud.client("dynamodb").create_table(
        **{
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": key,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            **more,
        }
    )
    return name


def function(cloud: Cloud, source: str, *allowed: dict[str, Any], **settings: Any) -> str:
    """A function that is ready: on AWS too it is pending at first, and refuses calls."""
    name = cloud.function(source, *allowed, **settings)
    waiter = cloud.client("lambda").get_waiter("function_active_v2")
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return name
