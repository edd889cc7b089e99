"""Every AWS client is created here: short time-outs (a function has seconds), standard retries, signature version 4.

A call takes `longest_call` seconds at most, all its attempts together. That is less than any function's time-out, so a
service that does not respond, or that throttles, leads to an error of the call, and not to a killed function.
"""

from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_apigateway import APIGatewayClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

ATTEMPTS = 3
"""Attempts at a call whose caller has no retries of its own."""
CONNECT_S, READ_S = 2, 5
"""Seconds that one attempt waits for a connection, and for each part of the response."""

CONFIG = Config(
    connect_timeout=CONNECT_S,
    read_timeout=READ_S,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    signature_version="v4",
    max_pool_connections=16,
    tcp_keepalive=True,
)


def longest_call(attempts: int = ATTEMPTS) -> float:
    """Seconds that a call takes at most: each attempt, and pauses of up to 1, 2, 4, … s between them.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    return attempts * (CONNECT_S + READ_S) + float(2 ** (attempts - 1) - 1)


@overload
def client(service: Literal["dynamodb"], *, attempts: int = ATTEMPTS) -> "DynamoDBClient": ...
@overload
def client(service: Literal["s3"], *, attempts: int = ATTEMPTS) -> "S3Client": ...
@overload
def client(service: Literal["events"], *, attempts: int = ATTEMPTS) -> "EventBridgeClient": ...
@overload
def client(service: Literal["secretsmanager"], *, attempts: int = ATTEMPTS) -> "SecretsManagerClient": ...
@overload
def client(service: Literal["apigateway"], *, attempts: int = ATTEMPTS) -> "APIGatewayClient": ...
@overload
def client(service: Literal["sqs"], *, attempts: int = ATTEMPTS) -> "SQSClient": ...
def client(
    service: Literal["dynamodb", "s3", "events", "secretsmanager", "apigateway", "sqs"], *, attempts: int = ATTEMPTS
) -> Any:
    """A client of ``service``; region, credentials and endpoint come from the standard AWS environment variables.

    Args:
        service: Its name in boto3.
        attempts: 1 for a caller that repeats the call itself.
    """
    options: dict[str, Any] = {"retries": {"mode": "standard", "total_max_attempts": attempts}}
    if service == "s3":
        options["signature_version"] = "s3v4"
    return boto3.client(service, config=CONFIG.merge(Config(**options)))
