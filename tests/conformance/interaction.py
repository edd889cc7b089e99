"""The class of a question to an engine, the registry of all questions, and functions that several of them share.

Each interaction calls an engine through boto3 or HTTP. It returns what a client sees in the responses as JSON, without
generated names. `expected` is AWS's answer; `source` is the document that promises it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.engine.cloud import Cloud
from tests.patience import ARRIVAL_S

Ask = Callable[[Cloud], Any]
DOCS = "https://docs.aws.amazon.com"
TIMEOUT_S = ARRIVAL_S


@dataclass(frozen=True)
class Interaction:
    """One question to an engine.

    Attributes:
        feature: The behaviour of AWS that it shows, in dashed words, as in ``localstack/differences.yaml``.
        service: The name of the service in boto3.
        aws: The behaviour of AWS, in one sentence.
        source: The document that describes it.
        expected: The answer that follows from the document.
        ask: The function that asks an engine.
        runs_functions: Whether it needs running functions or a deployed API; moto has neither without Docker.
    """

    feature: str
    service: str
    aws: str
    source: str
    expected: Any
    ask: Ask
    runs_functions: bool


REGISTRY: list[Interaction] = []


def interaction(service: str, *, source: str, expected: Any, runs_functions: bool = False) -> Callable[[Ask], Ask]:
    """Register the decorated function; its name is the feature, its docstring describes the behaviour of AWS."""

    def register(ask: Ask) -> Ask:
        feature = ask.__name__.replace("_", "-")
        behaviour = " ".join((ask.__doc__ or "").split())
        REGISTRY.append(Interaction(feature, service, behaviour, DOCS + source, expected, ask, runs_functions))
        return ask

    return register


def rejection(call: Callable[[], Any]) -> Any:
    """The error code and status of a call that is expected to fail, or the members of its response."""
    try:
        response = call()
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]
    return {"not rejected": sorted(response)}


def bucket(cloud: Cloud) -> str:
    """A bucket that no other question uses."""
    name = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def table(cloud: Cloud, **settings: Any) -> str:
    """A table that no other question uses, with the text ``id`` as its key."""
    name = cloud.name("table")
    key = [{"AttributeName": "id", "AttributeType": "S"}]
    cloud.client("dynamodb").create_table(
        **{
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": key,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            **settings,
        }
    )
    return name


def function(cloud: Cloud, source: str, *allowed: dict[str, Any], **settings: Any) -> str:
    """A function that is ready for calls: like on AWS, a new function is pending and rejects calls."""
    name = cloud.function(source, *allowed, **settings)
    waiter = cloud.client("lambda").get_waiter("function_active_v2")
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return name
